"""What a rehearsal found, in words, its first line saying that everything in it is simulated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from dokja.report.words import Language, say
from dokja.sensitivity.rehearsal import Rehearsal

_OPENING = ("pass", "conditional")


def render_rehearsal(rehearsal: Rehearsal, language: Language) -> str:
    """Return how often simulated stages ended in each way, one sentence a line."""
    return "\n".join(_lines(rehearsal, language))


def _lines(rehearsal: Rehearsal, language: Language) -> Iterator[str]:
    rounds, teams = rehearsal.rounds, rehearsal.teams
    headline = {"rounds": rounds, "teams": teams, "seed": rehearsal.seed}
    yield say("rehearsal.headline", headline, language)
    assumed = ", ".join(f"{name} {value:g}" for name, value in asdict(rehearsal.assumptions).items())
    yield say("rehearsal.assumed", {"assumptions": assumed}, language)
    for key, counts in (("advancing", rehearsal.advancing), ("vacancies", rehearsal.vacancies)):
        for count, stages in counts.items():
            figures = {"count": count, "stages": stages, "rounds": rounds, "share": stages / rounds}
            yield say(f"rehearsal.{key}", figures, language)
    for way, found in rehearsal.exits.items():
        words = say(f"exit.{way}", {}, language)
        yield say(
            "rehearsal.exit",
            {"exit": words, "found": found, "teams": teams, "share": found / teams},
            language,
        )
    for gate, outcomes in rehearsal.gates.items():
        yield from _gate(gate, dict(outcomes), teams, language)


def _gate(gate: str, outcomes: dict[str, int], teams: int, language: Language) -> Iterator[str]:
    for outcome, found in outcomes.items():
        words = say(f"outcome.{outcome}", {}, language)
        figures = {"gate": gate, "outcome": words, "found": found, "teams": teams, "share": found / teams}
        yield say("rehearsal.gate", figures, language)
    opened = sum(outcomes.get(outcome, 0) for outcome in _OPENING)
    if opened == 0:
        yield say("rehearsal.never_opens", {"gate": gate, "teams": teams}, language)
    elif opened == teams:
        yield say("rehearsal.always_opens", {"gate": gate, "teams": teams}, language)

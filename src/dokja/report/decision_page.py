"""The page of a decision: who advances and who leaves, how sure that is, what would change it, and who must sign."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dokja.deciding.decision import Decision
from dokja.record.history import History
from dokja.report.decision.change import (
    changes_of_team,
    view_averages,
    view_fragility,
    view_normalisers,
)
from dokja.report.decision.figures import view_figures
from dokja.report.decision.simulated import find_simulated
from dokja.report.decision.teams import Shown, is_settled, view_teams, view_unexamined
from dokja.report.decision.voice import make_voice
from dokja.report.page import render_page
from dokja.report.words import LANGUAGES, Language
from dokja.rulebook import Rulebook, Unknown
from dokja.sensitivity.uncertainty import Uncertainty


def render_decision_page(
    rulebook: Rulebook,
    decision: Decision,
    uncertainty: Uncertainty | None,
    history: History,
    language: Language,
) -> str:
    """Return one self-contained page, in both languages, of what the rules give and what people sign.

    Args:
        rulebook: The rulebook applied.
        decision: What the rules give.
        uncertainty: How sure it is; None when it was not computed, and the page then says so.
        history: What the decision was computed from.
        language: The language shown first.
    """
    simulated = find_simulated(rulebook, decision, history)
    views = {
        each: _view(
            Shown(rulebook, decision, uncertainty, simulated, make_voice(rulebook, decision, each)), history
        )
        for each in LANGUAGES
    }
    return render_page("decision.html.jinja", views.__getitem__, language)


def _view(shown: Shown, history: History) -> Mapping[str, object]:
    voice, rulebook, decision = shown.voice, shown.rulebook, shown.decision
    teams = view_teams(shown)
    changes = [changes_of_team(shown, one) for one in decision.teams]
    return {
        "title": voice.say("title", stage=voice.title(rulebook.title)),
        "headline": headline(shown),
        "filled_by": _filled_by(shown),
        "banner": list(_banner(shown)),
        "shown": shown,
        "decision": decision,
        "uncertainty": shown.uncertainty,
        "level": _level(shown),
        "label": voice.simulated(shown.simulated.of()),
        "figures": view_figures(shown),
        "teams": [dict(team) | {"changes": said} for team, said in zip(teams, changes, strict=True)],
        "fragility": view_fragility(shown),
        "averages": view_averages(shown),
        "normalisers": view_normalisers(shown),
        "unexamined": view_unexamined(shown),
        "remarks": [voice.reason(reason) for reason in decision.remarks],
        "signing": list(_signing(shown)),
        "rulebook": rulebook,
        "events": len(history.events),
    }


def headline(shown: Shown) -> str:
    """Return the one sentence of a decision: who advances, who leaves and in which way, what stays vacant."""
    voice, decision = shown.voice, shown.decision
    clauses: list[tuple[str, dict[str, object]]] = []
    advancing = [voice.teams[team] for team in decision.advancing]
    if advancing:
        clauses.append(("one" if len(advancing) == 1 else "many", {"teams": ", ".join(advancing)}))
    else:
        clauses.append(("none", {}))
    for settled, names in ((True, ("leaves", "leave")), (False, ("open", "open"))):
        staying = [
            f"{voice.teams[one.team]} ({shown.ways(one, one.exits)})"
            for one in decision.teams
            if not one.advances and is_settled(one) is settled
        ]
        if staying:
            clauses.append((names[len(staying) > 1], {"teams": ", ".join(staying), "count": len(staying)}))
    if decision.vacancies is None:
        clauses.append(("places_unknown", {}))
    elif decision.vacancies:
        number = "vacancy" if decision.vacancies == 1 else "vacancies"
        clauses.append(("not_filled" if _is_open(shown) else number, {"count": decision.vacancies}))
    said = [
        voice.say(f"headline.{name}.{'end' if place == len(clauses) else 'then'}", **figures)
        for place, (name, figures) in enumerate(clauses, 1)
    ]
    return voice.say(
        "headline.of_one" if len(decision.teams) == 1 else "headline.of_many",
        count=len(decision.teams),
        clauses=" ".join(said),
    )


def _is_open(shown: Shown) -> bool:
    """Return whether some team's place still depends on what is missing."""
    return not all(is_settled(one) for one in shown.decision.teams)


def _filled_by(shown: Shown) -> str:
    """Return what the rulebook says of the places nobody took; empty when there are none, or not yet."""
    rule = shown.decision.filled_by
    if not rule or _is_open(shown):
        return ""
    unknown = isinstance(shown.rulebook.advance.vacancy, Unknown)
    words = shown.voice.say("unknown") if unknown else shown.voice.word(f"rulebook.value.{rule}")
    return shown.voice.say("filled_by", rule=words)


def _banner(shown: Shown) -> Iterator[str]:
    """Yield what nobody may overlook: simulation, and a rulebook that is not in force."""
    if shown.simulated.ballots:
        yield shown.voice.say("banner.ballots", count=shown.simulated.ballots)
    if shown.simulated.others:
        yield shown.voice.say("banner.others", count=shown.simulated.others)
    if shown.decision.counterfactual:
        yield shown.voice.say("banner.counterfactual")


def _level(shown: Shown) -> str:
    rows = () if shown.uncertainty is None else shown.uncertainty.teams
    return f"{rows[0].total.level:.0%}" if rows else ""


def _signing(shown: Shown) -> Iterator[str]:
    voice, rule = shown.voice, shown.rulebook.signatures
    if isinstance(rule.k, Unknown):
        yield voice.say("signing.unknown")
    elif isinstance(rule.n, Unknown):
        yield voice.say("signing.k", k=rule.k)
    else:
        yield voice.say("signing.k_of_n", k=rule.k, n=rule.n)
    if isinstance(rule.roles, Unknown):
        yield voice.say("signing.roles_unknown")
    else:
        for role in rule.roles:
            yield voice.say("signing.role", role=role.name, seats=role.seats, at_least=role.at_least)
    yield voice.say("signing.people")
    yield voice.say("signing.publication")

"""What letters are built of: sentences, tables and paragraphs from what a reader may see, in one language."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

from dokja.canonical import JSON
from dokja.errors import NotAllowed
from dokja.report.document import Block, Heading, Paragraph, Table
from dokja.report.words import Language, say, sentences
from dokja.rulebook import TOTAL, AllOf, AnyOf, Rulebook, ScorePart, Text, Unknown

View = Mapping[str, JSON]
_DECIMALS = 2
_EXACT = 1e-3


@dataclass(frozen=True, slots=True)
class Signatory:
    """A signature of a decision, as whoever may see signatures sees it."""

    person: str
    role: str
    at: str
    decision: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What a letter is made of, already limited to what its reader may see.

    Args:
        rulebook: The rulebook in force; public.
        view: What `see` shows the reader of the decision, as JSON.
        decision: Digest of the decision.
        simulated: How many simulated records the decision rests on; 0 when people gave everything.
        signers: Signatures; None where the reader may not see them.
        objection_last: Last day of the objection period; None while no announcement has opened it.
        returns: What the team gives back, in words.
        keeps: What stays with it, in words.
    """

    rulebook: Rulebook
    view: View
    decision: str
    simulated: int = 0
    signers: Sequence[Signatory] | None = None
    objection_last: date | None = None
    returns: Sequence[str] = ()
    keeps: Sequence[str] = ()


class Tell:
    """Says the sentences of letters in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def word(self, key: str, **figures: object) -> str:
        """Return a word or sentence of the letters."""
        return say(f"letters.{key}", figures, self.language)

    def paragraph(self, key: str, *, strong: bool = False, **figures: object) -> Paragraph:
        """Return a sentence as a paragraph."""
        return Paragraph(self.word(key, **figures), strong)

    def heading(self, key: str) -> Heading:
        """Return a heading."""
        return Heading(self.word(f"heading.{key}"))

    def title(self, text: Text) -> str:
        """Return a rulebook's words in this language."""
        return text.ko if self.language == "ko" else text.en

    def team(self, name: str) -> str:
        """Return how a team is written to."""
        return self.word("team", team=name)

    def reason(self, rulebook: Rulebook, reason: Mapping[str, JSON]) -> str:
        """Return a reason in plain words; without its figures where they stay sealed."""
        key = str(reason["key"])
        figures = dict(cast("Mapping[str, JSON]", reason.get("figures") or {}))
        item = next((one for one in rulebook.items if one.id == figures.get("item")), None)
        if item is not None:
            figures["item"] = self.title(item.title)
        if not figures:
            without = f"letters.reason.{key}"
            return say(without if without in sentences() else "letters.reason.other", {}, self.language)
        plain = f"letters.plain.{key}"
        return say(plain if plain in sentences() else key, figures, self.language)


def simulated_notice(facts: Facts, tell: Tell) -> list[Block]:
    """Say that the result is simulated, where it is."""
    return [tell.paragraph("simulated", strong=True, count=facts.simulated)] if facts.simulated else []


def row_of(facts: Facts, team: str) -> View:
    """Return a team's row of the view.

    Raises:
        NotAllowed: The decision does not speak of it.
    """
    found = next((row for row in rows_of(facts.view["teams"]) if row["team"] == team), None)
    if found is None:
        raise NotAllowed(
            f"The decision speaks of no team {team!r}.", hint="Name one of the teams of the stage."
        )
    return found


def rows_of(value: JSON) -> list[dict[str, JSON]]:
    """Return a list of objects of the view."""
    return cast("list[dict[str, JSON]]", value)


def scores_of(row: View) -> list[dict[str, JSON]]:
    """Return the scores of a team's row; empty where the reader may see none."""
    return rows_of(row.get("scores", []))


def own_result(facts: Facts, row: View, tell: Tell) -> Iterator[Block]:
    """Say how the stage ended for one team, and on what that rests."""
    if "advances" not in row:
        yield tell.paragraph("result.sealed")
        return
    final = facts.rulebook.advance.final is True
    way = "advances" if row["advances"] else "stays"
    yield tell.paragraph(f"result.{way}.{'final' if final else 'next'}", strong=True)
    if row["outcome"] == "conditional":
        yield tell.paragraph("result.conditional")
    exits = cast("list[str]", row["exits"])
    if not row["advances"] and exits:
        ways = ", ".join(tell.word(f"exit.{way}") for way in exits)
        yield tell.paragraph("result.because", ways=ways)
    if row["judged"]:
        yield tell.paragraph("result.judged")


def outcomes(facts: Facts, tell: Tell) -> Iterator[Block]:
    """Return the outcome of every team as far as the reader may see it, with the reasons."""
    rows = [row for row in rows_of(facts.view["teams"]) if "advances" in row]
    if not rows:
        yield tell.paragraph("result.sealed")
        return
    table = [
        [
            str(row["name"]),
            tell.word("advances" if row["advances"] else "stays"),
            ", ".join(tell.word(f"exit.{way}") for way in cast("list[str]", row["exits"]))
            or tell.word("none"),
        ]
        for row in rows
    ]
    header = [tell.word(f"column.{name}") for name in ("team", "outcome", "ground")]
    yield Table(tell.word("caption.outcomes"), header, table)
    vacancies = facts.view.get("vacancies")
    if vacancies:
        rule = say(f"rulebook.value.{facts.view['filled_by']}", {}, tell.language)
        yield tell.paragraph("vacancies", count=vacancies, rule=rule)
    for row in rows:
        for reason in dict.fromkeys(
            tell.reason(facts.rulebook, one) for one in rows_of(row.get("missing", []))
        ):
            yield Paragraph(tell.word("reason_of", team=row["name"], reason=reason))


def _points(value: JSON, tell: Tell, decimals: int = _DECIMALS) -> str:
    return tell.word("no_result") if value is None else f"{float(cast(float, value)):.{decimals}f}"


def _most(rulebook: Rulebook, part: str) -> float | None:
    points = rulebook.points if part == TOTAL else rulebook.part(part).points
    return None if isinstance(points, Unknown) else points


def _part_title(rulebook: Rulebook, part: str, tell: Tell) -> str:
    return tell.word("total") if part == TOTAL else tell.title(rulebook.part(part).title)


def score_table(facts: Facts, scores: Sequence[View], tell: Tell) -> Table:
    """Return a team's points by part, beside the means where the reader may see them."""
    means = cast("Mapping[str, JSON]", facts.view.get("means", {}))
    digits = facts.rulebook.publication.digits
    published = _DECIMALS if digits is None else digits
    columns = ["part", "points", "of", *(["mean"] if means else [])]
    rows = []
    for score in scores:
        part = str(score["part"])
        most = _most(facts.rulebook, part)
        shown = [
            _part_title(facts.rulebook, part, tell),
            _points(score["points"], tell),
            tell.word("unknown") if most is None else f"{most:g}",
        ]
        rows.append(shown + ([_points(means.get(part), tell, published)] if means else []))
    return Table(tell.word("caption.scores"), [tell.word(f"column.{name}") for name in columns], rows)


def strengths(facts: Facts, scores: Sequence[View], tell: Tell) -> Iterator[Block]:
    """Say in which parts the team had a larger share of the points than in its total, and in which a smaller one."""
    shares = _shares(facts.rulebook, scores)
    total = shares.pop(TOTAL, None)
    leaves: Mapping[str, ScorePart] = {leaf.id: leaf for leaf in facts.rulebook.leaves()}
    found = {part: share for part, share in shares.items() if part in leaves}
    if total is not None and found:
        for way, parts in (
            ("strong", {part: share for part, share in found.items() if share >= total}),
            ("weak", {part: share for part, share in found.items() if share < total}),
        ):
            if parts:
                ordered = sorted(parts, key=lambda part: -parts[part])
                told = ", ".join(
                    tell.word("share_of", part=tell.title(leaves[part].title), share=f"{parts[part]:.0%}")
                    for part in ordered
                )
                yield tell.paragraph(f"feedback.{way}", parts=told, total=f"{total:.0%}")
    for score in scores:
        if score["points"] is None:
            reason = tell.reason(facts.rulebook, cast("Mapping[str, JSON]", score["reason"]))
            part = _part_title(facts.rulebook, str(score["part"]), tell)
            yield tell.paragraph("reason_of", team=part, reason=reason)


def _shares(rulebook: Rulebook, scores: Sequence[View]) -> dict[str, float]:
    shares = {}
    for score in scores:
        part, most = str(score["part"]), _most(rulebook, str(score["part"]))
        if score["points"] is not None and most:
            shares[part] = float(cast(float, score["points"])) / most
    return shares


def reasons(rulebook: Rulebook, row: View, tell: Tell) -> list[Block]:
    """Return what a result rests on, each reason once."""
    told = dict.fromkeys(tell.reason(rulebook, reason) for reason in rows_of(row.get("missing", [])))
    return [tell.heading("reasons"), *[Paragraph(reason) for reason in told]] if told else []


def gate_table(facts: Facts, row: View, tell: Tell) -> list[Block]:
    """Return how each rule ended for a team, the rules that only join others left out."""
    ends = cast("Mapping[str, JSON]", row.get("gates", {}))
    rows = [
        [tell.title(gate.title), tell.word(f"gate.{ends[gate.id]}")]
        for gate in facts.rulebook.gates
        if gate.id in ends and not isinstance(gate, AllOf | AnyOf)
    ]
    header = [tell.word(f"column.{name}") for name in ("gate", "outcome")]
    return [Table(tell.word("caption.gates"), header, rows)] if rows else []


def finding_table(row: View, tell: Tell) -> list[Block]:
    """Return the findings about a team, with the replies it gave."""
    findings = rows_of(row.get("findings", []))
    rows = [
        [
            str(found["event"]),
            tell.word(f"verdict.{found['verdict']}"),
            say(f"evidence.{found['evidence']}", {}, tell.language),
            " / ".join(cast("list[str]", found["replies"])) or tell.word("none"),
        ]
        for found in findings
    ]
    header = [tell.word(f"column.{name}") for name in ("finding", "outcome", "evidence", "reply")]
    return [Table(tell.word("caption.findings"), header, rows)] if rows else []


def next_steps(facts: Facts, row: View, tell: Tell) -> Iterator[Block]:
    """Say what comes next for a team."""
    yield objecting(facts, tell)
    yield from (tell.paragraph("next.returns", what=what) for what in facts.returns)
    yield from (tell.paragraph("next.keeps", what=what) for what in facts.keeps)
    if row.get("advances") is False and facts.rulebook.advance.vacancy == "reentry":
        yield tell.paragraph("next.reentry")
    yield tell.paragraph("next.questions")


def objecting(facts: Facts, tell: Tell) -> Paragraph:
    """Say until when and on what grounds a team may object."""
    appeals = facts.rulebook.appeals
    grounds = (
        tell.word("unknown")
        if isinstance(appeals.grounds, Unknown)
        else ", ".join(tell.word(f"ground.{ground}") for ground in appeals.grounds)
    )
    if facts.objection_last is not None:
        return tell.paragraph("objection.until", last=facts.objection_last, grounds=grounds)
    if isinstance(appeals.days, Unknown):
        return tell.paragraph("objection.unknown")
    kind = "unknown_days" if isinstance(appeals.day_kind, Unknown) else f"{appeals.day_kind.value}_days"
    days = tell.word(f"objection.{kind}", days=appeals.days)
    return tell.paragraph("objection.after", days=days, grounds=grounds)


def signatures(facts: Facts, tell: Tell) -> Iterator[Block]:
    """Return who signed; nothing where the reader may not see it."""
    if facts.signers is None:
        return
    yield tell.heading("signed")
    if not facts.signers:
        yield tell.paragraph("signed.nobody")
        return
    header = [tell.word(f"column.{name}") for name in ("person", "role", "at", "decision")]
    yield Table(
        tell.word("caption.signers"),
        header,
        [[one.person, one.role, one.at, f"{one.decision[:19]}…"] for one in facts.signers],
    )


def released_figures(facts: Facts, statements: Sequence[Mapping[str, JSON]], tell: Tell) -> Iterator[Block]:
    """Return the figures that were released, rounded as they were released."""
    names = {str(row["team"]): str(row["name"]) for row in rows_of(facts.view["teams"])}
    rows = []
    for said in statements:
        if said["of"] not in ("team", "mean", "highest"):
            continue
        teams = cast("list[str]", said["teams"])
        who = names.get(teams[0], teams[0]) if said["of"] == "team" else tell.word(f"released.{said['of']}")
        half = float(cast(float, said["half_unit"]))
        # A figure rounded to so many decimals was released with half a unit of the last one.
        decimals = round(-math.log10(2 * half)) if half > _EXACT else _DECIMALS
        figure = _points(said["points"], tell, max(decimals, 0))
        rows.append([_part_title(facts.rulebook, str(said["part"]), tell), who, figure])
    if not rows:
        yield tell.paragraph("released.none")
        return
    header = [tell.word(f"column.{name}") for name in ("part", "who", "points")]
    yield Table(tell.word("caption.released"), header, rows)

"""Official letters of a stage as `Document`s: decision, minutes, publication notice, feedback, acknowledgement.

- A letter is made from what its addressee's profile may see and from nothing else: the view of a decision that
  `see` gives, and facts that are public anyway (the rulebook, days, whoever is written to).
- Every word comes from the catalogue. Letters to teams say what happened and what comes next, without stigma: reasons
  that the catalogue words more bluntly for the office have a plain wording of their own here.
- A reason whose figures stay sealed arrives here without them and is said without them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from dokja.canonical import JSON
from dokja.report.document import Block, Document, Paragraph
from dokja.report.letter_blocks import (
    Facts,
    Tell,
    finding_table,
    gate_table,
    next_steps,
    objecting,
    outcomes,
    own_result,
    reasons,
    released_figures,
    row_of,
    rows_of,
    score_table,
    scores_of,
    signatures,
    simulated_notice,
    strengths,
)
from dokja.report.words import Language, say
from dokja.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Head:
    """What stands above a letter.

    Args:
        number: Reference number of the office.
        issued: The day.
        issuer: Who issues it.
        language: `ko` or `en`.
    """

    number: str
    issued: date
    issuer: str
    language: Language


@dataclass(frozen=True, slots=True)
class Proposed:
    """A decision as it lay before those who signed.

    Args:
        decision: Its digest.
        read_until: When the last event was recorded that it reads.
        events: How many events it reads.
        first_signed: When it was first signed; empty while nobody has.
    """

    decision: str
    read_until: str
    events: int
    first_signed: str


@dataclass(frozen=True, slots=True)
class Proceedings:
    """What minutes tell beside the decision; what the reader may not see is None.

    Args:
        proposed: What was proposed and when, in order.
        recusals: (person, team names) of who stepped back; None where names are sealed.
        recusal_count: How many people stepped back.
        conflicts: (person, team name, ground); None where names are sealed.
    """

    proposed: Sequence[Proposed]
    recusals: Sequence[tuple[str, str]] | None
    recusal_count: int
    conflicts: Sequence[tuple[str, str, str]] | None


@dataclass(frozen=True, slots=True)
class ObjectionReceived:
    """An objection as it came in, to be acknowledged."""

    event: str
    team: str
    ground: str
    received: date
    answer_by: date
    another_panel: bool


def feedback_letter(head: Head, facts: Facts, team: str) -> Document:
    """Return the letter that tells a team its own full result and what comes next."""
    row, tell = row_of(facts, team), Tell(head.language)
    name = str(row["name"])
    blocks: list[Block] = [
        *simulated_notice(facts, tell),
        tell.paragraph("about", title=tell.title(facts.rulebook.title), digest=facts.rulebook.digest()),
        tell.paragraph("feedback.thanks", team=name, title=tell.title(facts.rulebook.title)),
        tell.heading("result"),
        *own_result(facts, row, tell),
    ]
    scores = scores_of(row)
    if scores:
        blocks += [
            tell.heading("scores"),
            score_table(facts, scores, tell),
            *strengths(facts, scores, tell),
        ]
    rules = [*gate_table(facts, row, tell), *finding_table(row, tell)]
    blocks += [tell.heading("rules"), *rules] if rules else []
    blocks += reasons(facts.rulebook, row, tell)
    blocks += [tell.heading("next"), *next_steps(facts, row, tell), tell.paragraph("end")]
    return _document(head, "feedback", tell.team(name), blocks)


def decision_notice(head: Head, facts: Facts, team: str = "") -> Document:
    """Return the notice of a decision: to one team about itself, or to everyone concerned."""
    tell = Tell(head.language)
    title = tell.title(facts.rulebook.title)
    blocks: list[Block] = [
        *simulated_notice(facts, tell),
        tell.paragraph("about", title=title, digest=facts.rulebook.digest()),
        tell.paragraph("decision.told", title=title),
    ]
    addressee = ""
    if team:
        row = row_of(facts, team)
        addressee = tell.team(str(row["name"]))
        blocks += [tell.heading("result"), *own_result(facts, row, tell)]
        scores = scores_of(row)
        blocks += [score_table(facts, scores, tell)] if scores else []
        blocks += reasons(facts.rulebook, row, tell)
    else:
        blocks += [tell.heading("result"), *outcomes(facts, tell)]
    blocks += signatures(facts, tell)
    blocks += [tell.heading("next"), objecting(facts, tell), tell.paragraph("end")]
    return _document(head, "decision", addressee, blocks)


def publication_notice(
    head: Head, facts: Facts, statements: Sequence[Mapping[str, JSON]], *, announced: bool
) -> Document:
    """Return the notice to the public.

    Args:
        head: What stands above it.
        facts: Limited to what the public may see.
        statements: Figures released to the public and no longer under embargo; only these are shown as figures,
            since they are what was checked for what they give away.
        announced: Whether the decision was announced; a notice before that is marked a draft.
    """
    tell = Tell(head.language)
    title = tell.title(facts.rulebook.title)
    blocks: list[Block] = [] if announced else [tell.paragraph("draft", strong=True)]
    blocks += [
        *simulated_notice(facts, tell),
        tell.paragraph("about", title=title, digest=facts.rulebook.digest()),
        tell.paragraph("publication.told", title=title),
        tell.heading("result"),
        *outcomes(facts, tell),
        tell.heading("figures"),
        *released_figures(facts, statements, tell),
        *signatures(facts, tell),
        tell.heading("next"),
        objecting(facts, tell),
        tell.paragraph("publication.check", decision=facts.decision),
        tell.paragraph("end"),
    ]
    return _document(head, "publication", "", blocks)


def minutes(head: Head, facts: Facts, proceedings: Proceedings) -> Document:
    """Return the minutes: what was proposed and when, what the rules give, remarks, recusals, who signed."""
    tell = Tell(head.language)
    blocks: list[Block] = [
        *simulated_notice(facts, tell),
        tell.paragraph(
            "about", title=tell.title(facts.rulebook.title), digest=facts.rulebook.digest()
        ),
        tell.heading("minutes.proposed"),
        *[
            tell.paragraph(
                "minutes.proposal" if one.first_signed else "minutes.proposal_unsigned",
                decision=one.decision, events=one.events, read_until=one.read_until, first_signed=one.first_signed,
            )
            for one in proceedings.proposed
        ],
        tell.heading("result"),
        *outcomes(facts, tell),
        tell.heading("minutes.remarks"),
        *_remarks(facts, tell),
        tell.heading("minutes.recusals"),
        *_recusals(proceedings, tell),
        *signatures(facts, tell),
        tell.paragraph("end"),
    ]  # fmt: skip
    return _document(head, "minutes", "", blocks)


def acknowledgement(head: Head, rulebook: Rulebook, objection: ObjectionReceived, team_name: str) -> Document:
    """Return the letter that tells a team its objection has come in, who hears it, and until when."""
    tell = Tell(head.language)
    blocks = [
        tell.paragraph("about", title=tell.title(rulebook.title), digest=rulebook.digest()),
        tell.paragraph("acknowledgement.received", received=objection.received, event=objection.event),
        tell.paragraph("acknowledgement.ground", ground=tell.word(f"ground.{objection.ground}")),
        tell.paragraph("acknowledgement.answer_by", answer_by=objection.answer_by),
        tell.paragraph(f"acknowledgement.{'another_panel' if objection.another_panel else 'panel'}"),
        tell.paragraph("acknowledgement.no_harm"),
        tell.paragraph("end"),
    ]
    return _document(head, "acknowledgement", tell.team(team_name), blocks)


def _document(head: Head, kind: str, addressee: str, blocks: Sequence[Block]) -> Document:
    return Document(
        title=say(f"letters.title.{kind}", {}, head.language),
        number=head.number,
        issued=head.issued.isoformat(),
        issuer=head.issuer or say("letters.issuer", {}, head.language),
        addressee=addressee,
        blocks=list(blocks),
        language=head.language,
    )


def _remarks(facts: Facts, tell: Tell) -> Iterator[Block]:
    remarks = rows_of(facts.view.get("remarks", []))
    told = dict.fromkeys(tell.reason(facts.rulebook, remark) for remark in remarks)
    yield from [Paragraph(one) for one in told] or [tell.paragraph("minutes.no_remarks")]


def _recusals(proceedings: Proceedings, tell: Tell) -> Iterator[Block]:
    yield tell.paragraph("minutes.recusal_count", count=proceedings.recusal_count)
    for person, teams in proceedings.recusals or ():
        yield tell.paragraph("minutes.recusal", person=person, teams=teams)
    for person, team, ground in proceedings.conflicts or ():
        yield tell.paragraph("minutes.conflict", person=person, team=team, ground=ground)

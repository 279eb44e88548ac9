"""Allegations by third parties: intake, the evidence standard, the right of reply, and a status anyone can see.

- Anyone may allege that a submission borrowed weights; what they rest it on is named from a closed list.
- Bases that cannot tell a copy from an independent model are answered with the reason why, not with silence: raw
  cosine of norm gains, equal configuration, likeness of code, overlap of vocabularies.
- An allegation with one basis that can tell opens an examination. Nothing is decided by an allegation: the findings
  of the examination are, after the team has replied or its days to reply have passed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dokja.canonical import JSON
from dokja.errors import InvalidInput
from dokja.finding import Reason
from dokja.record.events import AnyEvent, those
from dokja.record.kinds.findings import FoundAbout
from dokja.record.terms import Basis


class Status(StrEnum):
    """Where an allegation stands; each step is an event, none is skipped."""

    RECEIVED = "received"
    NO_EVIDENCE = "no_evidence"
    AWAITING_REPLY = "awaiting_reply"
    UNDER_EXAMINATION = "under_examination"
    CONCLUDED = "concluded"


# What each basis can show at most. A basis that is absent here can open an examination.
_CANNOT_TELL: Mapping[Basis, str] = {
    Basis.NORM_GAIN_COSINE: "allegation.norm_gain_cosine",
    Basis.EQUAL_CONFIGURATION: "allegation.equal_configuration",
    Basis.CODE_LIKENESS: "allegation.code_likeness",
    Basis.VOCABULARY_OVERLAP: "allegation.vocabulary_overlap",
}

# The dispute of January 2026, Solar Open 100B against GLM-4.5-Air, as published by the people who re-measured it
# (sionic-ai/solar-vs-glm@ff47427; ANLGBOY/solar-vs-glm-sanity-check@b131c11; hyunwoongko/solar-vs-glm-vs-phi@6ce4da8).
SOLAR_GLM_2026: Mapping[str, JSON] = {
    "claimed_cosine": 0.989,
    "raw_cosine": 0.9676,
    "shuffled_cosine": 0.9678,
    "centred_cosine": 0.0054,
    "unrelated_cosine": 0.99,
    "descendant_correlation": 1.0,
}
# Independent tokenizers share up to this share of the smaller vocabulary (cl100k and o200k, Qwen3.6 and DeepSeek-V3).
INDEPENDENT_VOCABULARY_OVERLAP_SHARE = 0.85


@dataclass(frozen=True, slots=True)
class Allegation:
    """What a third party says of a submission.

    Args:
        id: Unique in the programme.
        team: Whose submission.
        reference: The model it is said to descend from, and its owner, in words.
        bases: What it rests on.
        received: The day it came in.
        by: Who says it, an actor's id; rivals may allege, and are named as such.
    """

    id: str
    team: str
    reference: str
    bases: tuple[Basis, ...]
    received: date
    by: str

    def __post_init__(self) -> None:
        if not self.bases:
            raise InvalidInput(
                f"Allegation {self.id!r} rests on nothing.",
                hint="Name at least one basis and attach its evidence.",
            )


@dataclass(frozen=True, slots=True)
class Answer:
    """What intake answers, at once and in public.

    Args:
        status: NO_EVIDENCE, or AWAITING_REPLY when one basis can tell.
        reasons: For each basis that cannot tell, why.
        can_tell: The bases an examination will look at.
    """

    status: Status
    reasons: tuple[Reason, ...]
    can_tell: tuple[Basis, ...]


def answer(allegation: Allegation) -> Answer:
    """Return what intake answers to an allegation, from its bases alone."""
    can_tell = tuple(basis for basis in allegation.bases if basis not in _CANNOT_TELL)
    reasons = tuple(
        Reason(_CANNOT_TELL[basis], _figures(basis)) for basis in allegation.bases if basis in _CANNOT_TELL
    )
    return Answer(Status.AWAITING_REPLY if can_tell else Status.NO_EVIDENCE, reasons, can_tell)


def _figures(basis: Basis) -> Mapping[str, JSON]:
    if basis is Basis.NORM_GAIN_COSINE:
        return SOLAR_GLM_2026
    if basis is Basis.VOCABULARY_OVERLAP:
        return {"overlap_share": INDEPENDENT_VOCABULARY_OVERLAP_SHARE}
    return {}


def status(
    allegation: Allegation, *, replied: bool, reply_by: date, examined_claims: Sequence[str], today: date
) -> Status:
    """Return where an allegation stands on a day.

    Args:
        allegation: The allegation.
        replied: Whether the team has replied.
        reply_by: Last day of the team's right of reply; nothing is concluded before it has replied or that day ends.
        examined_claims: Claims on which the examination it opened has recorded findings.
        today: The day asked for.
    """
    first = answer(allegation).status
    if first is Status.NO_EVIDENCE:
        return first
    if not replied and today <= reply_by:
        return Status.AWAITING_REPLY
    return Status.CONCLUDED if examined_claims else Status.UNDER_EXAMINATION


# Which claims an examination of each basis answers, by the beginning of their names.
_CLAIMS: Mapping[Basis, str] = {
    Basis.WEIGHT_COMPARISON: "weights.",
    Basis.TRAINING_RECORD: "training.",
    Basis.LICENCE_OR_NOTICE: "licence.",
}


def concerns(allegation: Allegation, later: Sequence[AnyEvent]) -> tuple[tuple[str, str], ...]:
    """Return (claim, event) of every finding recorded since an allegation that answers one of its bases.

    Args:
        allegation: The allegation.
        later: The events in force from the allegation on.
    """
    names = tuple(_CLAIMS[basis] for basis in allegation.bases if basis in _CLAIMS)
    found = []
    for event in those(later, FoundAbout):
        claim = event.payload.finding.claim.name
        if event.payload.team == allegation.team and claim.startswith(names or ("-",)):
            found.append((claim, event.id))
    return tuple(found)

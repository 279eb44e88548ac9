"""What was told to whom: releases, early looks, and what was published elsewhere."""

from __future__ import annotations

from typing import ClassVar, Literal

from dokja.grammar.model import Model
from dokja.grammar.types import (
    AtLeastOne,
    Count,
    Digest,
    DigestOrEmpty,
    Id,
    IdOrEmpty,
    InstantOrEmpty,
    Listed,
    Name,
    Number,
    Some,
    Text,
)
from dokja.grammar.unknown import OrNone
from dokja.record.payload import EVERYONE, Audience, Payload
from dokja.record.terms import Exit
from dokja.rulebook import Disclosed, Profile


class Said(Model):
    """One figure of a release, as wide as its rounding."""

    of: Literal["team", "mean", "highest", "above", "at_least", "at_most"]
    part: Name
    teams: Listed[Name]
    points: Number
    half_unit: Number


class Release(Payload):
    """What was disclosed to whom.

    An announcement publishes a decision and names in `announces` the teams whose objection period it opens; until
    `until` only `to` may see it. It is recorded sealed, and shown to the public once its embargo has ended.
    """

    kind: ClassVar[str] = "release"
    after_closing: ClassVar[bool] = True
    by_hand: ClassVar[str] = "dokja publication release"
    is_evidence: ClassVar[bool] = False

    profile: Profile
    team: str
    decision: Digest
    announcement: bool
    announces: Listed[Name]
    fields: Listed[Disclosed]
    statements: tuple[Said, ...]
    assumptions: Listed[Text]
    until: InstantOrEmpty
    to: Listed[Id]


class Access(Payload):
    """Someone looked before an embargo ended; `saw` is the digest of what was shown."""

    kind: ClassVar[str] = "access"
    disclosed: ClassVar[Audience] = Disclosed.ACCESS_LOG
    after_closing: ClassVar[bool] = True
    by_hand: ClassVar[str] = "dokja publication preview --by"
    for_good: ClassVar[bool] = True
    is_evidence: ClassVar[bool] = False

    release: IdOrEmpty
    profile: Profile
    team: str
    decision: DigestOrEmpty
    saw: Digest


class ToldElsewhere(Payload):
    """What was published elsewhere, with where; shown, not computed with."""

    disclosed: ClassVar[Audience] = EVERYONE
    after_closing: ClassVar[bool] = True
    is_evidence: ClassVar[bool] = False


class PublishedScore(ToldElsewhere):
    """A figure published elsewhere: of a team, the mean, or the highest."""

    kind: ClassVar[str] = "published_score"

    of: Literal["team", "mean", "highest"]
    teams: Listed[Name]
    part: Name
    points: Number
    half_unit: OrNone[Number] = None
    cites: Some[Text]


class PublishedRank(ToldElsewhere):
    """An order published elsewhere; settles `keep_top` where nothing can be computed."""

    kind: ClassVar[str] = "published_rank"

    team: Name
    part: Name
    rank: Count
    among: Count
    cites: Some[Text]


class OutcomeTold(Model):
    """How a stage ended for a team, as it was told elsewhere."""

    team: Name
    advances: bool
    exit: Literal[""] | Exit


class OfficialOutcome(ToldElsewhere):
    """How a stage ended, as it was told elsewhere."""

    kind: ClassVar[str] = "official_outcome"

    outcomes: AtLeastOne[OutcomeTold]
    vacancies: Count
    cites: Some[Text]

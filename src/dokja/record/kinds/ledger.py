"""Support and who is in a consortium: promises, deliveries, returns, budget lines, names, rosters."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from dokja.grammar.model import Model
from dokja.grammar.types import AtLeastOne, Count, Day, Listed, Name, Number, Text
from dokja.grammar.unknown import OrNone, OrUnknown
from dokja.record.payload import Audience, Payload
from dokja.record.roster import MemberRole
from dokja.rulebook import Disclosed, OnExit

Resource: TypeAlias = Literal["gpu", "data", "talent"]


class LedgerEntry(Payload):
    """What the ledger of support and rosters reads, across stages."""

    disclosed: ClassVar[Audience] = Disclosed.SUPPORT
    after_closing: ClassVar[bool] = True
    is_evidence: ClassVar[bool] = False
    in_ledger: ClassVar[bool] = True


class SupportPromised(LedgerEntry):
    """What a team is promised; `rule` is the row of the rulebook's support table it follows."""

    kind: ClassVar[str] = "support_promised"
    by_hand: ClassVar[str] = "dokja support promise"

    support: Name
    team: Name
    resource: Resource
    what: Text
    units: OrUnknown[Number]
    supplier: Name
    first: Day
    last: Day
    throughput: Text = ""
    rule: Name = ""
    on_exit: OrNone[OnExit] = None
    budget_line: Name = ""
    won: OrNone[Count] = None
    cites: Listed[Text] = ()


class SupportDelivered(LedgerEntry):
    """What was delivered; without `first` no clock can use it, without `measured_by` it is the supplier's own word."""

    kind: ClassVar[str] = "support_delivered"

    team: Name
    support: Name
    supplier: Name
    promised: OrUnknown[Number]
    delivered: OrUnknown[Number | Literal["all"]]
    throughput_share: OrNone[OrUnknown[Number]] = None
    first: OrNone[Day] = None
    last: OrNone[Day] = None
    measured_by: Text = ""
    cites: Listed[Text] = ()


class SupportReturned(LedgerEntry):
    """From that day on the team no longer has it."""

    kind: ClassVar[str] = "support_returned"
    by_hand: ClassVar[str] = "dokja support return"

    support: Name
    team: Name
    day: Day
    cites: Listed[Text] = ()


class BudgetLineRecorded(LedgerEntry):
    """What the budget says of a resource in a year."""

    kind: ClassVar[str] = "budget_line"

    line: Name
    title: Text
    resource: Resource
    year: Count
    won: OrUnknown[Count]
    cites: Listed[Text] = ()


class NamingRightRecorded(LedgerEntry):
    """A name the programme lets a team carry."""

    kind: ClassVar[str] = "naming_right"

    team: Name
    name: Text
    first: Day
    last: OrNone[Day] = None
    cites: Listed[Text] = ()


class RosterMember(Model):
    """An organisation in a consortium, and what it is there."""

    name: Text
    role: MemberRole


class RosterRecorded(LedgerEntry):
    """Everyone in a consortium from a day on, exactly one of them the lead."""

    kind: ClassVar[str] = "roster_version"
    disclosed: ClassVar[Audience] = Disclosed.ROSTERS
    by_hand: ClassVar[str] = "dokja roster set"

    team: Name
    version: Count
    effective: Day
    members: AtLeastOne[RosterMember]
    why: str

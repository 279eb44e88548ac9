"""The words a rulebook chooses among, and the marker for a rule that was not published."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Literal, TypeVar

from dokja.errors import RulebookUnknown


class Unknown(Enum):
    """The one marker for a rule that exists but was not published."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Literal[Unknown.UNKNOWN] = Unknown.UNKNOWN

_T = TypeVar("_T")


def require_known(value: _T | Unknown, at: str) -> _T:
    """Return the value, refusing the marker `unknown`.

    Args:
        value: A field of a rulebook.
        at: Where it stands in the rulebook, e.g. `gates.keep_four.keep`.

    Raises:
        RulebookUnknown: The rulebook says that this is not known.
    """
    if isinstance(value, Unknown):
        raise RulebookUnknown(f"The rulebook leaves {at} unknown, and this step needs its value.", at=at)
    return value


class Chooser(StrEnum):
    """Who chooses a suite or a comparator."""

    ORGANISER = "organiser"
    TEAM = "team"
    AGENCY = "agency"


class SuiteCustody(StrEnum):
    """Who sees the items of a suite, and when."""

    PUBLIC = "public"
    SEALED = "sealed"
    EXPOSED = "exposed"


class Aggregation(StrEnum):
    """How one attainment figure is made of several benchmarks and their comparator results."""

    MEAN_OF_RATIOS = "mean_of_ratios"
    RATIO_OF_MEANS = "ratio_of_means"
    SHARE_REACHING = "share_reaching"


class Averaging(StrEnum):
    """Which average of a panel counts."""

    MEAN = "mean"
    TRIMMED = "trimmed"
    SEVERITY_ADJUSTED = "severity_adjusted"


class PanelKind(StrEnum):
    """Who sits on a panel."""

    EXPERTS = "experts"
    USERS = "users"


class BallotForm(StrEnum):
    """What a member of a panel hands in: a mark per criterion, a choice between two answers, or yes and no."""

    RATING = "rating"
    PAIRED = "paired"
    APPROVAL = "approval"


class AfterRecusal(StrEnum):
    """What happens to a team's average when a rater recuses."""

    AVERAGE_OF_REST = "average_of_rest"
    REPLACE = "replace"


class TieRule(StrEnum):
    """How a tie at a cut-off is resolved."""

    HIGHER = "higher"
    PANEL_MAJORITY = "panel_majority"
    LOT = "lot"
    ALL_ADVANCE = "all_advance"


class Aspect(StrEnum):
    """The three aspects of independence."""

    TECHNICAL = "technical"
    POLICY = "policy"
    ETHICAL = "ethical"


class WhenInconclusive(StrEnum):
    """What an examined but inconclusive item means for the independence gate."""

    INSUFFICIENT = "insufficient"
    CONDITIONAL = "conditional"


class Vacancy(StrEnum):
    """What happens when fewer teams pass than there are places."""

    LEFT_EMPTY = "left_empty"
    NEXT_IN_ORDER = "next_in_order"
    REENTRY = "reentry"


class SingleApplicant(StrEnum):
    """How one applicant alone is treated: judged like several, or the call is opened again."""

    SAME_WAY = "same_way"
    CALL_AGAIN = "call_again"


class MajorityOf(StrEnum):
    """What a majority is counted against."""

    SIZE = "size"
    VOTING = "voting"


class DayKind(StrEnum):
    """Which days a period counts."""

    BUSINESS = "business"
    CALENDAR = "calendar"


class AppealGround(StrEnum):
    """What an objection may rest on."""

    DECISIVE_EVALUATOR_ERROR = "decisive_evaluator_error"
    MISREADING_OF_THE_WORK = "misreading_of_the_work"
    CLERICAL_ERROR = "clerical_error"


class Profile(StrEnum):
    """Whom a disclosure is made to."""

    PUBLIC = "public"
    OWN_TEAM = "own_team"
    OTHER_TEAMS = "other_teams"
    PANEL = "panel"
    AUDITOR = "auditor"


class Disclosed(StrEnum):
    """What a stage can disclose; anything a rulebook does not list is for the auditor alone."""

    DECISION = "decision"
    REASONS = "reasons"
    FINDINGS = "findings"
    TEAM_REPLIES = "team_replies"
    STAGE_MEANS = "stage_means"
    STAGE_TOPS = "stage_tops"
    TOTALS = "totals"
    PART_SCORES = "part_scores"
    RANKS = "ranks"
    ITEM_ANSWERS = "item_answers"
    EXPERT_MARKS = "expert_marks"
    EXPERT_NAMES = "expert_names"
    USER_BALLOTS = "user_ballots"
    SIGNATURES = "signatures"
    OBJECTIONS = "objections"
    ALLEGATIONS = "allegations"
    ACCESS_LOG = "access_log"


class Consent(StrEnum):
    """Whose consent an amendment needs after the stage has opened."""

    ALL = "all"
    MAJORITY = "majority"
    NOTICE = "notice"


class Position(StrEnum):
    """What a team said of an amendment."""

    CONSENTS = "consents"
    OBJECTS = "objects"
    SILENT = "silent"


class OnExit(StrEnum):
    """What becomes of support when a team leaves."""

    RETURNED = "returned"
    KEPT = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Words shown to people, in both languages."""

    ko: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a published rule was read."""

    id: str
    url: str
    says: str = ""

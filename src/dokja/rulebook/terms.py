"""The words a rulebook chooses among, its kinds of numbers, and the marker for a rule that was not published."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeAlias, TypeVar

from pydantic import Field

from dokja.errors import RulebookUnknown
from dokja.grammar.model import Model
from dokja.grammar.types import EXACT, Line, Name
from dokja.grammar.unknown import Unknown

_T = TypeVar("_T")

Positive: TypeAlias = Annotated[int, Field(ge=1), EXACT]
NotNegative: TypeAlias = Annotated[int, Field(ge=0), EXACT]
AboveZero: TypeAlias = Annotated[float, Field(gt=0), EXACT]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1), EXACT]
ShareBelowOne: TypeAlias = Annotated[float, Field(ge=0, lt=1), EXACT]


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
    SUBMISSIONS = "submissions"
    SUPPORT = "support"
    ROSTERS = "rosters"


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


class Text(Model):
    """Words shown to people, in both languages."""

    ko: Line
    en: Line


class Source(Model):
    """Where a published rule was read."""

    id: Name
    url: Line
    says: Line = ""

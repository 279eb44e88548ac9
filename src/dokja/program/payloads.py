"""What each kind of event may say: one schema per kind, every mistake one sentence.

A schema maps a field's name to a check; a name ending in `?` may be left out. A check returns what is wrong with a
value as the end of a sentence ("is not ..."), or the empty string.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import StrEnum
from itertools import pairwise

from dokja.errors import InvalidInput
from dokja.finding import Evidence, Finding

Check = Callable[[object], str]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


class Kind(StrEnum):
    """What happened."""

    STAGE_OPENED = "stage_opened"
    AMENDMENT = "amendment"
    DEADLINE_EXTENDED = "deadline_extended"
    TEAM_REGISTERED = "team_registered"
    BENCHMARKS_CHOSEN = "benchmarks_chosen"
    COMPARATOR_CHOSEN = "comparator_chosen"
    SUBMISSION = "submission"
    WITHDRAWAL = "withdrawal"
    SUPPORT_DELIVERED = "support_delivered"
    RUN_RESULT = "run_result"
    RATER_REGISTERED = "rater_registered"
    CONFLICT_DECLARED = "conflict_declared"
    RECUSAL = "recusal"
    EXPERT_SCORE = "expert_score"
    USER_RATING = "user_rating"
    USER_PREFERENCE = "user_preference"
    FINDING_RECORDED = "finding_recorded"
    TEAM_REPLY = "team_reply"
    JUDGED_FINDING = "judged_finding"
    TIE_RESOLVED = "tie_resolved"
    EXTRA_ELIMINATION = "extra_elimination"
    REENTRY_APPLICATION = "reentry_application"
    PANEL_VOTE = "panel_vote"
    DECISION_SIGNED = "decision_signed"
    OBJECTION = "objection"
    ANSWER_TO_OBJECTION = "answer_to_objection"
    PUBLISHED_SCORE = "published_score"
    PUBLISHED_RANK = "published_rank"
    OFFICIAL_OUTCOME = "official_outcome"
    RETRACTION = "retraction"


class Exit(StrEnum):
    """How a team that does not advance leaves the stage."""

    SCORE = "score"
    INDEPENDENCE = "independence"
    WITHDRAWAL = "withdrawal"
    NO_RESULT = "no_result"
    NOT_SELECTED = "not_selected"
    UNRESOLVED_TIE = "unresolved_tie"
    EXTRA = "extra_elimination"


class RowState(StrEnum):
    """How one item of a run ended. Anything but SCORED counts under the rulebook's fault rule, never as missing."""

    SCORED = "scored"
    EMPTY = "empty"
    FAILED = "failed"


def is_id(value: object) -> str:
    """Check an identifier: of an event, an actor, an item."""
    return "" if isinstance(value, str) and _ID.fullmatch(value) else "is not an identifier"


def is_name(value: object) -> str:
    """Check a short lower-case name: of a team, a suite, a criterion, a part."""
    good = isinstance(value, str) and _NAME.fullmatch(value)
    return "" if good else "is not a short lower-case name (letters, digits, _ . -)"


def is_digest(value: object) -> str:
    """Check a digest written `sha256:<64 hex digits>`."""
    return "" if isinstance(value, str) and _DIGEST.fullmatch(value) else "is not a sha256 digest"


def is_time(value: object) -> str:
    """Check an RFC 3339 instant in UTC, ending in Z, that exists in the calendar."""
    wrong = "is not an RFC 3339 time in UTC such as 2026-01-15T06:00:00Z"
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return wrong
    try:
        datetime.fromisoformat(value[:19])
    except ValueError:
        return wrong
    return ""


def is_day(value: object) -> str:
    """Check a calendar day written YYYY-MM-DD."""
    try:
        good = isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        good = False
    return "" if good else "is not a day such as 2026-01-15"


def is_string(value: object) -> str:
    """Check a text that may be empty."""
    return "" if isinstance(value, str) else "is not a text"


def is_text(value: object) -> str:
    """Check a text that says something."""
    return "" if isinstance(value, str) and value.strip() else "is not a text, or is empty"


def is_number(value: object) -> str:
    """Check a number. Booleans are not numbers; NaN never reaches here, canonical JSON refuses it."""
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    return "" if good else "is not a number"


def is_count(value: object) -> str:
    """Check a whole number of things, zero or more."""
    good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return "" if good else "is not a whole number, zero or more"


def is_bool(value: object) -> str:
    """Check true or false."""
    return "" if isinstance(value, bool) else "is not true or false"


def is_object(value: object) -> str:
    """Check a JSON object of any content."""
    return "" if isinstance(value, dict) else "is not an object"


def one_of(*allowed: str) -> Check:
    """Return a check for membership in a closed list of words."""
    return lambda value: "" if value in allowed else f"is not one of {', '.join(allowed)}"


def list_of(check: Check, *, at_least: int = 0) -> Check:
    """Return a check for a list of such values, without repeats where they are texts."""

    def checked(value: object) -> str:
        if not isinstance(value, list) or len(value) < at_least:
            return f"is not a list of at least {at_least}" if at_least else "is not a list"
        wrong = next((f"holds {inner!r}, which {check(inner)}" for inner in value if check(inner)), "")
        if not wrong and all(isinstance(inner, str) for inner in value) and len(set(value)) != len(value):
            return "names the same thing twice"
        return wrong

    return checked


def record(schema: Mapping[str, Check]) -> Check:
    """Return a check for an object with exactly these fields."""

    def checked(value: object) -> str:
        if not isinstance(value, dict):
            return "is not an object"
        return next((f"has a field {problem}" for problem in problems(schema, value)), "")

    return checked


def _is_finding(value: object) -> str:
    try:
        Finding.from_json(value)
    except InvalidInput as error:
        return f"is not a finding: {error.message}"
    return ""


def _is_judged_finding(value: object) -> str:
    wrong = _is_finding(value)
    if wrong:
        return wrong
    judged = Finding.from_json(value).evidence is Evidence.JUDGED
    return "" if judged else "does not carry the evidence level judged"


def _is_row(value: object) -> str:
    """Check [item, passage, repeat, state, score]; score is a number when scored and null otherwise."""
    if not isinstance(value, list) or len(value) != 5:
        return "is not [item, passage, repeat, state, score]"
    item, passage, repeat, state, score = value
    wrong = is_id(item) or is_id(passage) or is_count(repeat) or one_of(*RowState)(state)
    if wrong:
        return wrong
    if state == RowState.SCORED:
        in_range = not is_number(score) and 0 <= score <= 1
        return "" if in_range else "has no score from 0 to 1"
    return "" if score is None else "was not scored and yet has a score"


def _is_run(value: object) -> str:
    if not isinstance(value, list):
        return "is not a list"
    wrong = next((f"holds a row that {_is_row(row)}" for row in value if _is_row(row)), "")
    if wrong:
        return wrong
    keys = sorted((row[0], row[2]) for row in value)
    twice = next((one for one, other in pairwise(keys) if one == other), None)
    if twice:
        return f"answers item {twice[0]}, repeat {twice[1]}, twice"
    passages: dict[str, str] = {}
    split = next((row[0] for row in value if passages.setdefault(row[0], row[1]) != row[1]), None)
    return f"puts item {split} in two passages" if split else ""


_MARK: Mapping[str, Check] = {
    "rater": is_id,
    "team": is_name,
    "criterion": is_name,
    "score": is_number,
    "weights": is_digest,
}

SCHEMAS: Mapping[Kind, Mapping[str, Check]] = {
    Kind.STAGE_OPENED: {"rulebook": is_digest, "file?": is_digest},
    Kind.AMENDMENT: {
        "previous": is_digest,
        "rulebook": is_digest,
        "file?": is_digest,
        "effective_at": is_time,
        "positions": list_of(
            record(
                {"team": is_name, "position": one_of("consents", "objects", "silent"), "reason": is_string}
            )
        ),
    },
    Kind.DEADLINE_EXTENDED: {"deadline": is_name, "previous": is_time, "until": is_time},
    Kind.TEAM_REGISTERED: {"team": is_name, "name": is_text},
    Kind.REENTRY_APPLICATION: {"team": is_name, "name": is_text},
    Kind.BENCHMARKS_CHOSEN: {"team": is_name, "suite": is_name, "benchmarks": list_of(is_name, at_least=1)},
    Kind.COMPARATOR_CHOSEN: {
        "team": is_name,
        "comparator": is_name,
        "subject": is_name,
        "name": is_text,
        "released": is_day,
    },
    Kind.SUBMISSION: {"team": is_name, "weights": is_digest, "declaration": is_object},
    Kind.WITHDRAWAL: {"team": is_name},
    Kind.SUPPORT_DELIVERED: {
        "team": is_name,
        "support": is_name,
        "supplier": is_name,
        "promised": is_number,
        "delivered": is_number,
    },
    Kind.RUN_RESULT: {
        "subject": is_name,
        "benchmark": is_name,
        "items": is_digest,
        "engine": is_name,
        "weights": is_digest,
        "completed": is_count,
        "total": is_count,
        "rows": _is_run,
        "journal?": is_digest,
    },
    Kind.RATER_REGISTERED: {"rater": is_id, "panel": is_name},
    Kind.CONFLICT_DECLARED: {"rater": is_id, "team": is_name, "ground": is_text},
    Kind.RECUSAL: {"rater": is_id, "teams": list_of(is_name, at_least=1)},
    Kind.EXPERT_SCORE: {**_MARK, "cites?": list_of(is_text)},
    Kind.USER_RATING: _MARK,
    Kind.USER_PREFERENCE: {
        "rater": is_id,
        "prompt": is_id,
        "first": is_name,
        "second": is_name,
        "first_weights": is_digest,
        "second_weights": is_digest,
        "preferred": one_of("first", "second", "tie"),
    },
    Kind.PANEL_VOTE: {"rater": is_id, "team": is_name, "choice": one_of("approve", "reject", "abstain")},
    Kind.FINDING_RECORDED: {"team": is_name, "finding": _is_finding},
    Kind.JUDGED_FINDING: {
        "team": is_name,
        "rater": is_id,
        "finding": _is_judged_finding,
        "cites": list_of(is_digest, at_least=1),
    },
    Kind.TEAM_REPLY: {"team": is_name, "to": is_id, "text": is_text},
    Kind.TIE_RESOLVED: {"rule": one_of("lot", "panel_majority"), "order": list_of(is_name, at_least=2)},
    Kind.EXTRA_ELIMINATION: {"team": is_name, "ground": is_text, "cites": list_of(is_text, at_least=1)},
    Kind.DECISION_SIGNED: {"decision": is_digest, "signer": is_id, "key": is_text, "signature": is_text},
    Kind.OBJECTION: {
        "team": is_name,
        "decision": is_digest,
        "ground": one_of("decisive_evaluator_error", "misreading_of_the_work", "clerical_error"),
        "text": is_text,
    },
    Kind.ANSWER_TO_OBJECTION: {
        "objection": is_id,
        "upheld": is_bool,
        "heard_by": list_of(is_id, at_least=1),
        "text": is_text,
    },
    Kind.PUBLISHED_SCORE: {
        "of": one_of("team", "mean", "highest"),
        "teams": list_of(is_name),
        "part": is_name,
        "points": is_number,
        "cites": list_of(is_text, at_least=1),
    },
    Kind.PUBLISHED_RANK: {
        "team": is_name,
        "part": is_name,
        "rank": is_count,
        "among": is_count,
        "cites": list_of(is_text, at_least=1),
    },
    Kind.OFFICIAL_OUTCOME: {
        "outcomes": list_of(
            record({"team": is_name, "advances": is_bool, "exit": one_of("", *Exit)}), at_least=1
        ),
        "vacancies": is_count,
        "cites": list_of(is_text, at_least=1),
    },
    Kind.RETRACTION: {},
}


def problems(schema: Mapping[str, Check], payload: Mapping[str, object]) -> list[str]:
    """Return what is wrong with a payload, one sentence's end per mistake; empty when nothing is."""
    known = {field.rstrip("?"): (check, not field.endswith("?")) for field, check in schema.items()}
    found = [f"{field} that is not known" for field in sorted(set(payload) - set(known))]
    for field, (check, needed) in known.items():
        if field not in payload:
            if needed:
                found.append(f"{field} that is missing")
        elif wrong := check(payload[field]):
            found.append(f"{field} that {wrong}")
    return found

"""What each kind of event may say: one schema per kind, every mistake one sentence.

A schema maps a field's name to a check; a name ending in `?` may be left out. A check returns what is wrong with a
value as the end of a sentence ("is not ..."), or the empty string.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from itertools import pairwise

from dokja.errors import InvalidInput
from dokja.finding import Evidence, Finding
from dokja.grammar.checks import (
    Check,
    is_bool,
    is_count,
    is_day,
    is_digest,
    is_id,
    is_name,
    is_number,
    is_object,
    is_string,
    is_text,
    is_time,
    list_of,
    one_of,
    or_empty,
    or_unknown,
    record,
)
from dokja.rulebook.terms import AppealGround, Disclosed, Profile


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
    SUPPORT_PROMISED = "support_promised"
    SUPPORT_DELIVERED = "support_delivered"
    SUPPORT_RETURNED = "support_returned"
    BUDGET_LINE = "budget_line"
    NAMING_RIGHT = "naming_right"
    ROSTER_VERSION = "roster_version"
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
    RELEASE = "release"
    ACCESS = "access"
    ALLEGATION = "allegation"
    ALLEGATION_REPLY = "allegation_reply"
    REENTRY_RESULT = "reentry_result"
    STAGE_CLOSED = "stage_closed"
    PUBLISHED_SCORE = "published_score"
    PUBLISHED_RANK = "published_rank"
    OFFICIAL_OUTCOME = "official_outcome"
    RETRACTION = "retraction"


class Basis(StrEnum):
    """What an allegation rests on."""

    NORM_GAIN_COSINE = "norm_gain_cosine"
    EQUAL_CONFIGURATION = "equal_configuration"
    CODE_LIKENESS = "code_likeness"
    VOCABULARY_OVERLAP = "vocabulary_overlap"
    WEIGHT_COMPARISON = "weight_comparison"
    TRAINING_RECORD = "training_record"
    LICENCE_OR_NOTICE = "licence_or_notice"


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


def _is_finding(value: object) -> str:
    try:
        Finding.from_json(value)
    except InvalidInput as error:
        return f"is not a finding: {error.message.rstrip('.')}"
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
    Kind.STAGE_OPENED: {
        "rulebook": is_digest,
        "file?": is_digest,
        "reenters?": record({"stage": is_name, "decision": is_digest}),
    },
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
    Kind.SUPPORT_PROMISED: {
        "support": is_name,
        "team": is_name,
        "resource": one_of("gpu", "data", "talent"),
        "what": is_text,
        "units": or_unknown(is_number),
        "supplier": is_name,
        "first": is_day,
        "last": is_day,
        "throughput?": is_text,
        "rule?": is_name,
        "on_exit?": one_of("returned", "kept"),
        "budget_line?": is_name,
        "won?": is_count,
        "cites?": list_of(is_text),
    },
    Kind.SUPPORT_DELIVERED: {
        "team": is_name,
        "support": is_name,
        "supplier": is_name,
        "promised": or_unknown(is_number),
        "delivered": or_unknown(is_number, "all"),
        "throughput_share?": or_unknown(is_number),
        "first?": is_day,
        "last?": is_day,
        "measured_by?": is_text,
        "cites?": list_of(is_text),
    },
    Kind.SUPPORT_RETURNED: {"support": is_name, "team": is_name, "day": is_day, "cites?": list_of(is_text)},
    Kind.BUDGET_LINE: {
        "line": is_name,
        "title": is_text,
        "resource": one_of("gpu", "data", "talent"),
        "year": is_count,
        "won": or_unknown(is_count),
        "cites?": list_of(is_text),
    },
    Kind.NAMING_RIGHT: {
        "team": is_name,
        "name": is_text,
        "first": is_day,
        "last?": is_day,
        "cites?": list_of(is_text),
    },
    Kind.ROSTER_VERSION: {
        "team": is_name,
        "version": is_count,
        "effective": is_day,
        "members": list_of(
            record({"name": is_text, "role": one_of("lead", "participant", "university", "user_site")}),
            at_least=1,
        ),
        "why": is_string,
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
        "ground": one_of(*AppealGround),
        "text": is_text,
        "about?": is_id,
        "evidence?": list_of(record({"name": is_text, "digest": is_digest})),
    },
    Kind.ANSWER_TO_OBJECTION: {
        "objection": is_id,
        "upheld": is_bool,
        "heard_by": list_of(is_id, at_least=1),
        "text": is_text,
    },
    Kind.RELEASE: {
        "profile": one_of(*Profile),
        "team": is_string,
        "decision": is_digest,
        "announcement": is_bool,
        "announces": list_of(is_name),
        "fields": list_of(one_of(*Disclosed)),
        "statements": list_of(
            record(
                {
                    "of": one_of("team", "mean", "highest", "above", "at_least", "at_most"),
                    "part": is_name,
                    "teams": list_of(is_name),
                    "points": is_number,
                    "half_unit": is_number,
                }
            )
        ),
        "assumptions": list_of(is_text),
        "until": or_empty(is_time),
        "to": list_of(is_id),
    },
    Kind.ACCESS: {
        "release": or_empty(is_id),
        "profile": one_of(*Profile),
        "team": is_string,
        "decision": or_empty(is_digest),
        "saw": is_digest,
    },
    Kind.ALLEGATION: {
        "team": is_name,
        "reference": is_text,
        "bases": list_of(one_of(*Basis), at_least=1),
        "text": is_text,
        "evidence": list_of(record({"name": is_text, "digest": is_digest})),
        "reply_by": is_day,
    },
    Kind.ALLEGATION_REPLY: {"allegation": is_id, "team": is_name, "text": is_text},
    Kind.REENTRY_RESULT: {
        "stage": is_name,
        "decision": is_digest,
        "selected": list_of(is_name),
        "vacancies": is_count,
    },
    Kind.STAGE_CLOSED: {"decision": is_digest},
    Kind.PUBLISHED_SCORE: {
        "of": one_of("team", "mean", "highest"),
        "teams": list_of(is_name),
        "part": is_name,
        "points": is_number,
        "half_unit?": is_number,
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

"""The words that events choose among."""

from __future__ import annotations

from enum import StrEnum


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

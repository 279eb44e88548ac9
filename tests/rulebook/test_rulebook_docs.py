"""Every field and every word of a rulebook is on its reference page."""

import re
from enum import StrEnum
from pathlib import Path

from dokja import rulebook
from dokja.grammar.model import Model

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "rulebook.md").read_text("utf-8")
CLASSES = [getattr(rulebook, name) for name in rulebook.__all__ if isinstance(getattr(rulebook, name), type)]
SAID = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`\n]+)`", PAGE))))
TOLD_BY_EXAMPLE = {"ko", "en", "id"}


def test_every_field_is_documented() -> None:
    fields = {
        field.alias or name
        for kind in CLASSES
        if issubclass(kind, Model)
        for name, field in kind.model_fields.items()
    }
    assert fields - SAID - TOLD_BY_EXAMPLE == set()


def test_every_word_a_rulebook_chooses_among_is_documented() -> None:
    words = {str(word) for kind in CLASSES if issubclass(kind, StrEnum) for word in kind}
    assert words - SAID == set()

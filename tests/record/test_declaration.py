"""A declaration is read strictly, kept exactly as it was written, and every mistake in it is told at once."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dokja.canonical import canonical_bytes
from dokja.errors import InvalidInput
from dokja.grammar.mistakes import reasons_in
from dokja.record.declaration import Declaration, Origin, declaration_from_json
from dokja.report.words import LANGUAGES, say_reason
from dokja.workflows.submit import read_declaration

COMPONENT: dict[str, Any] = {"name": "language_model", "origin": "own"}
SOUND: dict[str, Any] = {"owners": ["Team One"], "components": [COMPONENT]}


def told(value: Any) -> list[str]:
    with pytest.raises(InvalidInput, match=r"^garam\.toml is refused: \d+ mistakes?\.$") as refused:
        declaration_from_json(value, "garam.toml")
    reasons = reasons_in(refused.value)
    for language in LANGUAGES:
        assert all(say_reason(one, language).startswith(str(one.figures["at"])) for one in reasons)
    return [say_reason(one, "en") for one in reasons]


TEXTS = st.text(min_size=1, max_size=12).filter(lambda text: text.strip() != "")
COMPONENTS = st.fixed_dictionaries(
    {"name": TEXTS, "origin": st.sampled_from([*map(str, Origin)])},
    optional={"frozen": st.booleans()} | dict.fromkeys(("initialised", "source", "licence", "notice"), st.text(max_size=8)),
)  # fmt: skip
DECLARATIONS = st.fixed_dictionaries(
    {"components": st.lists(COMPONENTS, min_size=1, max_size=3, unique_by=lambda one: one["name"])},
    optional={"owners": st.lists(TEXTS, max_size=2)},
)


@given(DECLARATIONS)
def test_a_declaration_is_kept_byte_for_byte(value: dict[str, Any]) -> None:
    assert canonical_bytes(declaration_from_json(value, "here").as_json()) == canonical_bytes(value)


@pytest.mark.parametrize(
    ("value", "sentences"),
    [
        ([], ["declaration: a table of named fields belongs here."]),
        ({}, ["components: the field components is missing."]),
        ({"components": []}, ["components: 0 are listed and at least 1 are needed."]),
        ({"componets": [COMPONENT]}, ["componets: there is no field componets; did you mean components?"]),
        ({"components": [COMPONENT, COMPONENT]}, ["components: language_model is named twice."]),
        ({**SOUND, "owners": "Team One"}, ["owners: a list belongs here."]),
        (
            {"components": [{"name": "a", "origin": "owned"}, {"origin": "own", "licenses": "MIT"}], "owner": []},
            [
                "components.a.origin: one of these belongs here: own, own_parent, third_party; did you mean own?",
                "components.2.name: the field name is missing.",
                "components.2.licenses: there is no field licenses; did you mean licence?",
                "owner: there is no field owner; did you mean owners?",
            ],
        ),
    ],
)  # fmt: skip
def test_every_mistake_is_told_with_its_place(value: Any, sentences: list[str]) -> None:
    assert told(value) == sentences


def test_a_file_is_toml_or_json(tmp_path: Path) -> None:
    toml, json = tmp_path / "d.toml", tmp_path / "d.json"
    toml.write_text('owners = ["Team One"]\n[[components]]\nname = "language_model"\norigin = "own"\n')
    json.write_text('{"owners": ["Team One"], "components": [{"name": "language_model", "origin": "own"}]}')
    assert read_declaration(toml) == read_declaration(json) == declaration_from_json(SOUND, "here")
    assert isinstance(read_declaration(toml), Declaration)
    json.write_text('{"owners": [], "owners": []}')
    with pytest.raises(InvalidInput, match="same key twice"):
        read_declaration(json)

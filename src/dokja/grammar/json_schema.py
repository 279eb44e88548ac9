"""A model as JSON Schema (draft 2020-12), for editors that complete what people write and for forms that ask for it.

What a field means stands in the docstring of its class, once: under `Args:`. Here it becomes the field's description.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

from dokja.canonical import JSON
from dokja.grammar.model import Model

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_SECTION = re.compile(r"^Args:\n", re.MULTILINE)
_FIELD = re.compile(r"^    (\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


def render_json_schema(model: type[Model], title: str) -> dict[str, JSON]:
    """Return the JSON Schema of a model: what a schema can say of it, no contradiction among values.

    Args:
        model: What people write.
        title: What it is called in an editor.
    """
    schema: dict[str, Any] = model.model_json_schema(by_alias=True, mode="validation")
    definitions: dict[str, Any] = schema.pop("$defs", {})
    for table in (schema, *definitions.values()):
        _describe(table)
    return {
        "$schema": DIALECT,
        **schema,
        "title": title,
        "$defs": dict(sorted(definitions.items())),
    }


def _describe(table: dict[str, Any]) -> None:
    """Give each field the sentence its class says of it, and drop what pydantic adds and nobody reads."""
    what, _, arguments = _parted(inspect.cleandoc(table.get("description", "")))
    if what:
        table["description"] = what
    said = {name: re.sub(r"\s+", " ", words) for name, words in _FIELD.findall(arguments)}
    for name, field in table.get("properties", {}).items():
        field.pop("title", None)
        if field.get("default", ...) is None:
            del field["default"]  # a field that may be left out; there is no null to write
        if "const" in field and field.pop("default", None):
            table.setdefault("required", []).insert(0, name)  # the word by which a table's kind is told
        if name in said:
            field["description"] = said[name]


def _parted(docstring: str) -> tuple[str, str, str]:
    found = _SECTION.search(docstring)
    if found is None:
        return re.sub(r"\s+", " ", docstring).strip(), "", ""
    what = re.sub(r"\s+", " ", docstring[: found.start()]).strip()
    return what, found.group(), docstring[found.end() :]

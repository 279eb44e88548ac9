"""A suite is data: multiple-choice items, how they are put to a model, and how an answer is scored.

The file is JSON lines: the first line is the header, every further line an item. docs/reference/suites.md says what
each field means. A file with mistakes is refused with one sentence for each, by line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from dokja.canonical import JSON, digest_json, parse_json
from dokja.errors import InvalidInput, SuiteInvalid

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MOST_OPTIONS = 16
_LONGEST_CHARS = 20_000
PROMPT_HOLE, OPTION_HOLE = "{prompt}", "{option}"


class Scorer(StrEnum):
    """Which log-likelihood makes an option the chosen one."""

    SUM = "sum"
    PER_BYTE = "per_byte"


class Custody(StrEnum):
    """Who may see the items: anyone; the organiser only; or teams too, after which they are retired."""

    PUBLIC = "public"
    SEALED = "sealed"
    EXPOSED = "exposed"


@dataclass(frozen=True, slots=True)
class Item:
    """One multiple-choice question.

    Args:
        id: Unique within the suite.
        prompt: What is asked; may be empty where the options are whole sentences.
        options: Two or more different texts.
        answer: Index of the right option.
        cluster: What items that stand or fall together share: a passage, a word, a rule of grammar.
    """

    id: str
    prompt: str
    options: tuple[str, ...]
    answer: int
    cluster: str


@dataclass(frozen=True, slots=True)
class Suite:
    """Items with everything that decides a score on them.

    Args:
        name: Lower case, digits and underscores.
        language: `ko` or `en`, of the items.
        title: Title by language, `ko` and `en`.
        licence: SPDX expression of the items.
        reviewed: Who or what reviewed the items, and how.
        custody: Who may see them.
        prompt_template: Text with `{prompt}` once.
        option_template: Text with `{option}` once; put right after the prompt.
        scorer: Which likelihood decides.
        repeats: How often each item is asked.
        items: At least one, in at least two clusters.
    """

    name: str
    language: str
    title: Mapping[str, str]
    licence: str
    reviewed: str
    custody: Custody
    prompt_template: str
    option_template: str
    scorer: Scorer
    repeats: int
    items: tuple[Item, ...]

    def asked(self, item: Item) -> tuple[str, tuple[str, ...]]:
        """Return prompt and options of an item as the model gets them."""
        prompt = self.prompt_template.replace(PROMPT_HOLE, item.prompt)
        return prompt, tuple(self.option_template.replace(OPTION_HOLE, option) for option in item.options)

    @property
    def chance(self) -> float:
        """Accuracy of guessing, in [0, 1]."""
        return sum(1 / len(item.options) for item in self.items) / len(self.items)

    def header(self) -> dict[str, JSON]:
        """Return the header line as a JSON object."""
        return {
            "suite": self.name,
            "language": self.language,
            "title": dict(self.title),
            "licence": self.licence,
            "reviewed": self.reviewed,
            "custody": self.custody.value,
            "prompt_template": self.prompt_template,
            "option_template": self.option_template,
            "scorer": self.scorer.value,
            "repeats": self.repeats,
        }

    def digest(self) -> str:
        """Return the digest that names header and items, whatever their spacing in the file."""
        items: list[JSON] = [_item_json(item) for item in self.items]
        return digest_json("suite", {"header": self.header(), "items": items})


def _item_json(item: Item) -> dict[str, JSON]:
    return {
        "id": item.id,
        "prompt": item.prompt,
        "options": list(item.options),
        "answer": item.answer,
        "cluster": item.cluster,
    }


def parse_suite(text: str, where: str = "suite") -> Suite:
    """Return the suite of a JSON-lines text.

    Args:
        text: The file's text.
        where: Name of the file, for the sentences.

    Raises:
        SuiteInvalid: One sentence for each mistake, by line.
    """
    mistakes: list[str] = []
    header: dict[str, JSON] | None = None
    items: list[Item] = []
    seen: set[str] = set()
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = parse_json(line)
            if header is None:
                header = _checked(value, _HEADER, "header")
            else:
                items.append(_parse_item(value, seen))
        except InvalidInput as error:
            mistakes.append(f"{where} line {number}: {error.message}")
            header = {} if header is None else header
    if header is None:
        raise SuiteInvalid(f"{where} is empty.", mistakes=[])
    if len({item.cluster for item in items}) < 2 and not mistakes:
        mistakes.append(f"{where}: items in fewer than two clusters leave the error of a score unknown.")
    if mistakes:
        raise SuiteInvalid(" ".join(mistakes[:5]) + _more(len(mistakes) - 5), mistakes=mistakes)
    return _suite(header, tuple(items))


def _more(count: int) -> str:
    return f" And {count} more mistakes." if count > 0 else ""


def _suite(header: Mapping[str, JSON], items: tuple[Item, ...]) -> Suite:
    title, repeats = header["title"], header["repeats"]
    assert isinstance(title, dict)
    assert isinstance(repeats, int)
    return Suite(
        name=str(header["suite"]),
        language=str(header["language"]),
        title={language: str(words) for language, words in title.items()},
        licence=str(header["licence"]),
        reviewed=str(header["reviewed"]),
        custody=Custody(str(header["custody"])),
        prompt_template=str(header["prompt_template"]),
        option_template=str(header["option_template"]),
        scorer=Scorer(str(header["scorer"])),
        repeats=repeats,
        items=items,
    )


def _is_text(value: JSON) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_CHARS and value.strip() != ""


def _is_title(value: JSON) -> bool:
    return isinstance(value, dict) and set(value) == {"ko", "en"} and all(map(_is_text, value.values()))


def _is_options(value: JSON) -> bool:
    if not isinstance(value, list) or not all(map(_is_text, value)):
        return False
    return 2 <= len(value) <= _MOST_OPTIONS and len({str(option).strip() for option in value}) == len(value)


def _is_count(value: JSON, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


_Check = tuple[Callable[[JSON], bool], str]
_HEADER: Mapping[str, _Check] = {
    "suite": (lambda v: isinstance(v, str) and bool(_NAME.fullmatch(v)), "a lower-case name"),
    "language": (lambda v: v in ("ko", "en"), "ko or en"),
    "title": (_is_title, "texts ko and en"),
    "licence": (_is_text, "a text"),
    "reviewed": (_is_text, "a text"),
    "custody": (lambda v: v in {c.value for c in Custody}, ", ".join(Custody)),
    "prompt_template": (
        lambda v: isinstance(v, str) and v.count(PROMPT_HOLE) == 1,
        "a text with {prompt} once",
    ),
    "option_template": (
        lambda v: isinstance(v, str) and v.count(OPTION_HOLE) == 1,
        "a text with {option} once",
    ),
    "scorer": (lambda v: v in {s.value for s in Scorer}, ", ".join(Scorer)),
    "repeats": (lambda v: _is_count(v, 1, 1000), "a number from 1 to 1000"),
}
_ITEM: Mapping[str, _Check] = {
    "id": (lambda v: _is_text(v) and len(str(v)) <= 200, "a short text"),
    "prompt": (lambda v: isinstance(v, str) and len(v) <= _LONGEST_CHARS, "a text, possibly empty"),
    "options": (_is_options, f"2 to {_MOST_OPTIONS} different texts"),
    "answer": (lambda v: _is_count(v, 0, _MOST_OPTIONS - 1), "the index of an option"),
    "cluster": (_is_text, "a text"),
}


def _checked(value: JSON, table: Mapping[str, _Check], what: str) -> dict[str, JSON]:
    """Return a JSON object that has exactly the table's fields, each as it must be."""
    if not isinstance(value, dict):
        raise InvalidInput(f"The {what} is not a JSON object.")
    wrong = [f"lacks {key}" for key in table if key not in value]
    wrong += [f"has the unknown field {key}" for key in value if key not in table]
    wrong += [
        f"{key} is not {words}"
        for key, (fits, words) in table.items()
        if key in value and not fits(value[key])
    ]
    if wrong:
        raise InvalidInput(f"The {what} {'; '.join(wrong)}.")
    return value


def _parse_item(value: JSON, seen: set[str]) -> Item:
    fields = _checked(value, _ITEM, "item")
    options, answer, name = fields["options"], fields["answer"], str(fields["id"])
    assert isinstance(options, list)
    assert isinstance(answer, int)
    if answer >= len(options):
        raise InvalidInput(f"The item's answer is option {answer}, and it has {len(options)} options.")
    if name in seen:
        raise InvalidInput(f"The id {name!r} stands in the suite twice.")
    seen.add(name)
    return Item(name, str(fields["prompt"]), tuple(map(str, options)), answer, str(fields["cluster"]))

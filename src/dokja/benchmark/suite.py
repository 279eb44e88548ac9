"""A suite is data: multiple-choice items, how they are put to a model, and how an answer is scored.

The file is JSON lines: the first line is the header, every further line an item. docs/reference/suites.md says what
each field means. A file with mistakes is refused with every one of them, by line and field.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from dokja.canonical import JSON, digest_json, parse_json
from dokja.errors import InvalidInput, SuiteInvalid
from dokja.grammar.mistakes import Mistake
from dokja.grammar.model import Misread, Model, read_model
from dokja.grammar.types import Text, Written, wrong

_MOST_OPTIONS = 16
_LONGEST_CHARS = 20_000
_LONGEST_ID_CHARS = 200
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


def _at_most(most: int) -> AfterValidator:
    def checked(text: str) -> str:
        if len(text) > most:
            raise wrong("too_long_text", "has more than {most} characters", most=most)
        return text

    return AfterValidator(checked)


def _once(hole: str) -> AfterValidator:
    def checked(text: str) -> str:
        if text.count(hole) != 1:
            raise wrong("not_once", "is not a text with {hole} once", hole=hole)
        return text

    return AfterValidator(checked)


def _different(options: tuple[str, ...]) -> tuple[str, ...]:
    stripped = [option.strip() for option in options]
    twice = next((option for option in stripped if stripped.count(option) > 1), "")
    if twice:
        raise wrong("named_twice", "names the same thing twice: {name}", name=twice[:80])
    return options


_Words: TypeAlias = Annotated[Text, _at_most(_LONGEST_CHARS)]


class Title(Model):
    """What a suite is called, in both languages."""

    ko: _Words
    en: _Words


class Item(Model):
    """One multiple-choice question.

    Args:
        id: Unique within the suite.
        prompt: What is asked; may be empty where the options are whole sentences.
        options: Two or more different texts.
        answer: Index of the right option.
        cluster: What items that stand or fall together share: a passage, a word, a rule of grammar.
    """

    id: Annotated[Text, _at_most(_LONGEST_ID_CHARS)]
    prompt: Annotated[str, _at_most(_LONGEST_CHARS)]
    options: Annotated[
        tuple[_Words, ...], Field(min_length=2, max_length=_MOST_OPTIONS), AfterValidator(_different)
    ]
    answer: Annotated[int, Field(ge=0, lt=_MOST_OPTIONS)]
    cluster: _Words

    @model_validator(mode="after")
    def _answer_is_there(self) -> Self:
        if self.answer >= len(self.options):
            told = "has the answer {answer}, and {options} options"
            raise wrong("answer_beyond", told, answer=self.answer, options=len(self.options))
        return self


class Header(Model):
    """What a suite says of itself, in its first line.

    Args:
        name: Lower case, digits and underscores; written under the key `suite`.
        language: `ko` or `en`, of the items.
        title: Title in both languages.
        licence: SPDX expression of the items.
        reviewed: Who or what reviewed the items, and how.
        custody: Who may see them.
        prompt_template: Text with `{prompt}` once.
        option_template: Text with `{option}` once; put right after the prompt.
        scorer: Which likelihood decides.
        repeats: How often each item is asked.
    """

    name: Annotated[str, Written("[a-z][a-z0-9_]{0,63}", "not_a_word", "is not a lower-case name")] = Field(
        alias="suite"
    )
    language: Literal["ko", "en"]
    title: Title
    licence: _Words
    reviewed: _Words
    custody: Custody
    prompt_template: Annotated[str, _once(PROMPT_HOLE)]
    option_template: Annotated[str, _once(OPTION_HOLE)]
    scorer: Scorer
    repeats: Annotated[int, Field(ge=1, le=1000)]


class Suite(Header):
    """Items with everything that decides a score on them.

    Args:
        items: At least one, in at least two clusters.
    """

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
        value: dict[str, JSON] = self.model_dump(mode="json", by_alias=True, exclude={"items"})
        return value

    def digest(self) -> str:
        """Return the digest that names header and items, whatever their spacing in the file."""
        items: list[JSON] = [item.model_dump(mode="json") for item in self.items]
        return digest_json("suite", {"header": self.header(), "items": items})


def parse_suite(text: str, where: str = "suite") -> Suite:
    """Return the suite of a JSON-lines text.

    Args:
        text: The file's text.
        where: Name of the file, put before every line.

    Raises:
        SuiteInvalid: With one mistake for each thing that is wrong, by line and field.
    """
    mistakes: list[Mistake] = []
    header: Header | None = None
    items: dict[str, Item] = {}
    numbered = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if not numbered:
        raise SuiteInvalid(f"{where} is empty.", mistakes=[])
    for number, line in numbered:
        at = f"{where}:{number}"
        try:
            if number == numbered[0][0]:
                header = read_model(Header, parse_json(line), at)
                continue
            item = read_model(Item, parse_json(line), at)
        except Misread as misread:
            mistakes += misread.mistakes
        except InvalidInput as error:
            mistakes.append(Mistake.made(at, "no_json", "has no JSON form", {"detail": error.message}))
        else:
            if item.id in items:
                mistakes.append(Mistake.made(f"{at}.id", "named_twice", "is named twice", {"name": item.id}))
            items[item.id] = item
    mistakes += _of_one_cluster(items, where) if not mistakes else ()
    if header is None or mistakes:
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        raise SuiteInvalid(f"{where} is refused: {count}.", mistakes=[one.as_json() for one in mistakes])
    return _joined(header, tuple(items.values()))


def _of_one_cluster(items: dict[str, Item], where: str) -> Iterator[Mistake]:
    if len({item.cluster for item in items.values()}) < 2:
        yield Mistake.made(where, "suite_of_one_cluster", room="benchmark")


def _joined(header: Header, items: tuple[Item, ...]) -> Suite:
    fields: dict[str, Any] = {name: getattr(header, name) for name in Header.model_fields if name != "name"}
    return Suite(suite=header.name, items=items, **fields)

"""Rulebooks and what amendments change, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dokja.canonical import JSON
from dokja.report.words import Language, say, sentences
from dokja.rulebook import Rulebook
from dokja.sensitivity.amendment import Change, OutcomeChange, TeamStanding

_UNKNOWN = "unknown"
# Fields whose text is a word of the rulebook's own vocabulary rather than a name or free text.
_VOCABULARY = frozenset(
    [
        "aggregation",
        "aspect",
        "averaging",
        "ballot",
        "chosen_by",
        "custody",
        "day_kind",
        "empty_answer",
        "failing_answer",
        "field",
        "grounds",
        "kind",
        "majority_of",
        "needs",
        "on_exit",
        "position",
        "publish",
        "rule",
        "single_applicant",
        "then",
        "to",
        "vacancy",
        "when_inconclusive",
    ]
)
# An empty list here is a rule of its own; elsewhere it says only that nothing was written.
_SAID_WHEN_EMPTY = frozenset({"extra_eliminations"})
_TITLES = frozenset({"title", "reason"})


def render_rulebook(rulebook: Rulebook, language: Language) -> str:
    """Return the whole rulebook as an indented outline, every unpublished value marked as such."""
    title = rulebook.title.ko if language == "ko" else rulebook.title.en
    head = [title, f"{say('rulebook.show.digest', {}, language)}: {rulebook.digest()}", ""]
    table = {name: value for name, value in rulebook.canonical().items() if name not in {"title", "schema"}}
    return "\n".join([*head, *_lines(table, language, 0)])


def _lines(table: Mapping[str, JSON], language: Language, depth: int) -> Iterator[str]:
    for name, value in table.items():
        if value in ("", []) and name not in _SAID_WHEN_EMPTY:
            continue
        label, indent = say_label(name, value, language), "  " * depth
        if isinstance(value, dict) and name not in _TITLES:
            yield f"{indent}{label}"
            yield from _lines(value, language, depth + 1)
        elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
            yield f"{indent}{label}"
            for one in value:
                if isinstance(one, dict):
                    yield from _element(one, language, depth + 1)
        else:
            yield f"{indent}{label}: {render_value(name, value, language)}"


def _element(table: Mapping[str, JSON], language: Language, depth: int) -> Iterator[str]:
    """Yield one table of a list under its own name."""
    names = [name for name in ("id", "title", "name", "field", "team", "version") if name in table]
    named = names[:2] if names[:2] == ["id", "title"] else names[:1]
    heading = " · ".join(render_value(name, table[name], language) for name in named)
    rest = {name: value for name, value in table.items() if name not in named}
    yield f"{'  ' * depth}{heading}" if heading else f"{'  ' * depth}-"
    yield from _lines(rest, language, depth + 1)


def render_value(field: str, value: JSON, language: Language) -> str:
    """Return one value of a rulebook in words.

    Args:
        field: Name of the field it stands in.
        value: As it stands in the canonical rulebook.
        language: `ko` or `en`.
    """
    if value == _UNKNOWN:
        return say("rulebook.show.unknown", {}, language)
    if isinstance(value, bool):
        return say("rulebook.show.yes" if value else "rulebook.show.no", {}, language)
    if isinstance(value, (int, float)):
        return f"{value:g}" if abs(value) < 1e6 else str(value)
    if isinstance(value, dict):
        if set(value) == {"ko", "en"}:
            return str(value[language])
        inner = (
            f"{say_label(name, one, language)} {render_value(name, one, language)}"
            for name, one in value.items()
        )
        return f"({', '.join(inner)})"
    if isinstance(value, list):
        return ", ".join(render_value(field, one, language) for one in value) or _none(language)
    if field == "evidence":
        return say(f"evidence.{value}", {}, language)
    if field in _VOCABULARY and f"rulebook.value.{value}" in sentences():
        return say(f"rulebook.value.{value}", {}, language)
    return str(value) if value else _none(language)


def _none(language: Language) -> str:
    return say("rulebook.show.none", {}, language)


def say_label(field: str, value: JSON, language: Language) -> str:
    """Return what a field of a rulebook is called; `items` is a list of items, or how many a benchmark has."""
    counted = field == "items" and not isinstance(value, (list, dict))
    return say(f"rulebook.label.{'item_count' if counted else field}", {}, language)


def render_change(change: Change, language: Language) -> str:
    """Return one change as one sentence."""
    figures = {
        "at": change.at,
        "label": say_label(change.field, change.after or change.before, language),
        "before": render_value(change.field, change.before, language),
        "after": render_value(change.field, change.after, language),
    }
    return say(f"rulebook.diff.{change.kind}", figures, language)


def render_outcome_change(change: OutcomeChange, language: Language) -> str:
    """Return, as one sentence, what two rulebooks give for one team."""
    figures = {
        "team": change.team,
        "before": _standing(change.before, language),
        "after": _standing(change.after, language),
    }
    return say("rulebook.diff.outcome", figures, language)


def _standing(standing: TeamStanding, language: Language) -> str:
    if standing.advances:
        return say("rulebook.outcome.advances", {}, language)
    exits = ", ".join(say(f"exit.{one}", {}, language) for one in standing.exits)
    return say("rulebook.outcome.leaves", {"exits": exits}, language)

"""What an amendment changes: every place where two rulebooks differ, and whose outcome would have been another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from dokja.canonical import JSON, canonical_bytes
from dokja.deciding.decision import TeamOutcome, decide
from dokja.finding import Reason
from dokja.record.history import History
from dokja.rulebook import Rulebook, Unknown

_NAMING = ("id", "field", "team", "version", "name")


class ChangeKind(StrEnum):
    """How a place differs."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One place where two rulebooks differ.

    Args:
        at: Place, by ids where there are any, e.g. `parts.expert.points`.
        field: Name of the field that differs; `order` when only the order of a list does.
        before: Value before; None when the place is new.
        after: Value after; None when the place is gone.
    """

    at: str
    field: str
    kind: ChangeKind
    before: JSON
    after: JSON

    def as_json(self) -> dict[str, JSON]:
        """Return the change as a JSON object."""
        return {
            "at": self.at,
            "field": self.field,
            "kind": self.kind.value,
            "before": self.before,
            "after": self.after,
        }


def changes(old: Rulebook, new: Rulebook) -> tuple[Change, ...]:
    """Return every place where the rulebooks differ; none exactly when their digests are equal."""
    return tuple(_tables(old.canonical(), new.canonical(), ""))


def _tables(old: Mapping[str, JSON], new: Mapping[str, JSON], at: str) -> Iterator[Change]:
    for name in (*old, *(name for name in new if name not in old)):
        yield from _values(old.get(name), new.get(name), f"{at}.{name}".lstrip("."), name)


def _values(old: JSON, new: JSON, at: str, field: str) -> Iterator[Change]:
    """Canonical rulebooks hold no null, so None means that there is nothing at this place."""
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _tables(old, new, at)
    elif (before := _named(old)) is not None and (after := _named(new)) is not None:
        yield from _lists(before, after, at, field)
    elif old is None or new is None or canonical_bytes(old) != canonical_bytes(new):
        kind = ChangeKind.ADDED if old is None else ChangeKind.REMOVED if new is None else ChangeKind.CHANGED
        yield Change(at, field, kind, old, new)


def _named(value: JSON) -> dict[str, JSON] | None:
    """Return a list's elements by what names them; None where they have no names of their own."""
    if not isinstance(value, list):
        return None
    names = [
        next((str(one[key]) for key in _NAMING if key in one), None) if isinstance(one, dict) else None
        for one in value
    ]
    if None in names or len(set(names)) != len(names):
        return None
    return {str(name): one for name, one in zip(names, value, strict=True)}


def _lists(old: Mapping[str, JSON], new: Mapping[str, JSON], at: str, field: str) -> Iterator[Change]:
    for name in (*old, *(name for name in new if name not in old)):
        yield from _values(old.get(name), new.get(name), f"{at}.{name}", field)
    stayed, stays = [name for name in old if name in new], [name for name in new if name in old]
    if stayed != stays:
        yield Change(at, "order", ChangeKind.CHANGED, list(stayed), list(stays))


def succession_remarks(old: Rulebook, new: Rulebook) -> tuple[Reason, ...]:
    """Return why the new rulebook is not, by its own words, the next version of the old one; empty when it is."""
    remarks = []
    if new.id != old.id:
        remarks.append(Reason("rulebook.diff.other_stage", {"old": old.id, "new": new.id}))
    elif new.version != old.version + 1:
        remarks.append(Reason("rulebook.diff.not_next_version", {"old": old.version, "new": new.version}))
    elif not new.amendments or isinstance(new.amendments[-1].replaces, Unknown):
        remarks.append(Reason("rulebook.diff.replaces_unknown", {}))
    elif new.amendments[-1].replaces != old.digest():
        figures: dict[str, JSON] = {"named": new.amendments[-1].replaces, "old": old.digest()}
        remarks.append(Reason("rulebook.diff.replaces_other", figures))
    return tuple(remarks)


@dataclass(frozen=True, slots=True)
class TeamStanding:
    """How a stage ends for one team under one rulebook; `exits` is empty when it advances."""

    advances: bool
    exits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OutcomeChange:
    """A team whose outcome another rulebook would have changed."""

    team: str
    before: TeamStanding
    after: TeamStanding

    def as_json(self) -> dict[str, JSON]:
        """Return the change as a JSON object."""
        return {
            "team": self.team,
            "before": {"advances": self.before.advances, "exits": list(self.before.exits)},
            "after": {"advances": self.after.advances, "exits": list(self.after.exits)},
        }


def outcome_changes(old: Rulebook, new: Rulebook, history: History) -> tuple[OutcomeChange, ...]:
    """Return the teams whose outcome differs between two rulebooks on the same events.

    Neither answer decides anything: a rulebook that was not in force is only asked what it would have given.

    Args:
        old: The rulebook before.
        new: The rulebook after.
        history: Everything that happened in a stage.

    Raises:
        EventInvalid: The history breaks its own rules.
    """
    before = decide(old, history, counterfactual=True)
    after = decide(new, history, counterfactual=True)
    found = (OutcomeChange(one.team, _standing(one), _standing(after.of(one.team))) for one in before.teams)
    return tuple(change for change in found if change.before != change.after)


def _standing(outcome: TeamOutcome) -> TeamStanding:
    return TeamStanding(outcome.advances, tuple(str(one.value) for one in outcome.exits))

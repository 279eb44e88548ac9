"""The support ledger in words and rows: what stands, for how long a clock stood still, and whether the sums add up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from dokja.procedure.support import Bounds, Delivery, Ledger, MovedDeadline, Promise, SupportStanding
from dokja.procedure.support_budget import LineStanding, RuleStanding
from dokja.procedure.support_record import Left, NamingRight, SupportRecord
from dokja.record.roster import MemberRole, RosterChange, RosterVersion
from dokja.report.words import Language, say

Row: TypeAlias = dict[str, object]


def say_bounds(bounds: Bounds, language: Language, *, percent: bool = False) -> str:
    """Return a figure, or the two figures it lies between."""

    def written(value: float) -> str:
        return f"{value:.0%}" if percent else f"{value:.2f}".rstrip("0").rstrip(".")

    if written(bounds.low) == written(bounds.high):
        return written(bounds.low)
    return say("support.between", {"low": written(bounds.low), "high": written(bounds.high)}, language)


def say_units(units: float | None, language: Language) -> str:
    """Return a number of units, or that it was not published."""
    return say("support.unknown", {}, language) if units is None else f"{units:,.10g}"


def say_count(units: float | None, language: Language, *, everything: bool = False) -> str:
    """Return a number of units as a phrase: so many units, all of them, or an unpublished number."""
    if everything:
        return say("support.units_all", {}, language)
    if units is None:
        return say("support.units_unknown", {}, language)
    return say("support.units", {"units": say_units(units, language)}, language)


def standing_row(standing: SupportStanding) -> Row:
    """Return how a promise stands as one flat row; every figure that may be unknown has a low and a high column."""
    promise = standing.promise
    return {
        "event": promise.event,
        "support": promise.id,
        "team": promise.team,
        "resource": promise.resource.value,
        "what": promise.what,
        "units": promise.units,
        "supplier": promise.supplier,
        "conflict": standing.conflict,
        "first": promise.first.isoformat(),
        "last": promise.last.isoformat(),
        "throughput": promise.throughput,
        "began": None if standing.began is None else standing.began.isoformat(),
        "delivered_share_low": round(standing.delivered_share.low, 9),
        "delivered_share_high": round(standing.delivered_share.high, 9),
        "late_days_low": int(standing.late_days.low),
        "late_days_high": int(standing.late_days.high),
        "stopped_days_low": round(standing.stopped_days.low, 9),
        "stopped_days_high": round(standing.stopped_days.high, 9),
        "returned": None if standing.returned is None else standing.returned.isoformat(),
        "on_exit": "returned" if promise.goes_back else "kept",
    }


def delivery_row(delivery: Delivery) -> Row:
    """Return a delivery as one flat row; `measured` is false where the throughput is the supplier's own word."""
    return {
        "event": delivery.event,
        "support": delivery.promise,
        "units": "all" if delivery.complete else delivery.units,
        "throughput_share": delivery.throughput_share,
        "first": None if delivery.first is None else delivery.first.isoformat(),
        "last": None if delivery.last is None else delivery.last.isoformat(),
        "measured": bool(delivery.measured_by),
        "measured_by": delivery.measured_by,
    }


def standing_cells(standing: SupportStanding, language: Language) -> list[str]:
    """Return the cells of a promise's row in a table for people."""
    promise = standing.promise
    return [
        promise.id,
        promise.team,
        promise.what,
        say_units(promise.units, language),
        promise.supplier,
        promise.first.isoformat(),
        promise.last.isoformat(),
        say_bounds(standing.delivered_share, language, percent=True),
        say_bounds(standing.late_days, language),
        say_bounds(standing.stopped_days, language),
    ]


STANDING_COLUMNS = (
    "support", "team", "what", "units", "supplier", "first", "last", "delivered", "late", "stopped",
)  # fmt: skip


def say_standing(ledger: Ledger, standing: SupportStanding, language: Language) -> Iterator[str]:
    """Say what a row of figures cannot: conflicts, late beginnings, whose word a throughput is."""
    promise = standing.promise
    named = {"support": promise.id, "team": promise.team, "supplier": promise.supplier}
    if standing.conflict:
        yield say("support.conflict", named, language)
    if promise.throughput:
        yield say("support.agreed_throughput", {**named, "throughput": promise.throughput}, language)
    own = [one for one in ledger.deliveries if one.promise == promise.id]
    if not own:
        yield say("support.not_begun", named, language)
    elif standing.began is not None and standing.began > promise.first:
        days = (standing.began - promise.first).days
        figures = {**named, "days": days, "began": standing.began, "first": promise.first}
        yield say("support.began_late", figures, language)
    for delivery in own:
        yield say_delivery(promise, delivery, language)
    if standing.returned is not None:
        yield say("support.returned", {**named, "day": standing.returned}, language)


def say_promise(promise: Promise, language: Language) -> str:
    """Return a promise as one sentence."""
    return say(
        "support.promise",
        {
            "support": promise.id, "team": promise.team, "what": promise.what, "supplier": promise.supplier,
            "units": say_count(promise.units, language), "first": promise.first, "last": promise.last,
        },
        language,
    )  # fmt: skip


def say_delivery(promise: Promise, delivery: Delivery, language: Language) -> str:
    """Return a delivery as one sentence, with whose word its throughput is."""
    word = (
        say("support.measured_by", {"who": delivery.measured_by}, language)
        if delivery.measured_by
        else say("support.own_word", {}, language)
    )
    share = delivery.throughput_share
    figures = {
        "support": promise.id,
        "first": delivery.first or say("support.day_unknown", {}, language),
        "last": delivery.last
        or say("support.ongoing" if delivery.first else "support.day_unknown", {}, language),
        "units": say_count(delivery.units, language, everything=delivery.complete),
        "promised": say_count(promise.units, language),
        "speed": say("support.speed_unknown", {}, language)
        if share is None
        else say("support.speed", {"share": f"{share:.0%}"}, language),
        "word": word,
    }
    return say("support.delivery", figures, language)


def say_statements(record: SupportRecord, language: Language) -> list[str]:
    """Say what is told to be delivered under no promise."""
    return [
        say(
            "support.statement",
            {name: getattr(one, name) for name in ("event", "team", "support", "supplier", "promised", "delivered")},
            language,
        )
        for one in record.statements
    ]  # fmt: skip


def say_left(left: Iterable[Left], language: Language) -> Iterator[str]:
    """Say, for every team that left, what goes back and what stays."""
    for one in left:
        for key, promises in (("support.to_return", one.returns), ("support.keeps", one.keeps)):
            for promise in promises:
                figures = {"team": one.team, "stage": one.stage, "support": promise.id, "what": promise.what}
                yield say(key, {**figures, "units": say_count(promise.units, language)}, language)


def deadline_row(team: str, moved: MovedDeadline) -> Row:
    """Return a team's deadline as one flat row, its arithmetic as a list."""
    return {
        "team": team,
        "deadline": moved.deadline.isoformat(),
        "stopped_days_low": round(moved.stopped.low, 9),
        "stopped_days_high": round(moved.stopped.high, 9),
        "moved_to": moved.earliest.isoformat(),
        "moved_to_at_most": moved.latest.isoformat(),
        "stops": [
            {
                "support": stop.promise,
                "first": stop.first.isoformat(),
                "last": stop.last.isoformat(),
                "days": stop.days,
                "missing_share_low": round(stop.missing.low, 9),
                "missing_share_high": round(stop.missing.high, 9),
            }
            for stop in moved.stops
        ],
    }


def say_deadline(team: str, moved: MovedDeadline, language: Language) -> Iterator[str]:
    """Say a team's deadline with the arithmetic behind it."""
    figures = {
        "team": team,
        "deadline": moved.deadline,
        "earliest": moved.earliest,
        "latest": moved.latest,
        "days": (moved.earliest - moved.deadline).days,
        "stopped": say_bounds(moved.stopped, language),
    }
    if moved.latest != moved.earliest:
        yield say("support.deadline_open", figures, language)
    else:
        yield say(f"support.deadline_{'moved' if moved.stops else 'same'}", figures, language)
    for stop in moved.stops:
        yield say(
            "support.stop",
            {
                "support": stop.promise, "first": stop.first, "last": stop.last, "days": stop.days,
                "missing": say_bounds(stop.missing, language), "stopped": say_bounds(stop.stopped, language),
            },
            language,
        )  # fmt: skip


def line_row(standing: LineStanding) -> Row:
    """Return a budget line as one flat row; what is not known is null."""
    line = standing.line
    return {
        "event": None if line is None else line.event,
        "line": standing.name,
        "title": None if line is None else line.title,
        "year": None if line is None else line.year,
        "won": None if line is None else line.won,
        "promised_won": standing.promised_won,
        "cost_unknown_of": list(standing.without_cost),
        "left_won": standing.left_won,
        "adds_up": standing.adds.value,
    }


def say_line(standing: LineStanding, language: Language) -> str:
    """Say whether a budget line holds."""
    line, left = standing.line, standing.left_won
    unknown = say("support.unknown", {}, language)
    figures = {
        "line": standing.name,
        "year": unknown if line is None else line.year,
        "won": unknown if line is None or line.won is None else f"{line.won:,}",
        "promised": f"{standing.promised_won:,}",
        "left": unknown if left is None else f"{left:,}",
        "without": ", ".join(standing.without_cost) or "–",
    }
    return say(f"support.budget.{standing.adds}", figures, language)


def say_rule(standing: RuleStanding, language: Language) -> str:
    """Say whether a promise is what the rulebook says a team is given."""
    promise = standing.promise
    figures = {
        "support": promise.id,
        "rule": promise.rule,
        "supplier": promise.supplier,
        "units": say_count(promise.units, language),
        "ruled": say_count(standing.ruled_units, language),
    }
    return say(f"support.rule.{standing.keeps}", figures, language)


def rule_row(standing: RuleStanding) -> Row:
    """Return a promise beside its row of the rulebook."""
    return {
        "support": standing.promise.id,
        "rule": standing.promise.rule,
        "units": standing.promise.units,
        "ruled_units": standing.ruled_units,
        "keeps": standing.keeps.value,
    }


def naming_row(right: NamingRight) -> Row:
    """Return a naming right as one flat row."""
    last = None if right.last is None else right.last.isoformat()
    return {
        "event": right.event,
        "team": right.team,
        "name": right.name,
        "first": right.first.isoformat(),
        "last": last,
    }


def say_naming(right: NamingRight, left: dict[str, str], language: Language) -> Iterator[str]:
    """Say a naming right, and what is not known of it once its team has left."""
    figures = {
        "team": right.team,
        "name": right.name,
        "first": right.first,
        "last": right.last or say("support.no_end", {}, language),
    }
    yield say("support.naming", figures, language)
    if right.last is None and right.team in left:
        yield say("support.naming_left", {**figures, "stage": left[right.team]}, language)


def say_roster(version: RosterVersion, language: Language) -> str:
    """Return one version of a roster as a sentence."""
    members = [
        say("roster.member", {"name": one.name, "role": say(f"roster.role.{one.role}", {}, language)}, language)
        for one in sorted(version.members, key=lambda one: (list(MemberRole).index(one.role), one.name))
    ]  # fmt: skip
    figures = {"team": version.team, "version": version.version, "effective": version.effective}
    return say("roster.version", {**figures, "members": ", ".join(members)}, language)


def roster_rows(versions: Iterable[RosterVersion]) -> list[Row]:
    """Return one row per member and version."""
    return [
        {
            "event": version.event, "team": version.team, "version": version.version,
            "effective": version.effective.isoformat(), "name": member.name, "role": member.role.value,
            "reason": version.reason,
        }
        for version in versions
        for member in sorted(version.members)
    ]  # fmt: skip


def change_rows(changes: Sequence[RosterChange]) -> list[Row]:
    """Return one row per member that joined or left."""
    return [
        {
            "team": change.version.team, "version": change.version.version,
            "effective": change.version.effective.isoformat(), "change": what, "name": member.name,
            "role": member.role.value, "lead_changed": change.lead_changed, "reason": change.version.reason,
        }
        for change in changes
        for what, members in (("joined", change.joined), ("left", change.left))
        for member in members
    ]  # fmt: skip


def say_changes(changes: Sequence[RosterChange], language: Language) -> Iterator[str]:
    """Say who joined and who left, version by version."""
    for row in change_rows(changes):
        role = say(f"roster.role.{row['role']}", {}, language)
        yield say(f"roster.{row['change']}", {**row, "role": role}, language)
    for change in changes:
        if change.lead_changed:
            figures = {"team": change.version.team, "version": change.version.version}
            yield say("roster.lead_changed", figures, language)

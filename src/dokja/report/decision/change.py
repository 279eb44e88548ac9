"""What would change a decision: margins, the fewest removals, other averages, other normalisers, other weights."""

from __future__ import annotations

from collections.abc import Mapping

from dokja.deciding.decision import TeamOutcome
from dokja.record.terms import Exit
from dokja.report.decision.teams import Shown, say_margin
from dokja.report.decision.voice import Figure
from dokja.sensitivity.fragility import Fragility

View = Mapping[str, object]


def changes_of_team(shown: Shown, one: TeamOutcome) -> list[str]:
    """Return what would change one team's outcome, each a sentence; the margin first."""
    said = [_margin(shown, one)]
    if Exit.INDEPENDENCE in one.exits and Exit.SCORE not in one.exits:
        said.append(shown.voice.say("change.independence"))
    if shown.uncertainty is None:
        return [*said, shown.voice.say("change.not_computed")]
    certainty = shown.certainty(one.team)
    if certainty is not None:
        said.append(
            shown.voice.say(
                "change.weights",
                share=certainty.pass_share_of_weights,
                concentration=shown.uncertainty.concentration,
            )
        )
    said += _removals(shown, one)
    said += _other_rules(shown, one)
    return said


def _margin(shown: Shown, one: TeamOutcome) -> str:
    if one.margin_points is None:
        return shown.voice.say("change.no_margin")
    key = "change.margin_inside" if one.margin_points >= 0 else "change.margin_outside"
    return shown.voice.say(key, margin=say_margin(shown, one, one.margin_points))


def _removals(shown: Shown, one: TeamOutcome) -> list[str]:
    assert shown.uncertainty is not None
    moving = [f for f in shown.uncertainty.fragility if one.team in (*f.enters, *f.leaves)]
    if not moving:
        return [shown.voice.say("change.no_removal")] if shown.uncertainty.fragility else []
    return [fragility_sentence(shown, found) for found in moving]


def _other_rules(shown: Shown, one: TeamOutcome) -> list[str]:
    assert shown.uncertainty is not None
    voice = shown.voice
    averages = [
        voice.say(
            "change.average_moves",
            averaging=voice.word(f"rulebook.value.{reading.averaging.value}"),
            panel=voice.named("panel", reading.panel),
        )
        for reading in shown.uncertainty.averages
        if (one.team in reading.advancing) != one.advances
    ]
    normalisers = [
        voice.say("change.normaliser_moves", normaliser=voice.word(f"rulebook.value.{reading.normaliser}"))
        for reading in shown.uncertainty.readings
        if reading.changes_outcome and (one.team in reading.passing) != one.advances
    ]
    if averages or normalisers or not (shown.uncertainty.averages or shown.uncertainty.readings):
        return averages + normalisers
    return [voice.say("change.no_other_rule")]


def fragility_sentence(shown: Shown, found: Fragility) -> str:
    """Return how few removals change who advances, exact or as an upper bound."""
    voice = shown.voice
    key = "none" if found.fewest is None else "exact" if found.exact else "bound"
    what = "part" if found.unit == "items" else "panel"
    return voice.say(
        f"fragility.{key}",
        fewest=found.fewest,
        units=found.units,
        at_least=found.at_least,
        unit=voice.word(f"fragility.unit.{found.unit}"),
        of=voice.named(what, found.of),
    )


def view_fragility(shown: Shown) -> list[View]:
    """Return one row per kind of removal: how many there are, the fewest, how sure, and whom it moves."""
    if shown.uncertainty is None:
        return []
    voice = shown.voice
    rows: list[View] = []
    for found in shown.uncertainty.fragility:
        none = found.fewest is None
        key = (
            "none_exact" if none and found.exact else "none" if none else "exact" if found.exact else "bound"
        )
        what = "part" if found.unit == "items" else "panel"
        rows.append(
            {
                "of": voice.named(what, found.of),
                "unit": voice.word(f"fragility.unit.{found.unit}"),
                "units": f"{found.units:,}",
                "fewest": Figure("", voice.say("fragility.no_number"))
                if none
                else Figure(f"{found.fewest:,}"),
                "how": voice.say(f"fragility.how.{key}", at_least=found.at_least),
                "enters": voice.team_names(found.enters),
                "leaves": voice.team_names(found.leaves),
                "simulated": voice.simulated(shown.simulated.of()),
            }
        )
    return rows


def view_averages(shown: Shown) -> list[View]:
    """Return one row per panel and average: each team's points of the parts that read it, and who would advance."""
    if shown.uncertainty is None:
        return []
    voice = shown.voice
    return [
        {
            "panel": voice.named("panel", reading.panel),
            "averaging": voice.word(f"rulebook.value.{reading.averaging.value}"),
            "counts": reading.rulebook_names,
            "points": [_summed(shown, team.team, reading.points) for team in shown.decision.teams],
            "advancing": voice.team_names(reading.advancing) or voice.say("nobody"),
            "changes": reading.changes_outcome,
        }
        for reading in shown.uncertainty.averages
    ]


def _summed(shown: Shown, team: str, points: Mapping[str, Mapping[str, float]]) -> Figure:
    if any(team not in by_team for by_team in points.values()):
        return Figure("", shown.voice.say("no_average"))
    label = shown.voice.simulated("ballots") if any(shown.simulated.of(part) for part in points) else ""
    return Figure(f"{sum(by_team[team] for by_team in points.values()):.2f}", simulated=label)


def view_normalisers(shown: Shown) -> list[View]:
    """Return one row per normaliser used for every part: each team's total, and who would advance."""
    if shown.uncertainty is None:
        return []
    voice = shown.voice
    label = voice.simulated(shown.simulated.of())
    return [
        {
            "normaliser": voice.word(f"rulebook.value.{reading.normaliser}"),
            "totals": [
                Figure(f"{reading.totals[team.team]:.2f}", simulated=label)
                if team.team in reading.totals
                else Figure("", shown.why_uncertain(team.team))
                for team in shown.decision.teams
            ],
            "advancing": voice.team_names(reading.passing) or voice.say("nobody"),
            "changes": reading.changes_outcome,
        }
        for reading in shown.uncertainty.readings
    ]

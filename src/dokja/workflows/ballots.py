"""Record a panel's ballots from a file: all of them, or none when a line is wrong.

Ballots a program made are recorded by the actor `simulator`, whoever runs the command, so that whatever is computed
from them can say so for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dokja.canonical import JSON
from dokja.errors import BallotsInvalid, InvalidInput
from dokja.panel.ballots import MOST_BYTES, BallotFile, BallotKind, parse_ballots_csv, parse_ballots_json
from dokja.record.events import SIMULATOR, AnyEvent
from dokja.record.history import History
from dokja.record.kinds.judging import (
    ExpertScore,
    PanelVote,
    RaterRegistered,
    UserPreference,
    UserRating,
)
from dokja.record.payload import Payload
from dokja.rulebook import PanelKind, Rulebook, Unknown
from dokja.workflows.stage import Actor, Draft, Stage, read_payload

_MOST_TOLD = 20


def read_ballots(path: Path) -> BallotFile:
    """Return the ballots of a CSV or JSON file.

    Raises:
        InvalidInput: The file cannot be read, or is too large.
        BallotsInvalid: Every mistake in it, by line.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"The ballots {path} cannot be read: {error.strerror}.") from error
    return parse_ballots_json(data) if path.suffix == ".json" else parse_ballots_csv(data)


def record_ballots(stage: Stage, path: Path, actor: Actor, panel: str = "") -> list[AnyEvent]:
    """Record every ballot of a file and return their events.

    Args:
        stage: The stage.
        path: CSV or JSON file, as docs/reference/ballots.md describes it.
        actor: Who records; `simulator` takes the place of whoever records simulated ballots.
        panel: Panel of the rulebook; raters not yet registered are registered on it. Empty when all are.

    Raises:
        BallotsInvalid: A line is wrong; nothing is recorded.
        InvalidInput: A rater is on no panel and none was named, or a team submitted nothing.
    """
    ballots = read_ballots(path)

    def drafts(stage: Stage) -> list[Draft]:
        rulebook, history = stage.rulebook, stage.history
        strangers = _strangers(ballots, history, rulebook, panel, path)
        panel_of = history.panel_of | dict.fromkeys(strangers, panel)
        _require_on_scale(ballots, rulebook, panel_of, path)
        made = [Draft(RaterRegistered(rater=rater, panel=panel)) for rater in strangers]
        for ballot in ballots.ballots:
            kind = _kind(ballots.kind, rulebook, panel_of[str(ballot.values["rater"])])
            payload = read_payload(kind, ballot.payload(history.weights))
            personal: dict[str, JSON] | None = {"comment": ballot.comment} if ballot.comment else None
            made.append(Draft(payload, personal=personal))
        return made

    by = Actor(SIMULATOR, actor.at) if ballots.simulated else actor
    recorded = stage.record(by, drafts)
    return [event for event in recorded if not isinstance(event.payload, RaterRegistered)]


def _strangers(
    ballots: BallotFile, history: History, rulebook: Rulebook, panel: str, path: Path
) -> list[str]:
    """Return the raters that are on no panel yet, to be registered on the one named."""
    raters = list(dict.fromkeys(str(ballot.values["rater"]) for ballot in ballots.ballots))
    strangers = [rater for rater in raters if rater not in history.panel_of]
    if strangers and not panel:
        raise InvalidInput(
            f"{path.name} has {len(strangers)} raters on no panel, {strangers[0]!r} the first of them.",
            hint="Register them, or name their panel with --panel.",
        )
    if panel and panel not in {one.id for one in rulebook.panels}:
        raise InvalidInput(f"The rulebook has no panel {panel!r}.")
    return strangers


def _require_on_scale(
    ballots: BallotFile, rulebook: Rulebook, panel_of: Mapping[str, str], path: Path
) -> None:
    """Require that every mark names a criterion of its panel and lies on its scale.

    Raises:
        BallotsInvalid: One sentence for each that does not, with its line.
    """
    mistakes: list[tuple[int, str]] = []
    for ballot in ballots.ballots:
        if "criterion" not in ballot.values:
            continue
        criteria = rulebook.panel(panel_of[str(ballot.values["rater"])]).criteria
        if isinstance(criteria, Unknown):
            continue
        named, score = str(ballot.values["criterion"]), float(ballot.values["score"])
        scale = next(((one.lowest, one.highest) for one in criteria if one.id == named), None)
        if scale is None:
            known = ", ".join(one.id for one in criteria)
            mistakes.append((ballot.line, f"there is no criterion {named!r} among {known}"))
            continue
        low, high = scale
        if not isinstance(low, Unknown) and not isinstance(high, Unknown) and not low <= score <= high:
            mistakes.append((ballot.line, f"the mark {score:g} is not from {low:g} to {high:g}"))
    if mistakes:
        told = "; ".join(f"line {line}: {what}" for line, what in mistakes[:_MOST_TOLD])
        raise BallotsInvalid(
            f"{path.name} is refused whole: {told}.", mistakes=[list(one) for one in mistakes]
        )


def _kind(kind: BallotKind, rulebook: Rulebook, panel: str) -> type[Payload]:
    if kind is BallotKind.APPROVAL:
        return PanelVote
    if kind is BallotKind.PREFERENCE:
        return UserPreference
    sits = rulebook.panel(panel).kind
    if isinstance(sits, Unknown):
        raise InvalidInput(f"The rulebook does not say who sits on panel {panel!r}.")
    return ExpertScore if sits is PanelKind.EXPERTS else UserRating

"""Submit: register a team, name the weights it hands in, and what it declares of each component."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dokja.canonical import JSON, parse_json
from dokja.checkpoint import digest_tensors, open_checkpoint
from dokja.errors import InvalidInput, NotAllowed
from dokja.procedure.objection import last_day_to_submit, local_day
from dokja.record.events import Event
from dokja.record.history import instant
from dokja.record.payloads import Kind
from dokja.rulebook import Rulebook
from dokja.workflows.desk import Actor, Desk, Draft

ORIGINS = ("own", "own_parent", "third_party")
_COMPONENT_FIELDS = {"name", "origin", "initialised", "frozen", "source", "licence", "notice"}


@dataclass(frozen=True, slots=True)
class Submission:
    """What a team hands in.

    Args:
        team: Its id.
        name: Its display name.
        model: The model, as `open_checkpoint` takes it.
        declaration: `owners` (whose weights count as the team's own) and `components`, each with `name`, `origin`
            (own, own_parent, third_party) and what else is declared of it.
    """

    team: str
    name: str
    model: str
    declaration: Mapping[str, JSON]


def read_declaration(path: Path) -> dict[str, JSON]:
    """Return a team's declaration from a TOML or JSON file.

    Raises:
        InvalidInput: No such file, or it declares nothing that can be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"The declaration {path} cannot be read: {error.strerror}.") from error
    try:
        value = parse_json(data) if path.suffix == ".json" else tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The declaration {path.name} is not TOML: {error}.") from error
    return require_declaration(value, path.name)


def require_declaration(value: JSON, where: str) -> dict[str, JSON]:
    """Return a declaration after checking it, one sentence for every mistake.

    Raises:
        InvalidInput: It does not list its components, or a line of it cannot be read.
    """
    if (
        not isinstance(value, dict)
        or not isinstance(value.get("components"), list)
        or not value["components"]
    ):
        raise InvalidInput(f"{where} lists no components.", hint="Declare at least one under [[components]].")
    mistakes = []
    names: list[str] = []
    components = value["components"]
    assert isinstance(components, list)
    for number, line in enumerate(components, start=1):
        if not isinstance(line, dict) or not isinstance(line.get("name"), str):
            mistakes.append(f"Component {number} has no name.")
            continue
        names.append(str(line["name"]))
        if unknown := sorted(set(line) - _COMPONENT_FIELDS):
            mistakes.append(f"Component {line['name']} has fields that are not known: {', '.join(unknown)}.")
        if line.get("origin") not in ORIGINS:
            mistakes.append(f"Component {line['name']} has no origin among {', '.join(ORIGINS)}.")
    mistakes += [
        f"Component {name} is declared twice." for name in sorted({n for n in names if names.count(n) > 1})
    ]
    owners = value.get("owners", [])
    if not isinstance(owners, list) or not all(isinstance(owner, str) for owner in owners):
        mistakes.append("Owners are a list of names.")
    if unknown := sorted(set(value) - {"owners", "components"}):
        mistakes.append(f"There are fields that are not known: {', '.join(unknown)}.")
    if mistakes:
        raise InvalidInput(f"{where} is refused. {' '.join(mistakes)}", mistakes=mistakes)
    return value


def submit(desk: Desk, stage: str, submission: Submission, actor: Actor) -> Event:
    """Record a submission under the digest of its weights and return its event.

    A second submission of a team corrects the first, and says so.

    Raises:
        NotAllowed: The last day for submissions has passed.
        InvalidInput, UnreadableArtifact: The model cannot be read.
    """
    name = desk.require_stage(stage)
    rulebook = desk.rulebook(name)
    require_in_time(rulebook, desk.store.events(name), actor.at)
    declaration = require_declaration(dict(submission.declaration), f"The declaration of {submission.team}")
    with open_checkpoint(submission.model) as checkpoint:
        weights = digest_tensors(checkpoint)
    events = desk.store.events(name)
    registered = {str(event.payload["team"]) for event in events if event.kind in _REGISTERING}
    gone = {event.supersedes for event in events}
    earlier = [
        event.id
        for event in events
        if event.kind is Kind.SUBMISSION and event.payload["team"] == submission.team and event.id not in gone
    ]
    happenings = []
    if submission.team not in registered:
        payload: dict[str, JSON] = {"team": submission.team, "name": submission.name}
        happenings.append(Draft(Kind.TEAM_REGISTERED, payload))
    happenings.append(
        Draft(
            Kind.SUBMISSION,
            {"team": submission.team, "weights": weights, "declaration": declaration},
            supersedes=earlier[-1] if earlier else None,
            reason="submitted again" if earlier else "",
        )
    )
    return desk.record(name, actor, happenings, rulebook)[-1]


def require_in_time(rulebook: Rulebook, events: Sequence[Event], at: str) -> None:
    """Require that submissions and applications may still come in.

    Raises:
        NotAllowed: Their last day has passed, or the time given lies before what was recorded already.
    """
    require_not_backdated(events, at)
    last = last_day_to_submit(rulebook, events)
    if last is not None and local_day(rulebook, at) > last:
        raise NotAllowed(
            f"Submissions and applications closed on {last}.",
            hint="An extension counts only when it is recorded before they close: dokja stage record deadline_extended",
            last_day=str(last),
        )


def require_not_backdated(events: Sequence[Event], at: str) -> None:
    """Require that a time on which a deadline hangs is no earlier than anything the stage has recorded.

    Otherwise what was refused as late could be recorded once more under an earlier time.

    Raises:
        NotAllowed: It is earlier.
    """
    latest = max(events, key=lambda event: instant(event.at), default=None)
    if latest is not None and instant(at) < instant(latest.at):
        raise NotAllowed(
            f"{at} lies before {latest.id!r}, which was recorded at {latest.at}.",
            hint="What hangs on a deadline is recorded at the time it happens; leave --at out.",
        )


_REGISTERING = (Kind.TEAM_REGISTERED, Kind.REENTRY_APPLICATION)

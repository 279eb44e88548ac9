"""Submit: register a team, name the weights it hands in, and what it declares of each component."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from dokja.canonical import parse_json
from dokja.checkpoint import digest_tensors, open_checkpoint
from dokja.errors import InvalidInput, NotAllowed
from dokja.procedure.objection import last_day_to_submit, local_day
from dokja.record.declaration import Declaration, declaration_from_json
from dokja.record.events import AnyEvent
from dokja.record.history import History, instant
from dokja.record.kinds.entry import TeamRegistered, WeightsSubmitted
from dokja.workflows.stage import Actor, Draft, Stage, read_payload


@dataclass(frozen=True, slots=True)
class Submission:
    """What a team hands in.

    Args:
        team: Its id.
        name: Its display name.
        model: The model, as `open_checkpoint` takes it.
        declaration: What it declares of the model.
    """

    team: str
    name: str
    model: str
    declaration: Declaration


def read_declaration(path: Path) -> Declaration:
    """Return a team's declaration from a TOML or JSON file.

    Raises:
        InvalidInput: No such file, or the declaration has mistakes; the error carries each of them.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"The declaration {path} cannot be read: {error.strerror}.") from error
    try:
        value = parse_json(data) if path.suffix == ".json" else tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The declaration {path.name} is not TOML: {error}.") from error
    return declaration_from_json(value, path.name)


def submit(stage: Stage, submission: Submission, actor: Actor) -> AnyEvent:
    """Record a submission under the digest of its weights and return its event.

    A second submission of a team corrects the first, and says so.

    Raises:
        NotAllowed: The last day for submissions has passed.
        InvalidInput, UnreadableArtifact: The model cannot be read.
    """
    require_in_time(stage, actor.at)
    with open_checkpoint(submission.model) as checkpoint:
        weights = digest_tensors(checkpoint)
    payload = {"team": submission.team, "weights": weights, "declaration": submission.declaration.as_json()}
    handed_in = read_payload(WeightsSubmitted, payload)

    def drafts(stage: Stage) -> list[Draft]:
        require_in_time(stage, actor.at)
        made = []
        if submission.team not in stage.history.teams:
            made.append(Draft(TeamRegistered(team=submission.team, name=submission.name)))
        submitted = stage.history.these(WeightsSubmitted)
        earlier = [event.id for event in submitted if event.payload.team == submission.team]
        again = "submitted again" if earlier else ""
        return [*made, Draft(handed_in, supersedes=earlier[-1] if earlier else None, reason=again)]

    return stage.record(actor, drafts)[-1]


def require_in_time(stage: Stage, at: str) -> None:
    """Require that submissions and applications may still come in.

    Raises:
        NotAllowed: Their last day has passed, or the time given lies before what was recorded already.
    """
    require_not_backdated(stage.history, at)
    last = last_day_to_submit(stage.rulebook, stage.history)
    if last is not None and local_day(stage.rulebook, at) > last:
        raise NotAllowed(
            f"Submissions and applications closed on {last}.",
            hint="An extension counts only when it is recorded before they close: dokja stage record deadline_extended",
            last_day=str(last),
        )


def require_not_backdated(history: History, at: str) -> None:
    """Require that a time on which a deadline hangs is no earlier than anything the stage has recorded.

    Otherwise what was refused as late could be recorded once more under an earlier time.

    Raises:
        NotAllowed: It is earlier.
    """
    latest = max(history.events, key=lambda event: event.at[:19], default=None)
    if latest is not None and instant(at) < instant(latest.at):
        raise NotAllowed(
            f"{at} lies before {latest.id!r}, which was recorded at {latest.at}.",
            hint="What hangs on a deadline is recorded at the time it happens; leave --at out.",
        )

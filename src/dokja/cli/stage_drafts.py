"""`dokja stage drafts`: the events that wait for somebody's signature; and what `record --draft` and `sign` say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dokja.cli.shared import Call, stage_command, table

if TYPE_CHECKING:
    from dokja.signature.key import Signer
    from dokja.workflows.drafts import WaitingEvent

_COLUMNS = ("digest", "kind", "by", "at", "corrects", "personal")


@click.command()
@click.option("--discard", "discarded", default="", metavar="DIGEST", help="Delete this one, with what identifies a person in it: nobody is to sign it any more.")  # fmt: skip
@stage_command()
def drafts(call: Call, discarded: str) -> None:
    """The events kept with `record --draft` that wait for a signature; with --json, what they say, without what identifies a person."""
    from dokja.workflows.drafts import discard_draft, drafts_of

    if discarded:
        waiting, overwritten = discard_draft(call.stage, discarded)
        lines = [call.out.say("draft.discarded", {"kind": waiting.event.kind, "digest": discarded})]
        if not overwritten:
            lines.append(call.out.say("store.not_overwritten"))
        call.out.show({"discarded": discarded, "overwritten": overwritten}, lines)
        return
    found = drafts_of(call.stage)
    rows = [_row(call, one) for one in found]
    shown = table(rows, call.out.columns("draft", _COLUMNS)) if rows else call.out.say("draft.none")
    call.out.show({"drafts": [_as_json(one) for one in found]}, [shown])


def show_kept(call: Call, waiting: WaitingEvent) -> None:
    """Answer that an event was kept, and how it is signed."""
    figures = {"digest": waiting.digest, "kind": waiting.event.kind}
    lines = [call.out.say("draft.kept", figures), call.out.say("draft.how_to_sign", figures)]
    call.out.show(_as_json(waiting), lines)


def record_signed(call: Call, waiting: WaitingEvent, signer: Signer) -> None:
    """Sign an event that waits, record it, and answer with it."""
    from dokja.workflows.drafts import sign_draft
    from dokja.workflows.stage import told

    event = sign_draft(call.stage, waiting, signer, call.signed_at(signer))
    person = call.stage.ring[signer.id].person
    figures = {"event": event.id, "kind": event.kind, "person": person}
    call.out.show(
        {"event": told(event), "signer": person, "key": signer.id}, [call.out.say("draft.recorded", figures)]
    )


def _as_json(waiting: WaitingEvent) -> dict[str, object]:
    from dokja.workflows.stage import told

    return {"digest": waiting.digest, "event": told(waiting.event)}


def _row(call: Call, waiting: WaitingEvent) -> list[str]:
    event = waiting.event
    personal = call.out.say("draft.has_personal") if event.personal is not None else "–"
    return [waiting.digest, event.kind, event.by, event.at, event.supersedes or "–", personal]

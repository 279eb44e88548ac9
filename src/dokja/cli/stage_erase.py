"""`dokja stage erase`: erase what identifies a person in one event, for ever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from dokja.cli.shared import Call, stage_command

if TYPE_CHECKING:
    from dokja.workflows.erase import Erased


@click.command()
@click.argument("event")
@click.option("--reason", required=True, help="Why, without naming anybody; every dossier shows it for ever.")
@stage_command(acts=True, dry_run=True)
def erase(call: Call, event: str, reason: str) -> None:
    """Erase what identifies a person in EVENT, for ever. The event, its digest and every signature stay.

    Only what was recorded with --personal (or a ballot's comment) can be erased, before and after closing. Destroy older
    backups and auditor's dossiers yourself: docs/guides/erasing.md says where a copy may remain.
    """
    from dokja.workflows.erase import erase_person

    erased = erase_person(call.stage, event, reason, call.actor, dry_run=call.dry_run)
    call.out.show({"erased": not call.dry_run, **erased.as_json()}, _lines(call, erased))


def _lines(call: Call, erased: Erased) -> Iterator[str]:
    done, say = erased.erasure, call.out.say
    figures = {"event": done.event.id, "kind": done.event.kind, "fields": done.fields, "place": done.place}
    if call.dry_run:
        yield say("erasure.would_be_erased", figures)
    else:
        yield say("erasure.erased", {**figures, "personal": done.body["personal"]})
        yield say("erasure.copies" if done.overwritten else "store.not_overwritten")
    for other in erased.left:
        yield say("erasure.left", {"event": other})

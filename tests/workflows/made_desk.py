"""A desk with a whole simulated stage, decided, signed and announced, for documents and exports."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dokja import rulebook as rb
from dokja.publishing.see import is_salted
from dokja.signature import SigningKey
from dokja.store.recording import StoredEvent
from dokja.workflows.decide import look, propose, sign
from dokja.workflows.desk import Desk
from dokja.workflows.open_stage import enrol, open_stage
from dokja.workflows.publish import Terms, publish_decision
from dokja.workflows.stage import Actor
from tests.made_stage import TEAMS, draft, full_stage, made_rulebook

OPENED, DECIDED, ANNOUNCED = "2026-01-02T00:00:00Z", "2026-01-15T05:00:00Z", "2026-01-15T06:00:00Z"
KEYS = {name: SigningKey(bytes([n]) * 32) for n, name in enumerate(("office", "chair", "auditor"), start=1)}
SIGNING = ("chair", "auditor")
PUBLIC = ("decision", "reasons", "stage_means", "stage_tops")
OWN = ("totals", "part_scores", "ranks", "findings", "team_replies")


def made_book(**changes: object) -> rb.Rulebook:
    """Return a rulebook that shows the public outcomes, means and tops, a team its own scores, nobody the marks."""
    fields = [rb.Disclosure(field=rb.Disclosed(name), to=(rb.Profile.PUBLIC,)) for name in PUBLIC]
    fields += [rb.Disclosure(field=rb.Disclosed(name), to=(rb.Profile.OWN_TEAM,)) for name in OWN]
    fields.append(rb.Disclosure(field=rb.Disclosed.SIGNATURES, to=(rb.Profile.PANEL,)))
    roles = (
        rb.SigningRole(name="organiser", seats=1),
        rb.SigningRole(name="chair", seats=1, at_least=1),
        rb.SigningRole(name="auditor", seats=1),
    )
    told = {
        "publication": rb.Publication(fields=tuple(fields), narrowest_interval_points=0.0),
        "signatures": rb.Signatures(k=2, n=3, roles=roles),
        "appeals": rb.Appeals(
            days=10, day_kind=rb.DayKind.BUSINESS, grounds=tuple(rb.AppealGround), answer_days=5, another_panel=True
        ),
    }  # fmt: skip
    return made_rulebook(**{**told, **changes})


def made_desk(
    folder: Path, *, signed: bool = True, announced: bool = True, by: str = "simulator", **changes: object
) -> Desk:
    """Return an open desk; three simulated teams, of which some leave."""
    book = made_book(**changes)
    desk = Desk.create(folder, origin="programme.example/log")
    for name, role in (("office", "organiser"), ("chair", "chair"), ("auditor", "auditor")):
        enrol(desk, name, role, KEYS[name], None if name == "office" else KEYS["office"], OPENED)
    open_stage(desk, book, Actor("office", OPENED))
    stage = full_stage(book, teams=TEAMS[:3], items=4)
    entries = [
        StoredEvent(replace(event, salt=bytes(16).hex() if is_salted(type(event.payload)) else "", by=by))
        for event in stage.events[1:]
    ]
    desk.store.append_all(entries)
    if signed:
        proposal = propose(desk.stage(), look(desk.stage(), seed=None))
        for name in SIGNING:
            sign(desk.stage(), proposal, KEYS[name], DECIDED)
        if announced:
            publish_decision(desk.stage(), Actor("office", ANNOUNCED), Terms())
    return desk


def add(desk: Desk, kind: str, payload: dict, at: str = ANNOUNCED) -> str:
    """Record one event and return its id."""
    name = desk.require_stage("")
    return desk.stage(name).record(Actor("office", at), [draft(kind, payload)])[0].id

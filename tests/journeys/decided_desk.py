"""A desk with a whole simulated stage, enrolled people, and a decision that enough of them signed."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dokja import rulebook as rb
from dokja.cli.main import main
from dokja.record.history import History
from dokja.rulebook import Disclosed, Profile
from dokja.signature import SigningKey
from dokja.workflows.desk import Desk
from dokja.workflows.open_stage import open_stage
from dokja.workflows.stage import Actor, Draft
from tests.made_stage import Stage, full_stage, made_rulebook, with_advance

STAGE = "made-stage"
TEAMS = ["haneul", "mirae", "nuri"]
SEED = 5
DECIDED, ANNOUNCED = "2026-01-14T06:00:00Z", "2026-01-15T06:00:00Z"  # a Thursday in Seoul
PEOPLE = {"office": "organiser", "chair": "chair", "judge": "reviewer", "elder": "reviewer"}
EVERYONE = (Profile.PUBLIC, Profile.OWN_TEAM, Profile.PANEL, Profile.AUDITOR)
OWN = (Profile.OWN_TEAM, Profile.AUDITOR)
TABLE = {
    Disclosed.DECISION: EVERYONE,
    Disclosed.REASONS: EVERYONE,
    Disclosed.STAGE_MEANS: EVERYONE,
    Disclosed.STAGE_TOPS: EVERYONE,
    Disclosed.SIGNATURES: EVERYONE,
    Disclosed.TOTALS: OWN,
    Disclosed.PART_SCORES: OWN,
    Disclosed.RANKS: OWN,
}


def appealing_rulebook(
    table: dict[Disclosed, tuple[Profile, ...]] | None = None, narrowest: float = 2.0, **changes: Any
) -> rb.Rulebook:
    rows = tuple(rb.Disclosure(field=field, to=to) for field, to in (table or TABLE).items())
    roles = (rb.SigningRole(name="organiser", seats=1), rb.SigningRole(name="chair", seats=1, at_least=1))
    settled: dict[str, Any] = {
        "publication": rb.Publication(fields=rows, narrowest_interval_points=narrowest),
        "appeals": rb.Appeals(
            days=10, day_kind=rb.DayKind.BUSINESS, grounds=tuple(rb.AppealGround), answer_days=5,
            another_panel=True,
        ),
        "signatures": rb.Signatures(k=2, n=2, roles=roles),
    }  # fmt: skip
    book = made_rulebook(**(settled | changes))
    gates = tuple(rb.changed(gate, keep=2) if isinstance(gate, rb.KeepTop) else gate for gate in book.gates)
    return with_advance(rb.changed(book, gates=gates), entering=3, places=2)


@dataclass
class Said:
    """What a command said: its exit status, stdout and stderr."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(*arguments: object) -> Said:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(argument) for argument in arguments])
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
    return Said(status, out.getvalue(), err.getvalue())


@dataclass
class Office:
    """A programme office in a folder, spoken to through commands."""

    folder: Path
    book: rb.Rulebook

    @property
    def desk(self) -> Path:
        return self.folder / "desk"

    def key(self, person: str) -> Path:
        return self.folder / f"{person}.key"

    def file(self, name: str, content: object) -> Path:
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    def dokja(self, *arguments: object, at: str = "", stage: str = STAGE) -> Said:
        more: list[object] = ["--desk", self.desk, "--stage", stage]
        return run(*arguments, *more, *(["--at", at] if at else []))

    def json(self, *arguments: object, at: str = "", stage: str = STAGE) -> Any:
        said = self.dokja(*arguments, "--json", at=at, stage=stage)
        assert said.out, said.err
        return said.json

    def events(self, stage: str = STAGE) -> tuple[Any, ...]:
        with Desk(self.desk) as desk:
            return desk.store.events(stage)

    def history(self, stage: str = STAGE) -> History:
        return History.of(self.events(stage))

    def decide(self, at: str = DECIDED, stage: str = STAGE) -> str:
        keys = [word for person in ("office", "chair") for word in ("--key", self.key(person))]
        said = self.json("stage", "decide", "--replicates", 100, *keys, at=at, stage=stage)
        assert said["signed"] == ["chair", "office"]
        return str(said["decision"])


def made_office(
    folder: Path,
    book: rb.Rulebook | None = None,
    fill: Callable[[rb.Rulebook], Stage] | None = None,
    store: str = "",
) -> Office:
    """Return an office whose stage has been judged and not yet decided."""
    book = book or appealing_rulebook()
    office = Office(folder, book)
    for number, person in enumerate(PEOPLE, start=1):
        SigningKey(bytes([number]) * 32).save(office.key(person))
    made = fill(book) if fill else full_stage(book, seed=SEED, teams=TEAMS, items=6)
    with Desk.create(office.desk, origin="programme.example/log", store=store) as desk:
        open_stage(desk, book, Actor("office", "2026-01-05T00:00:00Z"), STAGE)
        drafts = [Draft(event.payload, id=event.id) for event in made.events if event.kind != "stage_opened"]
        desk.stage(STAGE).record(Actor("office", "2026-01-12T00:00:00Z"), drafts)
    for person, role in PEOPLE.items():
        vouch = [] if person == "office" else ["--organiser", office.key("office")]
        arguments = ["key", "enrol", person, role, "--key", office.key(person), *vouch]
        said = run(*arguments, "--desk", office.desk, "--at", "2026-01-02T00:00:00Z")
        assert said.status == 0, said.err
    return office


def decided_office(folder: Path, book: rb.Rulebook | None = None) -> Office:
    office = made_office(folder, book)
    office.decide()
    return office

"""What was written before stays valid: dossiers of earlier versions verify, and a desk goes on after `store migrate`."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from dokja.workflows.decide import proposals
from dokja.workflows.desk import Desk
from dokja.workflows.verify import verify_dossier
from tests.journeys.decided_desk import Office, run
from tests.made_stage import made_rulebook

KEPT = Path(__file__).parents[1] / "fixtures" / "written_before"
DOSSIERS = sorted(KEPT.glob("*.dossier.json"))
LATER = "2026-02-20T07:00:00Z"
STANDINGS = json.loads((KEPT / "standings.json").read_text("utf-8"))


@pytest.mark.parametrize("path", DOSSIERS, ids=lambda path: path.name)
def test_a_dossier_written_before_verifies_with_the_statements_it_had(path: Path) -> None:
    report = verify_dossier(path.read_bytes())
    said = {one.name: str(one.standing) for one in report.statements}
    before = STANDINGS[path.name]
    assert {name: said[name] for name in before} == before
    assert report.intact


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """The desk of version 0.1, its tables brought to this version."""
    with tarfile.open(KEPT / "v0.1-desk.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    said = run("store", "migrate", f"sqlite:///{tmp_path / 'desk' / 'store.db'}")
    assert said.status == 0, said.err
    return Office(tmp_path, made_rulebook())


def test_a_desk_made_before_keeps_its_proposals_in_the_store_after_migrating(office: Office) -> None:
    kept = {f"sha256:{path.stem}" for path in (office.desk / "proposals").iterdir()}
    assert len(kept) == 2
    with Desk(office.desk) as desk:
        assert {one.digest for one in proposals(desk.stage())} == kept
    assert not (office.desk / "proposals").exists()


def test_a_stage_begun_before_is_decided_signed_and_proven_by_this_version(office: Office) -> None:
    office.decide(at="2026-02-20T06:00:00Z")
    said = office.dokja("stage", "publish", "--reason", "decided anew", "--out", office.folder, at=LATER)
    assert said.status == 0, said.err
    for path in office.folder.glob("*.dossier.json"):
        assert verify_dossier(path.read_bytes()).intact, path.name
    public = json.loads((office.folder / "made-stage.public.dossier.json").read_bytes())
    shown = {entry["event"]["kind"] for entry in public["record"] if entry["kind"] == "event"}
    # What that version recorded without a salt was public, and stays so.
    assert "submission" in shown
    assert "expert_score" not in shown

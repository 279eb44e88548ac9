"""What was written before stays valid: dossiers of earlier versions verify with the same statements."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from dokja.dossier import read_dossier
from dokja.workflows.verify import verify_dossier
from tests.journeys.decided_desk import run

KEPT = Path(__file__).parents[1] / "fixtures" / "written_before"
DOSSIERS = sorted(KEPT.glob("*.dossier.json"))
STANDINGS = json.loads((KEPT / "standings.json").read_text("utf-8"))


@pytest.mark.parametrize("path", DOSSIERS, ids=lambda path: path.name)
def test_a_dossier_written_before_verifies_with_the_statements_it_had(path: Path) -> None:
    report = verify_dossier(path.read_bytes())
    said = {one.name: str(one.standing) for one in report.statements}
    before = STANDINGS[path.name]
    assert {name: said[name] for name in before} == before
    assert report.intact


def test_a_desk_made_before_is_migrated_and_goes_on(tmp_path: Path) -> None:
    """Its proposals lay in loose files, its events have counted ids, and most kinds were recorded without a salt."""
    with tarfile.open(KEPT / "v0.1-desk.tar.gz") as kept:
        kept.extractall(tmp_path, filter="data")
    desk, at = tmp_path / "desk", ["--at", "2026-01-23T00:00:00Z"]
    where = ["--desk", desk]
    before = run("stage", "status", *where)
    assert (before.status, "dokja store migrate" in before.err) == (3, True)
    assert run("store", "migrate", f"sqlite:///{desk / 'store.db'}").status == 0
    assert run("stage", "status", *where).status in (0, 1)
    assert not (desk / "proposals").exists()
    assert [one["objection"] for one in run("stage", "objections", *where, "--json").json["objections"]] == [
        "objection-188"
    ]
    keys = [word for name in ("office", "chair") for word in ("--key", tmp_path / f"{name}.key")]
    said = run(
        "stage", "decide", "--replicates", 100, *keys, "--out", tmp_path / "out", *where, *at, "--json"
    )
    assert said.status in (0, 1), said.err
    bare = said.json["sealed_without_salt"]
    assert bare, "the office is told which sealed digests confirm a guess"
    for path in sorted((tmp_path / "out").iterdir()):
        report = verify_dossier(path.read_bytes())
        assert report.intact, report
    public, auditors = (
        read_dossier(next((tmp_path / "out").glob(f"*.{profile}.dossier.json")).read_bytes()).dossier
        for profile in ("public", "auditor")
    )
    kept_before = read_dossier((KEPT / "v0.1-after-objection.auditor.dossier.json").read_bytes()).dossier
    assert [e.body for e in auditors.record][: len(kept_before.record)] == [
        e.body for e in kept_before.record
    ]
    shown = {entry.body["event"]["id"] for entry in public.record if entry.kind == "event"}
    assert not shown & set(bare), "what no rule makes public is sealed"
    assert "salt" in run("stage", "publish", "--reason", "again", "--out", tmp_path / "out", *where, *at).out

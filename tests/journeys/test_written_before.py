"""What was written before stays valid: dossiers of earlier versions verify with the same statements."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dokja.workflows.verify import verify_dossier

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

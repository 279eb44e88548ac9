"""An export holds what its profile may see, nothing else, and nothing a spreadsheet would run."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja.errors import InvalidInput, NotAllowed
from dokja.publishing.principal import AUDITOR, PUBLIC, principal_of
from dokja.report.csv_table import render_csv
from dokja.rulebook import Profile
from dokja.workflows.desk import Desk
from dokja.workflows.export import export_stage
from dokja.workflows.publish import Terms, publish_decision
from dokja.workflows.stage import Actor
from tests.made_stage import TEAMS
from tests.workflows.made_desk import ANNOUNCED, add, made_desk

LATER = "2026-01-16T00:00:00Z"
FORMULA = '=HYPERLINK("http://x.example","y")'


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    made = made_desk(tmp_path_factory.mktemp("desk") / "desk")
    promise = {
        "support": "gpu", "team": TEAMS[0], "resource": "gpu", "what": FORMULA, "units": 512, "supplier": TEAMS[1],
        "first": "2025-08-18", "last": "2025-12-31",
    }  # fmt: skip
    add(made, "support_promised", promise)
    with made:
        yield made


def table(folder: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / f"{name}.csv").read_text("utf-8-sig"))))


def test_the_public_gets_outcomes_and_means_and_no_score(desk: Desk, tmp_path: Path) -> None:
    export_stage(desk.stage(), PUBLIC, tmp_path / "out", "csv", LATER)
    assert {row["team"] for row in table(tmp_path / "out", "teams")} == set(TEAMS[:3])
    assert table(tmp_path / "out", "scores") == []
    assert table(tmp_path / "out", "figures")
    kinds = {row["kind"] for row in table(tmp_path / "out", "events")}
    assert "stage_opened" in kinds
    assert not kinds & {"expert_score", "user_rating", "run_result", "finding_recorded", "rater_registered"}


def test_a_team_gets_its_own_scores_and_findings_alone(desk: Desk, tmp_path: Path) -> None:
    export_stage(desk.stage(), principal_of(Profile.OWN_TEAM, TEAMS[0]), tmp_path / "out", "csv", LATER)
    assert {row["team"] for row in table(tmp_path / "out", "scores")} == {TEAMS[0]}
    findings = [row for row in table(tmp_path / "out", "events") if row["kind"] == "finding_recorded"]
    assert findings
    assert {json.loads(row["payload"])["team"] for row in findings} == {TEAMS[0]}


def test_the_auditor_gets_every_event(desk: Desk, tmp_path: Path) -> None:
    export_stage(desk.stage(), AUDITOR, tmp_path / "out", "json", LATER)
    events = json.loads((tmp_path / "out" / "events.json").read_text("utf-8"))
    assert len(events) == len(desk.store.events(desk.require_stage("")))
    scores = json.loads((tmp_path / "out" / "scores.json").read_text("utf-8"))
    assert {row["team"] for row in scores} == set(TEAMS[:3])


def test_every_file_is_in_the_list_of_digests(desk: Desk, tmp_path: Path) -> None:
    files = export_stage(desk.stage(), PUBLIC, tmp_path / "out", "csv", LATER)
    listed = dict(
        reversed(line.split("  ")) for line in (tmp_path / "out" / "SHA256SUMS").read_text().splitlines()
    )
    assert {path.name for path in files} == {*listed, "SHA256SUMS"}
    for path in files:
        if path.name != "SHA256SUMS":
            assert hashlib.sha256(path.read_bytes()).hexdigest() == listed[path.name]
    assert "SIMULATED" in (tmp_path / "out" / "README.md").read_text("utf-8")
    with pytest.raises(InvalidInput, match="there already"):
        export_stage(desk.stage(), PUBLIC, tmp_path / "out", "csv", LATER)


def test_a_text_that_is_a_formula_is_put_behind_an_apostrophe(desk: Desk, tmp_path: Path) -> None:
    export_stage(desk.stage(), AUDITOR, tmp_path / "out", "csv", LATER)
    (promise,) = table(tmp_path / "out", "promises")
    assert promise["what"] == "'" + FORMULA


def test_the_ledger_is_exported_to_those_alone_whom_the_rulebook_shows_it(desk: Desk, tmp_path: Path) -> None:
    export_stage(desk.stage(), PUBLIC, tmp_path / "out", "csv", LATER)
    for name in ("promises", "deliveries", "budget", "rosters"):
        assert table(tmp_path / "out", name) == []


def test_a_decision_nobody_announced_is_not_exported_to_the_public(tmp_path: Path) -> None:
    with made_desk(tmp_path / "desk", announced=False) as desk:
        export_stage(desk.stage(), PUBLIC, tmp_path / "out", "csv", LATER)
        assert table(tmp_path / "out", "teams") == []


def test_an_embargo_holds_for_an_export(tmp_path: Path) -> None:
    with made_desk(tmp_path / "desk", announced=False) as desk:
        publish_decision(desk.stage(), Actor("office", ANNOUNCED), Terms(until="2026-01-20T00:00:00Z"))
        with pytest.raises(NotAllowed, match="embargo"):
            export_stage(desk.stage(), PUBLIC, tmp_path / "out", "csv", LATER)
        assert not (tmp_path / "out").exists()


cells = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["=1+1", " =1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "\ufeff=1"]),
)


@settings(deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries({"a": cells, "b": st.one_of(cells, st.integers(), st.lists(cells))}), max_size=4
    )
)
def test_no_cell_of_text_begins_like_a_formula_and_every_text_is_still_there(rows: list[dict]) -> None:
    written = render_csv(rows, ("a", "b"))
    read = list(csv.reader(io.StringIO(written, newline="")))[1:]
    assert len(read) == len(rows)
    for row, line in zip(rows, read, strict=True):
        for value, cell in zip((row["a"], row["b"]), line, strict=True):
            if isinstance(value, str):
                assert cell.removeprefix("'") == value or cell == value
                assert not cell.lstrip("\ufeff \t\r\n\x00").startswith(("=", "+", "-", "@"))

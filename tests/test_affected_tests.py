"""`make quick` chooses the tests a change touches, the nearest first, and says what it leaves out."""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_spec = importlib.util.spec_from_file_location("affected_tests", ROOT / "tools" / "affected_tests.py")
assert _spec is not None
assert _spec.loader is not None
quick = importlib.util.module_from_spec(_spec)
sys.modules["affected_tests"] = quick
_spec.loader.exec_module(quick)


SMALL = quick.House(
    imports={
        "dokja.ink": frozenset(),
        "dokja.pen": frozenset({"dokja.ink"}),
        "dokja.page": frozenset({"dokja.pen"}),
        "dokja.page.words": frozenset(),
        "dokja.lamp": frozenset(),
        "tests.test_ink": frozenset({"dokja.ink"}),
        "tests.test_far": frozenset({"dokja.page"}),
        "tests.test_lamp": frozenset({"dokja.lamp"}),
        "tests.test_guides": frozenset(),
    },
    names={"tests.test_guides": frozenset({"docs"}), "tests.test_lamp": frozenset({quick.SOURCE})},
    files={
        "dokja.ink": "src/dokja/ink.py",
        "dokja.pen": "src/dokja/pen.py",
        "dokja.page": "src/dokja/page/__init__.py",
        "dokja.page.words": "src/dokja/page/words.py",
        "dokja.lamp": "src/dokja/lamp.py",
        "tests.test_ink": "tests/test_ink.py",
        "tests.test_far": "tests/test_far.py",
        "tests.test_lamp": "tests/test_lamp.py",
        "tests.test_guides": "tests/test_guides.py",
    },
)


@pytest.mark.parametrize(
    ("changed", "touched"),
    [
        ("src/dokja/ink.py", ["test_ink", "test_lamp", "test_far"]),  # test_lamp reads the source as text
        ("src/dokja/page/ko.toml", ["test_far", "test_lamp"]),  # data of a package is its modules' change
        ("docs/guide.md", ["test_guides"]),
        ("tests/test_far.py", ["test_far"]),
        ("NOTES.txt", []),
    ],
)
def test_a_change_touches_the_tests_that_reach_it_nearest_first(changed: str, touched: list[str]) -> None:
    assert quick.touched(SMALL, [changed]) == [f"tests/{name}.py" for name in touched]


@pytest.mark.parametrize("changed", ["pyproject.toml", "requirements/test.txt", "tests/conftest.py"])
def test_what_everything_stands_on_touches_every_test(changed: str) -> None:
    assert len(quick.touched(SMALL, [changed])) == 4


def test_of_tests_as_near_the_quicker_comes_first() -> None:
    changed = ["docs/guide.md", "src/dokja/lamp.py", "src/dokja/ink.py"]
    for slow, fast in (
        ("tests/test_ink.py", "tests/test_lamp.py"),
        ("tests/test_lamp.py", "tests/test_ink.py"),
    ):
        order = quick.touched(SMALL, changed, {slow: 9.0, fast: 1.0})
        assert order.index(fast) < order.index(slow)


@pytest.fixture(scope="module")
def this_house():
    return quick.read_house()


def test_every_test_that_imports_a_module_is_touched_by_it_and_a_stranger_is_not(this_house) -> None:
    tests = set(this_house.tests())
    for module, file in this_house.files.items():
        direct = {this_house.files[test] for test in tests if module in this_house.imports[test]}
        assert direct <= set(quick.touched(this_house, [file])), module
    leaf = quick.touched(this_house, ["src/dokja/stats/ranking.py"])
    assert leaf[0] == "tests/stats/test_ranking.py"
    assert "tests/checkpoint/test_gguf.py" not in leaf


def test_commands_imported_by_name_and_fixtures_of_conftests_are_followed(this_house) -> None:
    assert "tests/cli/test_compare.py" in quick.touched(this_house, ["src/dokja/cli/compare.py"])
    assert "tests/real/test_real_pairs.py" in quick.touched(this_house, ["src/dokja/demo/fetch.py"])


def test_without_time_nothing_is_begun_and_everything_is_named() -> None:
    assert quick.run_all(["tests/test_merkle.py"], time.monotonic() + 1, 1) == ([], ["tests/test_merkle.py"])


def test_a_module_that_outlasts_the_budget_is_stopped_and_said_to_be(tmp_path: Path) -> None:
    slow = tmp_path / "test_slow.py"
    slow.write_text("import time\n\ndef test_slow():\n    time.sleep(60)\n")
    began = time.monotonic()
    (ran,), left = quick.run_all([str(slow)], began + quick.LEAST_SECONDS + 0.5, 1)
    assert (ran.how, left) == ("stopped", [])
    assert time.monotonic() - began < 10

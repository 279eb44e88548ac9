"""The rules of the house, as tests: sizes, sections, absences."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "dokja"
MODULES = sorted(SOURCE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
LINES_AT_MOST = 400
WHOLLY_STATISTICAL = ("stats", "lineage")
# These choose, copy and arrange values; no figure comes out of them.
PLUMBING = {
    "make_sketch", "is_sketch", "half_precision", "from_half_precision", "plan_of", "axis_keys", "mlp_groups",
    "value_groups", "residual_group",
}  # fmt: skip


def public_functions(path: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_fits_in_one_head(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LINES_AT_MOST


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_says_what_it_is_in_its_first_sentence(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert docstring, "no module docstring"
    assert re.match(r"\S.*?[.:?]", docstring, re.DOTALL)


def test_the_95th_percentile_function_is_short() -> None:
    lengths = sorted(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    )
    assert lengths[int(0.95 * len(lengths))] <= 45


@pytest.mark.parametrize("room", WHOLLY_STATISTICAL)
def test_statistics_say_what_they_assume_and_where_they_come_from(room: str) -> None:
    silent = [
        f"{path.name}:{node.name}"
        for path in sorted((SOURCE / room).rglob("*.py"))
        for node in public_functions(path)
        if _is_statistical(node) and not _has_sections(node)
    ]
    assert silent == []


def _is_statistical(node: ast.FunctionDef) -> bool:
    """A function that turns numbers into a statistic, interval or p-value; readers and writers are not."""
    if node.name in PLUMBING:
        return False
    return not re.match(r"(parse|read|write|load|save|render|sketch|open|encode|decode|require)_?", node.name)


def _has_sections(node: ast.FunctionDef) -> bool:
    docstring = ast.get_docstring(node) or ""
    return "Assumes:" in docstring and "Source:" in docstring


def test_nothing_is_mocked_and_nothing_is_unpickled() -> None:
    banned = re.compile(
        r"unittest\.mock|monkeypatch\.setattr|^\s*(import|from) pickle|pickle\.load|np\.random\.seed", re.M
    )
    guilty = [
        str(path)
        for path in MODULES + TESTS
        if path != Path(__file__) and banned.search(path.read_text("utf-8"))
    ]
    assert guilty == []


def test_rooms_read_no_clock_no_environment_and_draw_no_unseeded_numbers() -> None:
    banned = re.compile(r"os\.environ|getenv|datetime\.now|time\.time\(|default_rng\(\)|import random\b")
    rooms = ["stats", "anatomy", "lineage", "benchmark", "panel", "program"]
    guilty = [
        str(path.relative_to(SOURCE))
        for room in rooms
        for path in sorted((SOURCE / room).rglob("*.py"))
        if banned.search(path.read_text("utf-8"))
    ]
    assert guilty == []

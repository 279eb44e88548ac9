"""The rules of the house, as tests: sizes, sections, absences."""

import ast
import configparser
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "dokja"
MODULES = sorted(SOURCE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
LINES_AT_MOST = 400
# Whoever is asked for something by a person may look at a clock and draw a salt; everyone else is given both.
FRONT_DOORS = ("cli", "web", "demo", "workflows")
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


def rooms() -> list[str]:
    """The rooms and what lies below them, read from the contract on imports: a moved room is never out of sight."""
    contract = configparser.ConfigParser()
    contract.read(ROOT / ".importlinter", encoding="utf-8")
    layers = contract["importlinter:contract:layers"]["layers"].split("\n")
    listed = [re.findall(r"\(?(\w+)\)?", layer) for layer in layers if layer.strip()]
    names = [name for layer in listed for name in layer]
    return [name for name in names if name not in FRONT_DOORS and _exists(name)]


def _exists(name: str) -> bool:
    return (SOURCE / name).is_dir() or (SOURCE / f"{name}.py").is_file()


def _files_of(room: str) -> list[Path]:
    return (
        [SOURCE / f"{room}.py"]
        if (SOURCE / f"{room}.py").is_file()
        else sorted((SOURCE / room).rglob("*.py"))
    )


def test_every_room_is_in_the_contract_and_every_front_door_exists() -> None:
    there = {path.stem for path in SOURCE.iterdir() if path.is_dir() or path.suffix == ".py"}
    there -= {"__init__", "__main__", "__pycache__", "py"}
    assert there == set(rooms()) | {name for name in FRONT_DOORS if _exists(name)}
    assert all(_files_of(room) for room in rooms())


@pytest.mark.parametrize("room", rooms())
def test_a_room_reads_no_clock_no_environment_and_draws_no_unseeded_numbers(room: str) -> None:
    banned = re.compile(
        r"os\.environ|getenv|datetime\.now|date\.today|time\.time\(|default_rng\(\)|import random\b|os\.urandom"
    )
    guilty = [
        str(path.relative_to(SOURCE)) for path in _files_of(room) if banned.search(path.read_text("utf-8"))
    ]
    assert guilty == []


def test_the_hooks_before_a_commit_ask_what_make_check_asks_and_fetch_nothing() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    asked = re.findall(r"entry: \.venv/bin/(\S+(?: check| format)?)", hooks)
    assert asked == ["ruff check", "ruff format", "lint-imports"]
    assert re.findall(r"- repo: (.+)", hooks) == ["local"]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert all(f"$(BIN)/{command}" in makefile for command in asked)

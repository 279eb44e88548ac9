"""Run the tests that a change touches, nearest first, within a time budget: `make quick`.

Changed is what git calls so, against HEAD, and what it does not track yet. A test module is touched when it reaches a
changed module along imports, names a changed file, or reads the source as text. What the budget leaves out is said by
name: this is a first answer, and `make test` is the whole one.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
REMEMBERED = ROOT / ".cache" / "quick.json"
BESIDE = ("tests", "studies", "benchmarks", "tools")
SOURCE = "src"
# Names too common to say which file a test reads.
TOO_COMMON = {SOURCE, "dokja", "tests", "__init__.py"}
OF_EVERYTHING = re.compile(r"pyproject\.toml|requirements/.*|tests/conftest\.py|tests/__init__\.py")
READS_THE_SOURCE, NAMES_THE_FILE = 2, 1
LEAST_SECONDS = 2.0


@dataclass(frozen=True)
class House:
    """What imports what, and what every module's text names.

    Args:
        imports: Module to the modules it imports; tests, studies and tools among them.
        names: Module beside the source to the strings in its text.
        files: Module to its file, from the root.
    """

    imports: Mapping[str, frozenset[str]]
    names: Mapping[str, frozenset[str]]
    files: Mapping[str, str]
    _reached: dict[str, dict[str, int]] = field(default_factory=dict, repr=False, compare=False)

    def tests(self) -> Iterator[str]:
        """The modules that hold tests."""
        return (name for name in self.files if name.rsplit(".", 1)[-1].startswith("test_"))

    def reached(self, test: str) -> dict[str, int]:
        """Return every module a test reaches, with how many imports away it is."""
        if test in self._reached:
            return self._reached[test]
        steps, edge = {test: 0}, {test}
        while edge:
            edge = {inner for module in edge for inner in self.imports.get(module, ())} - steps.keys()
            steps |= dict.fromkeys(edge, max(steps.values()) + 1)
        self._reached[test] = steps
        return steps


def read_house(root: Path = ROOT) -> House:
    """Return the house as it stands: the import graph of the source, and what the rest of the checkout imports."""
    cache = root / ".cache" / "grimp"
    cache.mkdir(parents=True, exist_ok=True)
    graph = grimp.build_graph("dokja", cache_dir=str(cache))
    imports = {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}
    files: dict[str, str] = {}
    for module in imports:
        place = root / SOURCE / Path(*module.split("."))
        path = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        files[module] = str(path.relative_to(root))
        # Commands are imported when they are called, by their dotted name.
        imports[module] |= set(re.findall(r'"(dokja(?:\.\w+)+)"', path.read_text("utf-8"))) & set(imports)
    names: dict[str, frozenset[str]] = {}
    beside = {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for folder in BESIDE
        for path in sorted((root / folder).rglob("*.py"))
    }
    for module, path in beside.items():
        tree = ast.parse(path.read_text("utf-8"))
        files[module] = str(path.relative_to(root))
        names[module] = frozenset(_strings(tree))
        known = imports.keys() | beside.keys()
        imports[module] = set(_imported(tree)) & known
        if "dokja" in names[module] and "-m" in names[module]:
            imports[module].add("dokja.__main__")
        if path.name.startswith("test_"):
            imports[module] |= set(_conftests_used(module, tree, beside))
    return House({module: frozenset(inner) for module, inner in imports.items()}, names, files)


def _conftests_used(module: str, tree: ast.Module, beside: Mapping[str, Path]) -> Iterator[str]:
    """The conftests above a test module that define a fixture it asks for, or one for everybody."""
    asked = {
        argument.arg for node in ast.walk(tree) if isinstance(node, ast.arguments) for argument in node.args
    }
    parts = module.split(".")
    for length in range(1, len(parts)):
        name = ".".join([*parts[:length], "conftest"])
        if name in beside:
            text = beside[name].read_text("utf-8")
            if "autouse=True" in text or asked & set(re.findall(r"^def (\w+)", text, re.M)):
                yield name


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _strings(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 200:
            yield node.value
            if not node.value.startswith("src/"):
                yield from node.value.split("/")


def touched(house: House, changed: Iterable[str], seconds: Mapping[str, float] | None = None) -> list[str]:
    """Return the test files a change touches, nearest first, quicker and narrower ones before others as near.

    Args:
        house: What imports what.
        changed: Files, from the root.
        seconds: How long test files took when they last ran; an unknown one is taken for a middling one.
    """
    changed, seconds = set(changed), seconds or {}
    modules = {module for module, file in house.files.items() if file in changed}
    data = {file for file in changed if file.startswith("src/") and not file.endswith(".py")}
    packages = {str(Path(file).parent) for file in house.files.values() if file.endswith("__init__.py")}
    of_data = {next((str(up) for up in Path(file).parents if str(up) in packages), "") for file in data}
    modules |= {module for module, file in house.files.items() if str(Path(file).parent) in of_data}
    of_everything = any(OF_EVERYTHING.fullmatch(file) for file in changed)
    source = any(file.startswith("src/") for file in changed)
    wanted = {part for file in changed for part in Path(file).parts if not file.endswith(".py")} - TOO_COMMON
    naming = {module for module, names in house.names.items() if names & wanted}
    found = []
    for test in house.tests():
        reached = house.reached(test)
        steps = [reached[module] for module in modules & reached.keys()]
        steps += [reached[module] + NAMES_THE_FILE for module in naming & reached.keys()]
        steps += [READS_THE_SOURCE] if source and SOURCE in house.names.get(test, ()) else []
        steps += [len(house.imports)] if of_everything else []
        if steps:
            file = house.files[test]
            nearer = max((_mirrors(file, one) for one in changed), default=0)
            found.append((min(steps) - nearer, seconds.get(file, 4.0), len(reached), file))
    return [file for *_, file in sorted(found)]


def _mirrors(test: str, changed: str) -> int:
    """How far a test is named after a file: 1 in the folder of its room, 2 with its name."""
    room, name = Path(changed).parts[-2:] if len(Path(changed).parts) > 1 else ("", changed)
    named = Path(name).stem in Path(test).stem
    return (room in Path(test).parts or "tests" in Path(changed).parts) + named


def changed_files(root: Path = ROOT) -> set[str]:
    """Return the files that differ from HEAD and those git does not track yet, from the root."""
    asked = (["diff", "--name-only", "-z", "HEAD"], ["ls-files", "--others", "--exclude-standard", "-z"])
    told = (subprocess.check_output(["git", *words], cwd=root, text=True) for words in asked)  # noqa: S607
    return {name for answer in told for name in answer.split("\0") if name}


@dataclass(frozen=True)
class Ran:
    """One test module's run: `passed`, `failed`, or `stopped` by the budget."""

    file: str
    how: str
    seconds: float
    output: str = ""


def run_one(file: str, deadline: float) -> Ran | None:
    """Run a test module until the deadline; None when there is no time left to begin."""
    began = time.monotonic()
    if deadline - began < LEAST_SECONDS:
        return None
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "--no-header", "-m", "not all", file]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as running:
        try:
            output, _ = running.communicate(timeout=deadline - began)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            return Ran(file, "stopped", time.monotonic() - began)
    # 5: every test of the module is left to another target.
    how = "passed" if running.returncode in (0, 5) else "failed"
    return Ran(file, how, time.monotonic() - began, output)


def run_all(files: list[str], deadline: float, workers: int) -> tuple[list[Ran], list[str]]:
    """Run test modules side by side, in their order; return what ran and what there was no time for."""
    done: list[Ran] = []
    left: list[str] = []
    with ThreadPoolExecutor(workers) as pool:
        for file, ran in zip(files, pool.map(lambda file: run_one(file, deadline), files), strict=True):
            if ran is None:
                left.append(file)
                continue
            done.append(ran)
            print(f"{ran.how:8} {ran.seconds:5.1f} s  {file}", flush=True)
            if ran.how == "failed":
                print(ran.output, flush=True)
    return done, left


def main() -> int:
    """Run what the change touches and say what was left out; 1 when something failed."""
    began = time.monotonic()
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("files", nargs="*", help="take these for what changed, instead of asking git")
    parser.add_argument("--seconds", type=float, default=20.0, help="the budget")
    parser.add_argument("--list", action="store_true", help="only say which tests, nearest first")
    given = parser.parse_args()
    changed = set(given.files) or changed_files()
    known: dict[str, float] = json.loads(REMEMBERED.read_text("utf-8")) if REMEMBERED.is_file() else {}
    files = touched(read_house(), changed, known)
    if given.list or not files:
        print("\n".join(files) or f"No test reaches what changed ({len(changed)} files).")
        return 0
    done, left = run_all(files, began + given.seconds - 0.5, min(os.cpu_count() or 1, 8))
    REMEMBERED.parent.mkdir(exist_ok=True)
    REMEMBERED.write_text(json.dumps(known | {one.file: round(one.seconds, 1) for one in done}, indent=0))
    left = [*(f"{one.file} (begun, not finished)" for one in done if one.how == "stopped"), *left]
    failed = [one.file for one in done if one.how == "failed"]
    passed = sum(one.how == "passed" for one in done)
    print(f"\n{passed} of {len(files)} test modules passed, {len(failed)} failed.")
    if left:
        print(f"Left for `make test` by the budget of {given.seconds:g} s, {len(left)} modules:")
        print("\n".join(f"  {file}" for file in left))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

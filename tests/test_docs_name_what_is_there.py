"""Whatever a page names is there: commands, options, files, modules, claims and keys of the JSON contract."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from dokja.cli.main import COMMANDS, app
from dokja.lineage.sampling import Depth
from dokja.workflows.compare import Comparison, compare
from tests.fixtures import zoo_models

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SOURCE = ROOT / "src" / "dokja"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```", re.S | re.M)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
FOLDERS = ("src", "tests", "docs", "tools", "benchmarks", "studies", "examples")
# A rulebook or a rehearsal says which claims these are of; they examine nothing.
SAYING_WHAT_A_RULEBOOK_NAMES = {"sensitivity/simulation.py", "demo/stage.py", "finding.py"}


# -- commands and options ---------------------------------------------------------------------------------------


def code_of(page: Path) -> Iterator[str]:
    """Every line of code a page shows and every span of code in its prose; a line that goes on is one."""
    text = page.read_text("utf-8")
    for block in BLOCK.findall(text):
        yield from re.sub(r"\\\n\s*", " ", block).splitlines()
    yield from (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", BLOCK.sub("", text)))


@cache
def options_of(path: tuple[str, ...]) -> frozenset[str]:
    """The options of a command, of the groups above it, and those every command has."""
    context, command, found = click.Context(app), app, set(names_of(app, click.Context(app)))
    for word in path:
        assert isinstance(command, click.Group)
        inner = command.get_command(context, word)
        assert inner is not None
        command, context = inner, click.Context(inner)
        found |= names_of(command, context)
    return frozenset(found)


def names_of(command: click.Command, context: click.Context) -> set[str]:
    return {name for option in command.get_params(context) for name in (*option.opts, *option.secondary_opts)}


def command_in(words: list[str]) -> tuple[str, ...] | None:
    """The command that words begin with; None when there is no such command."""
    path: list[str] = []
    command: click.Command | None = app
    for word in words:
        if not isinstance(command, click.Group) or not re.fullmatch(r"[a-z][a-z-]*", word):
            break
        command = command.get_command(click.Context(app), word)
        if command is None:
            return None
        path.append(word)
    return tuple(path)


def every_option() -> frozenset[str]:
    found: set[str] = set()
    for name in COMMANDS:
        found |= options_of((name,))
        command = app.get_command(click.Context(app), name)
        if isinstance(command, click.Group):
            for inner in command.list_commands(click.Context(command)):
                found |= options_of((name, inner))
    return frozenset(found)


def options_of_script(line: str) -> str:
    """The text of the script that a line runs, or of the program's settings; empty when it is none of ours."""
    script = re.search(r"(?:^|\s)((?:benchmarks|studies|tools)/[\w/]+\.py)", line)
    return (ROOT / script[1]).read_text("utf-8") if script else ""


def not_there(line: str) -> list[str]:
    """The commands and options a line of code names that do not exist."""
    dokja = re.match(r"(?:\$ )?(?:time )?dokja (.*)", line)
    wanted = OPTION.findall(line)
    if dokja is None:
        if re.match(r"(\S*/)?(python|pytest|make|pip|uv|git|pre-commit|modeldna)\b", line):
            text = options_of_script(line)
            return [name for name in wanted if text and name not in text]
        words = line.split()
        path = command_in(words[:2]) if words and words[0] in COMMANDS else None
        known = options_of(path) if path else every_option()
        return [name for name in wanted if name not in known]
    path = command_in(dokja[1].split())
    if path is None:
        return [line]
    return [name for name in wanted if name not in options_of(path)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_and_option_a_page_names_exists(page: Path) -> None:
    assert [(line, gone) for line in code_of(page) if (gone := not_there(line))] == []


@pytest.mark.parametrize(
    "line",
    ["dokja audit MODEL", "dokja compare A B --deep", "compare --full", "--colour", "$ dokja stage opne"],
)
def test_what_is_not_there_is_noticed(line: str) -> None:
    assert not_there(line)


# -- files and modules ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_and_module_a_page_names_exists(page: Path) -> None:
    spans = set(code_of(page))
    files = {
        span.split("::")[0] for span in spans if re.fullmatch(rf"({'|'.join(FOLDERS)})/[\w./:*-]+", span)
    }
    modules = {span for span in spans if re.fullmatch(r"dokja(\.\w+)+", span)}
    gone = [file for file in sorted(files) if not [*ROOT.glob(file.rstrip("/"))]]
    gone += [module for module in sorted(modules) if not module_is_there(module)]
    assert gone == []


def module_is_there(name: str) -> bool:
    """Whether a dotted name is a package, a module, or something a module defines."""
    *above, last = name.split(".")[1:]
    place = SOURCE.joinpath(*above)
    if (place / last).is_dir() or (place / f"{last}.py").is_file():
        return True
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    return (
        file.is_file()
        and re.search(rf"^(class|def) {last}\b|^{last}\b|\b{last},", file.read_text(), re.M) is not None
    )


# -- claims -----------------------------------------------------------------------------------------------------


def claims_examined() -> dict[str, set[str]]:
    """Claim to the files that give a finding on it, found by reading what every `Claim(…)` is made of."""
    found: dict[str, set[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        tree, file = ast.parse(path.read_text("utf-8")), str(path.relative_to(SOURCE))
        made = [
            node.args[0] if node.args else next(k.value for k in node.keywords if k.arg == "name")
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Claim"
        ]
        names = {claim for argument in made for claim in strings_behind(argument, tree)}
        assert not made or names or file in SAYING_WHAT_A_RULEBOOK_NAMES, f"{file}: of what claim is this?"
        for name in names:
            found.setdefault(name, set()).add(file)
    return found


def strings_behind(value: ast.expr, tree: ast.Module, seen: frozenset[str] = frozenset()) -> set[str]:
    """The strings an expression can be, as far as assignments in its module tell."""
    if isinstance(value, ast.Constant):
        return {value.value} if isinstance(value.value, str) else set()
    if isinstance(value, ast.IfExp):
        return strings_behind(value.body, tree, seen) | strings_behind(value.orelse, tree, seen)
    if not isinstance(value, ast.Name) or value.id in seen:
        return set()
    return {
        string
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        for given in assigned(target, node.value, value.id)
        for string in strings_behind(given, tree, seen | {value.id})
    }


def assigned(target: ast.expr, value: ast.expr, name: str) -> Iterator[ast.expr]:
    if isinstance(target, ast.Name) and target.id == name:
        yield value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, given in zip(target.elts, value.elts, strict=True):
            yield from assigned(one, given, name)


def claims_documented() -> set[str]:
    page = (DOCS / "reference" / "claims.md").read_text("utf-8")
    return set(re.findall(r"^\| `([a-z_.]+)`", page, re.M))


def test_the_table_of_claims_has_every_claim_an_examiner_gives_and_no_other() -> None:
    assert claims_documented() == set(claims_examined())


def test_every_claim_a_rulebook_shipped_here_reads_is_on_the_page_of_claims() -> None:
    page = (DOCS / "reference" / "claims.md").read_text("utf-8")
    read = {
        claim
        for rulebook in (ROOT / "examples").rglob("*.toml")
        for claims in re.findall(r"^claims\s*=\s*\[([^\]]*)\]", rulebook.read_text("utf-8"), re.M)
        for claim in re.findall(r'"([^"]+)"', claims)
    }
    assert read
    assert [claim for claim in sorted(read) if f"`{claim}`" not in page] == []


# -- keys of the comparison -------------------------------------------------------------------------------------


def keys_of(value: object) -> set[str]:
    if isinstance(value, dict):
        return {str(key) for key in value} | {key for inner in value.values() for key in keys_of(inner)}
    return {key for inner in value for key in keys_of(inner)} if isinstance(value, list) else set()


def test_every_extra_key_of_compare_that_the_method_page_names_is_given() -> None:
    page = (DOCS / "methods" / "lineage-exact.md").read_text("utf-8")
    section = page[page.index("## Extra keys of `dokja compare --json`") :].split("\n## ")[0]
    named = {span for span in re.findall(r"`([^`]+)`", section) if re.fullmatch(r"[a-z_]+", span)}
    depth: Depth = "full"
    result = compare(
        Comparison(str(zoo_models.path("V1_ft")), (str(zoo_models.path("V1")),), depth, owners=("Lab V",))
    )
    assert "said" in named
    assert sorted(named - keys_of(result)) == []

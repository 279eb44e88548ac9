"""Documentation is an invariant: what exists is documented, what is documented exists."""

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from dokja.cli.main import COMMANDS, app

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
_spec = importlib.util.spec_from_file_location("reference", ROOT / "tools" / "reference.py")
assert _spec is not None
assert _spec.loader is not None
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])


def every_command() -> list[str]:
    names = []
    for name in COMMANDS:
        command = app.get_command(click.Context(app), name)
        names.append(name)
        if isinstance(command, click.Group):
            names.extend(f"{name} {inner}" for inner in command.list_commands(click.Context(command)))
    return names


def test_the_reference_of_commands_and_errors_is_what_the_program_says() -> None:
    stale = [
        name
        for name, text in reference.pages().items()
        if (DOCS / "reference" / name).read_text("utf-8") != text
    ]
    assert stale == [], "run: python tools/reference.py"


def test_every_command_and_option_explains_itself() -> None:
    silent = []
    for path in every_command():
        command: click.Command | None = app
        for word in path.split():
            assert isinstance(command, click.Group)
            command = command.get_command(click.Context(command), word)
        assert command is not None
        silent += [path] if not command.help else []
        silent += [f"{path} {p.name}" for p in command.params if isinstance(p, click.Option) and not p.help]
    assert silent == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", sorted((DOCS / "methods").glob("*.md")), ids=lambda page: page.name)
def test_a_method_says_its_error_rates_and_known_evasions(page: Path) -> None:
    text = page.read_text("utf-8").lower()
    assert "error rate" in text or "error rates" in text
    assert "evasion" in text


@pytest.mark.parametrize("page", sorted((DOCS / "decisions").glob("*.md")), ids=lambda page: page.name)
def test_a_decision_has_context_choice_and_consequences(page: Path) -> None:
    text = page.read_text("utf-8")
    assert all(f"## {part}" in text for part in ("Context", "Choice", "Consequences"))
    assert len(text.splitlines()) <= 90, "one short page"


def test_the_map_in_the_readme_is_the_house_on_disk() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    rooms = [
        folder.name for folder in (ROOT / "src" / "dokja").iterdir() if (folder / "__init__.py").exists()
    ]
    assert [room for room in rooms if f"{room}/" not in readme] == []


def test_the_glossary_pairs_korean_with_english() -> None:
    rows = re.findall(r"^\|([^|]+)\|([^|]+)\|", (DOCS / "glossary.md").read_text("utf-8"), re.M)[2:]
    assert len(rows) > 30
    assert all(
        re.search("[가-힣]", korean + english) and re.search("[a-z]", korean + english)
        for korean, english in rows
    )


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "```console" in page.read_text("utf-8")], ids=lambda page: page.name
)
def test_every_command_a_page_shows_runs(page: Path) -> None:
    """Commands in ```console blocks run from the checkout; they write under out/ and end with 0, or 1 for a finding."""
    (ROOT / "out").mkdir(exist_ok=True)
    shown = re.findall(
        r"^\$ dokja (.+)$",
        "\n".join(re.findall(r"```console\n(.*?)```", page.read_text("utf-8"), re.S)),
        re.M,
    )
    assert shown
    for line in shown:
        ran = subprocess.run(
            [sys.executable, "-m", "dokja", *shlex.split(line)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode in (0, 1), f"dokja {line}\n{ran.stderr}"

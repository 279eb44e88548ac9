"""Official documents: one value, three forms. HTML for the screen, PDF for filing, HWPX for Korean offices.

A `Document` is plain text in blocks; the same blocks become all three forms, so that no form can say more than
another. HWPX is written with `python-hwpx`; PDF is the HTML printed by Chromium, without network.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from dokja.errors import Unavailable
from dokja.report.page import environment, style
from dokja.report.words import Language

_CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PRINT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading inside a document."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph. `strong` sets it apart, e.g. for the words "simulated data"."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table: (n_columns,) header and (n_rows, n_columns) rows of text."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


Block: TypeAlias = Heading | Paragraph | Table


@dataclass(frozen=True, slots=True)
class Document:
    """One official document in one language.

    Args:
        title: What it is, e.g. `평가 결과 통지서`.
        number: Reference number of the office.
        issued: The day, as written.
        issuer: Who issues it.
        addressee: To whom; empty for the public.
        blocks: Its content, in order.
        language: `ko` or `en`.
    """

    title: str
    number: str
    issued: str
    issuer: str
    addressee: str
    blocks: Sequence[Block]
    language: Language = "ko"

    def header_rows(self) -> list[tuple[str, str]]:
        """Return the rows above the text: number, date, addressee."""
        words = {"ko": ("문서번호", "시행일", "수신"), "en": ("Number", "Date", "To")}[self.language]
        rows = zip(words, (self.number, self.issued, self.addressee), strict=True)
        return [(label, value) for label, value in rows if value]


def render_document(document: Document, form: str) -> bytes:
    """Return a document in one of its forms.

    Args:
        document: What it says.
        form: `html`, `pdf` or `hwpx`.

    Raises:
        Unavailable: What the form needs is not installed.
    """
    if form == "hwpx":
        return render_document_hwpx(document)
    html = render_document_html(document)
    return render_pdf(html) if form == "pdf" else html.encode("utf-8")


def render_document_html(document: Document) -> str:
    """Return the document as one self-contained HTML page."""
    blocks = [(type(block).__name__, block) for block in document.blocks]
    template = environment().get_template("document.html.jinja")
    return template.render(document=document, blocks=blocks, style=style())


def render_document_hwpx(document: Document) -> bytes:
    """Return the document as an HWPX file.

    Raises:
        Unavailable: `python-hwpx` is not installed.
    """
    try:
        from hwpx import HwpxDocument
    except ImportError as error:
        raise Unavailable(
            "HWPX documents need the package `python-hwpx`.",
            hint="Install it with: pip install dokja[stage].",
        ) from error
    written = HwpxDocument.new()
    written.add_heading(document.title, 1)
    for label, value in document.header_rows():
        written.add_paragraph(f"{label}  {value}")
    for block in document.blocks:
        if isinstance(block, Heading):
            written.add_heading(block.text, 2)
        elif isinstance(block, Paragraph):
            written.add_paragraph(block.text)
        else:
            _write_table(written, block)
    written.add_paragraph(document.issuer)
    stream = io.BytesIO()
    written.save_to_stream(stream)
    return stream.getvalue()


def _write_table(written: object, block: Table) -> None:
    lines = [list(block.header), *[list(row) for row in block.rows]]
    written.add_paragraph(block.caption)  # type: ignore[attr-defined]  # the package gives no types
    table = written.add_table(len(lines), len(block.header))  # type: ignore[attr-defined]
    for row, line in enumerate(lines):
        for column, text in enumerate(line):
            table.set_cell_text(row, column, text)


def render_pdf(html: str) -> bytes:
    """Return a self-contained page printed to PDF by Chromium, on A4, without network.

    Raises:
        Unavailable: No Chromium is installed, or it did not print within two minutes.
    """
    browser = next((path for name in _CHROMIUM_NAMES if (path := shutil.which(name))), None)
    if browser is None:
        raise Unavailable(
            "PDF documents are printed by Chromium, which is not installed.",
            hint="Run tools/system-packages.",
        )
    with tempfile.TemporaryDirectory() as folder:
        page, printed = Path(folder) / "page.html", Path(folder) / "page.pdf"
        page.write_text(html, encoding="utf-8")
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
        command += ["--disable-background-networking", "--disable-component-update", "--no-pdf-header-footer"]
        command += [f"--user-data-dir={folder}/profile", f"--print-to-pdf={printed}", page.as_uri()]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_PRINT_SECONDS)  # noqa: S603  # fixed words
            return printed.read_bytes()
        except (subprocess.SubprocessError, OSError) as error:
            raise Unavailable(f"Chromium did not print the document: {type(error).__name__}.") from error

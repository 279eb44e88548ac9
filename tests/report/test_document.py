"""A document says the same in HTML, PDF and HWPX, and nothing in it is markup."""

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from dokja.report.document import (
    Document,
    Heading,
    Paragraph,
    Table,
    render_document_html,
    render_document_hwpx,
    render_pdf,
)

LETTER = Document(
    title="평가 결과 통지서",
    number="독자-2026-017",
    issued="2026-01-15",
    issuer="운영기관",
    addressee="가람 팀",
    blocks=[
        Heading("결과"),
        Paragraph("귀 팀은 다음 단계에 진출하지 않습니다.", strong=True),
        Table("영역별 점수", ["영역", "점수"], [["벤치마크", "30.4"], ["전문가", "28.6"]]),
    ],
)


def text_of_hwpx(data: bytes) -> str:
    from hwpx import HwpxDocument

    document = HwpxDocument.open(io.BytesIO(data))
    assert document.validate().ok
    return document.export_text()


def test_html_and_hwpx_say_the_same_words() -> None:
    html, hwpx = render_document_html(LETTER), text_of_hwpx(render_document_hwpx(LETTER))
    for word in (
        "평가 결과 통지서",
        "독자-2026-017",
        "가람 팀",
        "진출하지 않습니다",
        "벤치마크",
        "28.6",
        "운영기관",
    ):
        assert word in html
        assert word in hwpx


def test_chromium_prints_the_korean_words_to_pdf() -> None:
    printed = render_pdf(render_document_html(LETTER))
    assert printed.startswith(b"%PDF-")
    shown = "".join(page.extract_text() for page in PdfReader(io.BytesIO(printed)).pages)
    assert "평가 결과 통지서" in shown
    assert "28.6" in shown


@settings(max_examples=25, deadline=None)
@given(
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40)
)
def test_what_a_person_wrote_is_text_never_markup(words: str) -> None:
    document = Document(
        "제목", "1", "2026-01-15", "운영기관", "", [Paragraph(f"<b>{words}</b>{{{{ 1 + 1 }}}}")]
    )
    html = render_document_html(document)
    assert "<b>" not in html.split("</style>")[1]
    assert "{{ 1 + 1 }}" in html


def test_the_hwpx_file_is_a_package_that_word_processors_know() -> None:
    with zipfile.ZipFile(io.BytesIO(render_document_hwpx(LETTER))) as package:
        assert package.read("mimetype") == b"application/hwp+zip"
        assert "Contents/section0.xml" in package.namelist()


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_document_without_an_addressee_has_no_empty_row(language: str) -> None:
    public = Document("Notice", "7", "2026-01-15", "office", "", [], language=language)  # type: ignore[arg-type]
    assert len(public.header_rows()) == 2

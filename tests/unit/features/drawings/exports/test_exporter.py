"""What is in the files, read by other programs than those that wrote them (D-20, contract 6)."""

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pptx
import pytest
from PIL import Image, ImageFont
from pypdf import PdfReader

from deepmed.features.drawings.explanation.texts import FORBIDDEN_WORDS
from deepmed.features.drawings.exports import png
from deepmed.features.drawings.exports.content import ExportContent
from deepmed.features.drawings.exports.exporter import VisualizationExporter
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ValidationError
from deepmed.web.paper.fonts import font_for

from .conftest import HOSTILE, Gather

CONTRACTS_COLUMNS = [
    "analysis_id",
    "drawing_id",
    "filename",
    "age_years",
    "subject",
    "anomaly_score",
    "normalized_score",
    "is_anomaly",
    "confidence",
    "analysis_timestamp",
    "explanation_text",
]


def written(content: ExportContent) -> bytes:
    return VisualizationExporter().export(content).content


def table(content: ExportContent) -> dict[str, str]:
    rows = list(csv.DictReader(io.StringIO(written(content).decode(), newline="")))
    assert len(rows) == 1
    return rows[0]


def pages(content: bytes) -> str:
    return " ".join(
        " ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split()
    )


def slides(content: bytes) -> str:
    deck = pptx.Presentation(io.BytesIO(content))
    shapes = [shape for slide in deck.slides for shape in slide.shapes]
    return " ".join(shape.text_frame.text for shape in shapes if shape.has_text_frame)


class Tags(HTMLParser):
    """Which tags and addresses a page has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: set[str] = set()
        self.handlers: set[str] = set()
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in {"href", "src", "action"}:
                self.addresses.add((value or "")[:10])
            if name.startswith("on"):
                self.handlers.add(name)

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.mark.req("D-20.1")
def test_a_table_has_the_contracts_columns_and_one_row(gather: Gather) -> None:
    content = gather("csv")
    row, analysis = table(content), content.explanation.analysis
    assert list(row)[: len(CONTRACTS_COLUMNS)] == CONTRACTS_COLUMNS
    assert float(row["anomaly_score"]) == analysis.anomaly_score
    assert float(row["normalized_score"]) == analysis.normalized_score
    assert HOSTILE in row["annotations"]


@pytest.mark.req("S-27.1")
def test_no_cell_is_a_formula(gather: Gather) -> None:
    content = gather("csv")
    content.explanation.drawing.subject = "=HYPERLINK(1)"
    for value in table(content).values():
        assert not value.startswith(("=", "+", "@", "\t"))


@pytest.mark.req("D-20.1")
def test_an_object_has_the_contracts_names(gather: Gather) -> None:
    content = gather("json")
    found = json.loads(written(content))
    for name in ("analysis_id", "drawing_id", "drawing_filename", "is_anomaly", "confidence"):
        assert name in found
    regions = json.loads(found["interpretability"]["importance_regions"])
    assert regions == content.explanation.regions
    assert found["annotations"][0]["annotation_text"] == HOSTILE
    assert len(found["comparison_examples"]) == 3
    assert found["export_metadata"]["export_options"]["include_annotations"] is True


@pytest.mark.req("D-20.1")
@pytest.mark.req("S-27.1")
def test_a_page_needs_no_script_and_no_network_and_escapes_everything(gather: Gather) -> None:
    text = written(gather("html")).decode()
    page = Tags(text)
    assert "script" not in page.tags
    assert page.handlers == set()
    assert {address for address in page.addresses if not address.startswith("#")} == {"data:image"}
    assert {"svg", "rect", "image"} <= page.tags
    assert HOSTILE in page.words
    assert "default-src 'none'" in text
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)


@pytest.mark.req("D-20.1")
def test_a_pdf_says_what_the_page_says(gather: Gather) -> None:
    content = gather("pdf")
    said = pages(written(content))
    assert content.title in said
    for sentence in content.sentences:
        assert " ".join(sentence.split()) in said
    assert HOSTILE in said
    reader = PdfReader(io.BytesIO(written(content)))
    pictures = [picture for page in reader.pages for picture in page.images]
    assert len(pictures) >= 2 + len(content.comparisons)


@pytest.mark.parametrize("size", ["A4", "Letter", "Legal"])
def test_a_pdf_has_the_wanted_page(gather: Gather, size: str) -> None:
    box = PdfReader(io.BytesIO(written(gather("pdf", {"page_size": size})))).pages[0].mediabox
    expected = {"A4": (595, 842), "Letter": (612, 792), "Legal": (612, 1008)}[size]
    assert (round(float(box.width)), round(float(box.height))) == expected


@pytest.mark.req("D-20.1")
def test_slides_hold_pictures_and_words_and_name_no_other_author(gather: Gather) -> None:
    content = gather("pptx")
    deck = pptx.Presentation(io.BytesIO(written(content)))
    shapes = [shape for slide in deck.slides for shape in slide.shapes]
    assert sum(shape.shape_type == 13 for shape in shapes) == 2 + len(content.comparisons)
    assert (deck.core_properties.author, deck.core_properties.title) == ("DeepMed", content.title)
    assert HOSTILE in slides(written(content))
    wide, high = deck.slide_width, deck.slide_height
    for shape in shapes:
        assert shape.left + shape.width <= wide
        assert shape.top <= high


@pytest.mark.req("D-20.1")
@pytest.mark.req("D-30.1")
def test_a_picture_shows_both_and_carries_nothing_hidden(gather: Gather) -> None:
    content = gather("png")
    data = written(content)
    image = Image.open(io.BytesIO(data))
    assert image.width >= 2 * content.picture.shape[1] + 40
    assert image.height >= 400
    assert image.info == {}
    chunks = re.findall(rb"(tEXt|iTXt|zTXt|eXIf|tIME)", data[:200])
    assert chunks == []


@pytest.mark.req("D-20.1")
@pytest.mark.parametrize("form", ["csv", "json", "html", "pdf", "pptx"])
def test_flags_leave_out_what_is_not_wanted(gather: Gather, form: str) -> None:
    def said(content: ExportContent) -> str:
        data = written(content)
        readers: dict[str, Any] = {"pdf": pages, "pptx": slides}
        text: str = readers.get(form, bytes.decode)(data)
        return text

    everything = said(gather(form))
    assert "1+1" in everything
    assert "1+1" not in said(gather(form, annotations=False))
    likeness = "similarity" if form != "json" else "similarity_score"
    without = said(gather(form, comparisons=False))
    assert everything.count(likeness) > without.count(likeness)
    plain = said(gather(form, simplified=True))
    assert plain != everything
    for number in ("p_value", "Numbers of this answer"):
        assert number not in plain


@pytest.mark.parametrize(
    ("option", "word"),
    [
        ("include_metadata", "drawing.png"),
        ("include_saliency", "What raises its score (faithfulness"),
        ("include_confidence", "How settled the decision is"),
    ],
)
def test_options_leave_out_their_part(gather: Gather, option: str, word: str) -> None:
    assert word in written(gather("html")).decode()
    assert word not in written(gather("html", {option: False})).decode()


def test_pictures_are_as_large_as_wanted_and_never_enlarged(gather: Gather) -> None:
    assert gather("png").picture.shape == gather("png", {"resolution": "print"}).picture.shape


@pytest.mark.req("D-28.1")
@pytest.mark.parametrize("simplified", [False, True])
def test_no_file_has_a_forbidden_word(gather: Gather, *, simplified: bool) -> None:
    content = gather("html", simplified=simplified)
    text = Tags(written(content).decode()).words.lower()
    text = text.replace("it is no diagnosis and no test of a child", "")
    assert [word for word in FORBIDDEN_WORDS if f" {word}" in text] == []


def test_an_unknown_format_is_refused(gather: Gather) -> None:
    with pytest.raises(ValidationError, match="docx"):
        written(gather("docx"))


def test_a_set_of_overlays_comes_with_its_values(gather: Gather, opened: Workbench) -> None:
    files = VisualizationExporter().export_visualization_set(gather("png"), opened.storage)
    assert set(files) == {
        "heatmap.png",
        "contour.png",
        "masked.png",
        "side_by_side.png",
        "map.json",
    }
    assert json.loads(files["map.json"])["method"] == "two_sided_occlusion"


def test_a_picture_of_many_notes_says_how_many_it_leaves_out(gather: Gather) -> None:
    content = gather("png")
    many = replace(content, annotations=[dict(content.annotations[0])] * 500)
    shown = Image.open(io.BytesIO(written(many)))
    assert shown.height < 4000
    assert png._notes(many)[-1] == "480 more notes are in the other formats."
    assert "\n" not in "".join(png._notes(many))


@pytest.mark.parametrize("text", ["W" * 500, "a " * 250, "iiii WWWW " * 50, "word"])
def test_no_line_of_a_picture_is_wider_than_its_page(text: str) -> None:
    font = font_for([text])
    letters = ImageFont.truetype(font.path, 20)
    lines = png._wrapped(text, font, 20, 400)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert max(map(letters.getlength, lines)) <= 400

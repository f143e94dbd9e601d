"""A run's report: it opens, and its figures are the stored ones."""

import io
import json
import re
from html.parser import HTMLParser

import pytest
from pypdf import PdfReader

from deepmed.core.home import Home
from deepmed.features.xray.report import checked, gathering, html, pdf
from deepmed.features.xray.report.content import Report
from deepmed.features.xray.report.rendering import run_report
from deepmed.features.xray.report.words import in_words
from deepmed.features.xray.runs import artifact, standing
from deepmed.features.xray.runs.database_operations import DBOperationsUtils
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.runs.verify import Check
from deepmed.kit.errors import ConflictError, NotFoundError
from deepmed.web.formats import NOTHING
from factories.xray import small


@pytest.fixture(scope="module")
def report(reported: Home) -> Report:
    return gathering.report_of(StoredRun.of(reported, 1))


@pytest.fixture(scope="module")
def printed(report: Report) -> str:
    """The text of all pages as one line."""
    pages = PdfReader(io.BytesIO(pdf.write(report))).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def expected(name: str, figure: dict[str, float], half: dict[str, float] | None) -> str:
    """How a row of the table of figures reads, counted from what is stored."""
    interval = f"{figure['low']:.4f} to {figure['high']:.4f} (95 %)"
    at_half = NOTHING if half is None else f"{half['estimate']:.4f}"
    return (
        f"{in_words(name)} {figure['estimate']:.4f} {interval} {figure['sample_size']} "
        f"{figure['n_items']} {at_half}"
    )


@pytest.mark.req("X-19.1")
def test_the_figures_of_the_pdf_are_the_stored_ones(reported: Home, printed: str) -> None:
    evaluation = json.loads(StoredRun.of(reported, 1).file(artifact.EVALUATION))
    decided = {"sensitivity", "specificity", "ppv", "npv", "accuracy", "balanced_accuracy", "f1"}
    decided |= {"ppv_at_prevalence", "npv_at_prevalence"}
    compared = 0
    for part in ("test", "validation"):
        half = evaluation[part]["at_half"]["figures"]
        for name, figure in evaluation[part]["report"]["figures"].items():
            if figure["low"] is None or (name in decided and half[name]["estimate"] is None):
                continue
            row = expected(name, figure, half[name] if name in decided else None)
            assert row in printed, row
            compared += 1
    assert compared >= 20
    for count in evaluation["test"]["report"]["confusion"].values():
        if isinstance(count, int):
            assert re.search(rf"\b{count}\b", printed)


@pytest.mark.req("X-19.1")
def test_the_report_says_what_was_checked_and_what_was_not(reported: Home, printed: str) -> None:
    run = StoredRun.of(reported, 1)
    assert "The signature of the artefact" in printed
    assert "were counted again from the stored predictions" in printed
    assert f"deepmed verify {run.artifact.uid} --rescore" in printed
    assert "No image was scored again" in printed


def test_a_figure_that_does_not_come_out_again_is_named(
    reported: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = [Check("test.report.auroc", 0.9, 0.8), Check("threshold", 0.5, 0.5)]
    monkeypatch.setattr(checked, "count_again", lambda *_: checks)
    said = " ".join(checked.what_was_checked(StoredRun.of(reported, 1)))
    assert "1 of 2" in said
    assert "do NOT come out again" in said
    assert "test.report.auroc" in said


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.loaded: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words += data.split()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "link", "iframe", "form"}:
            self.loaded.append(tag)
        self.loaded += [
            v for k, v in attrs if k in {"src", "href"} and not str(v).startswith("data:")
        ]


@pytest.mark.req("X-19.1")
def test_the_page_has_the_same_figures_and_needs_nothing_else(
    reported: Home, report: Report
) -> None:
    reader = _Reader()
    page = html.write(report).decode()
    reader.feed(page)
    assert reader.loaded == []
    text = " ".join(reader.words)
    figures = StoredRun.of(reported, 1).evaluation["test"]["report"]["figures"]
    for name in ("auroc", "brier"):
        assert expected(name, figures[name], None) in text
    assert "Run 1: first <run>" in text
    assert "first &lt;run&gt;" in page


def test_the_report_says_what_crosses_a_published_split_and_what_was_done_to_it() -> None:
    rows = [["a", "d1", 0, "p-1"], ["b", "d2", 1, "i-2"]]
    split = {"parts": {"test": rows}, "audit": {"crossing": [{}], "notes": ["Carved."]}}
    crossing, carved = standing.warnings(split)
    assert "in more than one part of the published split: 1. Figures may be too good." in crossing
    assert carved == "Carved."
    split["audit"] = {"crossing": []}
    assert standing.who_stands_where(split).startswith("Patients known: of 1 of 2 images. Each")
    split["parts"] = {"test": rows[:1]}
    assert standing.who_stands_where(split) == "Each patient stands in one part alone."
    assert list(standing.warnings(split)) == []


def test_no_patient_and_no_file_is_named(reported: Home, report: Report, printed: str) -> None:
    page = html.write(report).decode()
    for part in StoredRun.of(reported, 1).predictions.values():
        for one in part:
            assert one["patient"] not in page
            assert one["patient"] not in printed
            assert one["image"] not in page


@pytest.mark.parametrize("number", [4, 6])
def test_several_classes_and_a_missing_test_part_are_reported_too(
    reported: Home, number: int
) -> None:
    pages = PdfReader(io.BytesIO(run_report(reported, number, "pdf"))).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert ("There are no figures of a test part" in text) == (number == 6)
    assert "No clinical meaning is given" in text
    several = number == 4
    assert ("Figures of several classes were not counted again" in text) == several
    assert ("Estimates, counts, threshold and split were counted again" in text) != several
    assert ("Each patient stands in one part alone." in text) != several
    assert ("Patients known: of 0 of 36 images." in text) == several


def test_there_is_no_report_of_an_unfinished_run_or_anothers(reported: Home) -> None:
    number = DBOperationsUtils(reported).create_training_run("x", "unfinished", small().resolved)
    with pytest.raises(ConflictError, match="not completed"):
        run_report(reported, number, "html")
    with pytest.raises(NotFoundError):
        run_report(reported.for_owner(999), 1, "pdf")

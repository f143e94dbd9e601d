import io
from datetime import UTC, datetime

import pytest
from pypdf import PdfReader

from deepmed.features.drawings.training.config import TrainingConfig
from deepmed.features.drawings.training.errors import TrainingReportError
from deepmed.features.drawings.training.fitting import calibrated, fit
from deepmed.features.drawings.training.preparing import TrainingData
from deepmed.features.drawings.training.reports.charts import charts
from deepmed.features.drawings.training.reports.document import TrainingReportDocument
from deepmed.features.drawings.training.reports.generator import TrainingReportGenerator
from factories.page import Page

pytestmark = pytest.mark.req("D-12.1")

HOSTILE = "<script>alert(1)</script> & naïve Ж"


@pytest.fixture(scope="module")
def report(data: TrainingData) -> TrainingReportDocument:
    fitted = fit(TrainingConfig(epochs=5, job_name=HOSTILE), data)
    return TrainingReportGenerator().generate_comprehensive_report(
        fitted, calibrated(fitted, data), data
    )


def render(report: TrainingReportDocument, form: str) -> bytes:
    return TrainingReportGenerator().render(report, form)


def test_html_has_every_chart_with_its_rows_and_no_script(report: TrainingReportDocument) -> None:
    text = render(report, "html").decode()
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    titles = [chart.title for chart in charts(report)]
    for words in ("Loss by epoch", "fitted", "watched", "calibrate", "labelled", "network"):
        assert any(words in title for title in titles), words
    assert any(title.startswith("Calibration") for title in titles)
    page = Page(text)
    assert len(page.tables) >= len(titles) + 2


def test_pdf_shows_the_same_figures_and_charts(report: TrainingReportDocument) -> None:
    reader = PdfReader(io.BytesIO(render(report, "pdf")))
    text = " ".join(page.extract_text() for page in reader.pages)
    text = " ".join(text.split())
    for words in ("alert(1)", "Final loss", "Calibration: ranks", "bottleneck", "batch_size"):
        assert words in text
    assert f"{report.metrics.final_loss:.4g}" in text
    assert reader.metadata is not None
    assert reader.metadata.author == "DeepMed"


def test_json_is_what_is_stored_and_reads_back(report: TrainingReportDocument) -> None:
    assert TrainingReportDocument.read(render(report, "json")) == report


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"format": 2}', b"\xff"])
def test_what_was_not_written_here_is_not_read(content: bytes) -> None:
    with pytest.raises(TrainingReportError):
        TrainingReportDocument.read(content)


@pytest.mark.req("S-27.1")
def test_csv_has_a_row_an_epoch_and_no_formula(report: TrainingReportDocument) -> None:
    lines = render(report, "csv").decode().splitlines()
    assert lines[0] == "epoch,train_loss,val_loss,learning_rate"
    assert len(lines) == 1 + report.metrics.epochs_run


def test_a_report_says_when_it_was_made(report: TrainingReportDocument) -> None:
    moved = report.model_copy(update={"made_at": datetime(2031, 4, 5, 6, 7, tzinfo=UTC)})
    assert "2031-04-05 06:07 UTC" in render(moved, "html").decode()


def test_a_chart_of_another_shape_is_told(
    report: TrainingReportDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from markupsafe import Markup

    from deepmed.features.drawings.training.errors import VisualizationError
    from deepmed.features.drawings.training.reports import pdf

    odd = Markup('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0"/></svg>')
    monkeypatch.setattr(pdf, "charts", lambda _: [replace(charts(report)[0], svg=odd)])
    with pytest.raises(VisualizationError, match="path"):
        render(report, "pdf")

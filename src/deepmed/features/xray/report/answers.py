"""What the routes of reports answer."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from fastapi import Response, UploadFile

from deepmed.core.home import Home
from deepmed.features.xray.report.comparison import compare_runs
from deepmed.features.xray.report.content import Report
from deepmed.features.xray.report.rendering import MEDIA_TYPES, Form, name_of, run_report
from deepmed.features.xray.report.schemas import BatchReport, RunComparison, SingleReport
from deepmed.kit import clock
from deepmed.kit.http.attachments import attachment

PDF = MEDIA_TYPES["pdf"]


def report(home: Home, run_id: int, form: Form) -> Response:
    return _file(run_report(home, run_id, form), name_of(run_id, form), MEDIA_TYPES[form])


def comparison(home: Home, run_ids: Sequence[int]) -> RunComparison:
    return RunComparison.model_validate(compare_runs(home, run_ids))


def single(home: Home, body: SingleReport) -> Response:
    from deepmed.features.xray.report.given import single_report  # noqa: PLC0415 - reportlab

    return _printed(single_report(home, body), f"pneumonia_report_{_now()}")


def batch(home: Home, body: BatchReport, *, pictures: bool) -> Response:
    from deepmed.features.xray.report.given import batch_report  # noqa: PLC0415 - likewise

    made = batch_report(home, body, pictures=pictures)
    return _printed(made, f"batch_analysis_report_{_now()}")


def image(home: Home, file: UploadFile, *, heatmap: bool, clinical: bool) -> Response:
    from deepmed.features.xray.inference.service import XrayInference  # noqa: PLC0415 - slow
    from deepmed.features.xray.report.asked import image_report  # noqa: PLC0415 - likewise
    from deepmed.features.xray.report.received import image_of  # noqa: PLC0415 - likewise

    sent = image_of(file, home.settings)
    made = image_report(XrayInference.of(home), sent, heatmap=heatmap, clinical=clinical)
    return _printed(made, f"xray_report_{_stem(sent[0])}")


def batch_summary(home: Home, results_json: str, summary_json: str) -> Response:
    from deepmed.features.xray.report.given import batch_report  # noqa: PLC0415 - likewise
    from deepmed.features.xray.report.received import batch_of  # noqa: PLC0415 - likewise

    body = batch_of(results_json, summary_json)
    return _printed(batch_report(home, body, pictures=False), "batch_analysis_report")


def batch_with_images(
    home: Home,
    files: Sequence[UploadFile],
    results_json: str,
    summary_json: str,
    *,
    heatmaps: bool,
    most: int,
) -> Response:
    from deepmed.features.xray.inference.service import XrayInference  # noqa: PLC0415 - likewise
    from deepmed.features.xray.report.asked import asked_again  # noqa: PLC0415 - likewise
    from deepmed.features.xray.report.given import batch_report  # noqa: PLC0415 - likewise
    from deepmed.features.xray.report.received import batch_of, first_images  # noqa: PLC0415 - likewise

    body = batch_of(results_json, summary_json)
    sent = first_images(files, most, home.settings)
    beside, checked = asked_again(XrayInference.of(home), sent, body.results, heatmaps=heatmaps)
    if len(files) > len(sent):
        checked = [*checked, f"{len(files) - len(sent)} further images were not looked at."]
    made = batch_report(home, body, pictures=False, beside=beside, checked=checked)
    return _printed(made, "batch_analysis_report_with_appendix")


def _printed(made: Report, name: str) -> Response:
    from deepmed.features.xray.report import pdf  # noqa: PLC0415 - reportlab

    return _file(pdf.write(made), f"{name}.pdf", PDF)


def _file(content: bytes, name: str, kind: str) -> Response:
    return Response(content, media_type=kind, headers=attachment(name, "no-store"))


def _now() -> str:
    return f"{clock.now():%Y%m%d_%H%M%S}"


def _stem(name: str) -> str:
    """What of a name may stand in a header."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", PurePosixPath(name).stem)[:80].strip("._") or "image"

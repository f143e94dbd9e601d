"""A run's report as a file."""

from typing import Literal

from deepmed.core.home import Home
from deepmed.features.xray.runs.reading import StoredRun

Form = Literal["pdf", "html"]
MEDIA_TYPES: dict[Form, str] = {"pdf": "application/pdf", "html": "text/html; charset=utf-8"}


def run_report(home: Home, run_id: int, form: Form) -> bytes:
    """The report of a completed run.

    Raises:
        NotFoundError: there is no such run of this owner.
        ConflictError: it is not completed.
        IntegrityError: its artefact is not what was signed.
    """
    from deepmed.features.xray.report import html, pdf  # noqa: PLC0415 - reportlab
    from deepmed.features.xray.report.gathering import report_of  # noqa: PLC0415 - the evaluation

    content = report_of(StoredRun.of(home, run_id))
    return pdf.write(content) if form == "pdf" else html.write(content)


def name_of(run_id: int, form: Form) -> str:
    return f"run_{run_id}_report.{form}"

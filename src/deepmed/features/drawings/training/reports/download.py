"""A stored report as a file for its owner."""

from deepmed.core.home import Home
from deepmed.features.drawings.tables import TrainingReport
from deepmed.features.drawings.training.reports.document import (
    REPORT_FILE,
    TrainingReportDocument,
)
from deepmed.features.drawings.training.reports.generator import FORMS, TrainingReportGenerator


def document_of(home: Home, row: TrainingReport) -> TrainingReportDocument:
    """The report as it was signed.

    Raises:
        IntegrityError: its file is missing or not what was signed.
    """
    return TrainingReportDocument.read(
        home.registry.load(row.metrics_summary["artifact"])[REPORT_FILE]
    )


def rendered(home: Home, row: TrainingReport, form: str) -> tuple[bytes, str]:
    """The report in one of `FORMS`, and its media type."""
    return TrainingReportGenerator().render(document_of(home, row), form), FORMS[form]

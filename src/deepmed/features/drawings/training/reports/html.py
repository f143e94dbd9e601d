"""The report as one HTML file that needs nothing else: inline SVG, no script."""

from deepmed.features.drawings.report.rendering import template
from deepmed.features.drawings.training.reports.charts import charts
from deepmed.features.drawings.training.reports.content import MEANING, METHOD, figures, tables
from deepmed.features.drawings.training.reports.document import TrainingReportDocument


def render(document: TrainingReportDocument) -> bytes:
    """The page; every text in it is escaped."""
    page = template("deepmed.features.drawings.training", "reports").render(
        title=f"Training report: {document.job_name}",
        made=f"{document.made_at:%Y-%m-%d %H:%M} UTC",
        lead=[METHOD, MEANING],
        figures=figures(document),
        charts=charts(document),
        tables=tables(document),
        notes=document.notes,
        advice=document.advice,
    )
    return page.encode()

"""Many drawings at once: what a search through them may select, and what it selected (D-10)."""

from dataclasses import dataclass
from typing import Any

from deepmed.features.drawings.analysis import overviews
from deepmed.features.drawings.analysis.cohort import Cohort, CohortChild
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.pages.cohort_chart import ranked
from deepmed.features.drawings.tables import AnalysisBatch
from deepmed.web.charts import Chart
from deepmed.web.downloads import as_csv, as_json

SHOWN = 20
SHOWN_CHILDREN = 100
"""Children in the table; the file has all."""
STATES = {"processing": "under way", "completed": "done", "failed": "failed"}
COLUMNS = ("child", "drawings", "flagged drawings", "p", "q", "selected", "why not")


@dataclass(frozen=True)
class Shown:
    """A batch as the list shows it."""

    row: AnalysisBatch
    state: str

    @property
    def done(self) -> bool:
        return self.row.status == "completed"


def listed(desk: Desk) -> dict[str, Any]:
    """The newest batches of more than one drawing."""
    with desk.home.database.read() as session:
        rows = overviews.batches(session, desk.home.owner_id, SHOWN)
    return {"batches": [_shown(row) for row in rows]}


def outlook(desk: Desk) -> dict[str, Any]:
    """What looking at all drawings could select at best."""
    return {"outlook": desk.analyses.outlook()}


def one(desk: Desk, uid: str) -> dict[str, Any]:
    """Raises NotFoundError."""
    with desk.home.database.read() as session:
        row = desk.analyses.tracker.get_batch(session, uid)
    return {"batch": _shown(row)}


def cohort(desk: Desk, uid: str) -> dict[str, Any]:
    """Raises NotFoundError."""
    found = desk.analyses.cohort(uid)
    return {
        "batch": _shown(found.batch),
        "cohort": found,
        "selected": sum(each.selected for each in found.children),
        "children": found.children[:SHOWN_CHILDREN],
        "chart": _chart(found),
    }


def file(desk: Desk, uid: str, form: str) -> str:
    """Every child of the cohort as CSV or JSON. Raises NotFoundError."""
    rows = [_row(each) for each in desk.analyses.cohort(uid).children]
    return as_csv(COLUMNS, rows) if form == "csv" else as_json(COLUMNS, rows)


def _shown(row: AnalysisBatch) -> Shown:
    return Shown(row, STATES.get(row.status, row.status))


def _chart(found: Cohort) -> Chart | None:
    values = [each.p_value for each in found.children if each.p_value is not None]
    return ranked(values, found.outlook["level"]) if values else None


def _row(child: CohortChild) -> tuple[object, ...]:
    return (
        child.code or f"unnamed ({child.id})",
        " ".join(map(str, child.drawing_ids)),
        " ".join(map(str, child.flagged)),
        child.p_value,
        child.q_value,
        child.selected,
        child.reason,
    )

"""Measuring a single map where the encoder is too slow to wait for it (D-17)."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from deepmed.core.home import Home
from deepmed.core.jobs.context import JobContext
from deepmed.core.jobs.kinds import Isolation, JobKind
from deepmed.features.drawings.schemas.fields import ListedId

MEASURE_MAP = "drawings.measure_map"


class MapPayload(BaseModel):
    """Whose map it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    analysis_id: ListedId


def measure_map(home: Home, job: JobContext) -> dict[str, Any]:
    from deepmed.features.drawings.analysis import repository
    from deepmed.features.drawings.explanation.service import ExplanationService
    from deepmed.features.drawings.workbench import Workbench
    from deepmed.kit.errors import NotFoundError

    wanted = MapPayload.model_validate(job.payload)
    bench = Workbench.of(home)
    with bench.database.read() as session:
        row = repository.analysis(session, bench.owner_id, wanted.analysis_id)
    if row is None:
        raise NotFoundError(f"Analysis {wanted.analysis_id} was deleted meanwhile.")
    job.progress(0, 1, "Measuring the map")
    found = ExplanationService(bench).measure_map(row)
    job.progress(1, 1, "Measured")
    return {
        "analysis_id": row.id,
        "method": found.row.method,
        "faithful": found.faithfulness["faithful"],
        "reason": found.faithfulness["reason"],
    }


KINDS = (
    JobKind(
        name=MEASURE_MAP,
        run=measure_map,
        payload=MapPayload,
        isolation=Isolation.PROCESS,
        title=lambda _: "Measure a map",
    ),
)

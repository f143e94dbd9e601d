"""What the demo's routes answer, put together from the services."""

from deepmed.features.drawings.analysis import repository as analyses
from deepmed.features.drawings.demo import repository, samples, texts
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.explanation.service import Explanation
from deepmed.features.drawings.explanation.texts import Reader
from deepmed.features.drawings.models import repository as models
from deepmed.features.drawings.schemas.demo import (
    DemoSample,
    DemoSamples,
    DemoStatistics,
    ProjectInfo,
)
from deepmed.features.drawings.tables import AnomalyAnalysis
from deepmed.kit.errors import ConflictError, NotFoundError
from deepmed.learning.errors import LearningError


def listed(desk: Desk) -> DemoSamples:
    with desk.home.database.read() as session:
        found = samples.samples(session, desk.home.owner_id)
    return DemoSamples(samples=found, reason=None if found else samples.NONE_YET)


def one(desk: Desk, sample_id: int) -> DemoSample:
    """A sample with its explanation, made now where there is none yet.

    Raises:
        NotFoundError: there is no such sample.
    """
    with desk.home.database.read() as session:
        found = repository.one(session, desk.home.owner_id, sample_id)
    if found is None:
        raise NotFoundError(f"There is no sample {sample_id}.")
    row, drawing = found
    explanation, reason = _explained(desk, row)
    if explanation is None:
        return samples.sample(row, drawing, None, no_text=reason)
    text = "\n".join(explanation.text(Reader.EDUCATOR, desk.home.settings))
    return samples.sample(row, drawing, explanation.row, text)


def statistics(desk: Desk) -> DemoStatistics:
    with desk.home.database.read() as session:
        return samples.statistics(samples.samples(session, desk.home.owner_id))


def project(desk: Desk) -> ProjectInfo:
    owner = desk.home.owner_id
    with desk.home.database.read() as session:
        drawings, made = analyses.totals(session, owner)
        active = len(models.active_models(session, owner))
    return texts.project(drawings, active, made, desk.home.settings.encoder)


def _explained(desk: Desk, row: AnomalyAnalysis) -> tuple[Explanation | None, str]:
    try:
        return desk.explanations.explain_analysis(row), ""
    except (ConflictError, NotFoundError, LearningError) as error:
        return None, str(error)

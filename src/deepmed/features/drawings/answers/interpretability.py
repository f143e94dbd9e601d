"""What the routes of explanations answer, put together from the services."""

from deepmed.core.jobs.ledger import JobLedger
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.explanation.jobs import MEASURE_MAP, MapPayload
from deepmed.features.drawings.explanation.methods import MeasuredOn
from deepmed.features.drawings.interpretability import attribution as attributions
from deepmed.features.drawings.interpretability import confidence as confidences
from deepmed.features.drawings.interpretability import interactive as interactions
from deepmed.features.drawings.interpretability import simplified as simplification
from deepmed.features.drawings.interpretability.examples import ExampleFinder
from deepmed.features.drawings.interpretability.loading import ExplanationLoader
from deepmed.features.drawings.schemas.interpretability import (
    AttributionResponse,
    ComparisonExamplesResponse,
    ConfidenceMetricsResponse,
    ExamplePattern,
    InteractiveInterpretabilityResponse,
    MapMeasurement,
    SimplifiedExplanationResponse,
)


def loader(desk: Desk) -> ExplanationLoader:
    return ExplanationLoader(desk.explanations)


def interactive(desk: Desk, analysis_id: int) -> InteractiveInterpretabilityResponse:
    """Raises NotFoundError, also where the answer has no explanation."""
    return interactions.interactive(desk.bench, loader(desk).load(analysis_id))


def measure_map(desk: Desk, ledger: JobLedger, analysis_id: int) -> MapMeasurement:
    """Measure how faithful an answer's own map is, in the background where that takes long.

    Raises:
        NotFoundError: there is no such answer, or it has no explanation.
    """
    found = loader(desk).load(analysis_id)
    if found.row.faithfulness["measured_on"] == MeasuredOn.MAP:
        return MapMeasurement(
            analysis_id=analysis_id, status="measured", job_id=None, progress_url=None
        )
    job = ledger.submit(MEASURE_MAP, MapPayload(analysis_id=analysis_id))
    return MapMeasurement(
        analysis_id=analysis_id,
        status="measuring",
        job_id=job.id,
        progress_url=f"/api/v1/jobs/{job.id}",
    )


def simplified(desk: Desk, analysis_id: int, role: str) -> SimplifiedExplanationResponse:
    """Raises NotFoundError; ConflictError where a text for parents is switched off."""
    known = loader(desk).known(analysis_id)
    return simplification.simplified(known, role, desk.bench.settings)


def confidence(desk: Desk, analysis_id: int) -> ConfidenceMetricsResponse:
    """Raises NotFoundError."""
    return confidences.metrics(loader(desk).known(analysis_id))


def attribution(desk: Desk, analysis_id: int) -> AttributionResponse:
    """Raises NotFoundError."""
    return attributions.attribution(loader(desk).known(analysis_id))


def patterns(desk: Desk, age_group: str | None) -> list[ExamplePattern]:
    return ExampleFinder(desk.bench).patterns(age_group)


def examples(
    desk: Desk, age_group: str, example_type: str, subject: str | None, limit: int
) -> ComparisonExamplesResponse:
    """Raises ValidationError."""
    return ExampleFinder(desk.bench).comparisons(age_group, example_type, subject, limit)

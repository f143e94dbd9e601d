"""What the analysis routes answer, put together from the services."""

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from deepmed.features.drawings.analysis import overviews, repository
from deepmed.features.drawings.analysis.decisions import ANSWERED
from deepmed.features.drawings.analysis.subject_counts import UNSPECIFIED
from deepmed.features.drawings.catalogue import repository as catalogue
from deepmed.features.drawings.comparison import EXAMPLES, SimilarDrawing
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.embeddings import repository as embeddings
from deepmed.features.drawings.explanation import repository as explanations
from deepmed.features.drawings.explanation.methods import DEFAULT_METHOD
from deepmed.features.drawings.explanation.texts import Reader, chip
from deepmed.features.drawings.models.kinds import columns, row_for
from deepmed.features.drawings.schemas.analysis import (
    AgeBin,
    AnalysisHistoryResponse,
    AnalysisResultResponse,
    AnalysisStatistics,
    AnomalyAnalysisResponse,
    BatchAnalysisResponse,
    BatchError,
    ComparisonExampleResponse,
    EmbeddingResponse,
    ImportanceRegion,
    InterpretabilityResponse,
    ModelStanding,
    RecentAnalysis,
    SubjectCount,
)
from deepmed.features.drawings.schemas.drawings import DrawingResponse
from deepmed.features.drawings.schemas.models import ModelTrainingRequest
from deepmed.features.drawings.subjects import canonical_subject
from deepmed.features.drawings.tables import (
    AnalysisBatch,
    AnomalyAnalysis,
    Drawing,
)
from deepmed.kit.errors import ConflictError, NotFoundError, ValidationError
from deepmed.learning.errors import LearningError

if TYPE_CHECKING:
    from deepmed.features.drawings.explanation.service import Explanation

MOST_RECENT = 10
NO_MODEL = "no_model"
NOT_ASKED = "It was not asked for, and none is stored."
DEFAULT_LAYOUT: str = ModelTrainingRequest.model_fields["layout"].default


def analyze(desk: Desk, drawing_id: int, *, explain: bool) -> AnalysisResultResponse:
    """The newest answer for a drawing, embedded first where it is not yet.

    Raises:
        NotFoundError: there is no such drawing.
        ValidationError: no model covers its age.
    """
    row = desk.analyses.answer(drawing_id, partial(embed, desk, drawing_id))
    if row.decision == NO_MODEL:
        raise ValidationError(f"{row.reason} Train a model for this age first.")
    return _result(desk, row, explain=explain)


def stored(desk: Desk, analysis_id: int) -> AnalysisResultResponse:
    return _result(desk, find(desk, analysis_id), explain=False)


def history(desk: Desk, drawing_id: int, limit: int) -> AnalysisHistoryResponse:
    drawing = desk.catalogue.get(drawing_id)
    with desk.bench.database.read() as session:
        rows, total = desk.analyses.history(session, drawing_id, limit)
    return AnalysisHistoryResponse(
        drawing_id=drawing_id,
        analyses=[AnomalyAnalysisResponse.of(row, drawing.subject) for row in rows],
        total_count=total,
    )


def neighbours(
    desk: Desk, drawing_id: int, count: int = EXAMPLES
) -> list[ComparisonExampleResponse]:
    """The typical drawings of the age that are most like a drawing.

    Raises:
        NotFoundError: there is no such drawing, or it has no vector.
    """
    with desk.bench.database.read() as session:
        found = desk.comparisons.find_similar_normal_examples(session, drawing_id, count)
    return [_example(each) for each in found]


def embed(desk: Desk, drawing_id: int) -> EmbeddingResponse:
    """The drawing's vector, made now where there is none.

    Raises:
        NotFoundError: there is no such drawing.
        ValidationError: it is nearly blank, so it has no vector.
    """
    drawing = desk.catalogue.get(drawing_id)
    if drawing.is_blank:
        raise ValidationError("The page is nearly blank, so there is nothing to embed.")
    bench = desk.bench
    encoder = bench.encoding.identity.key
    made = bench.pipeline.process_drawing(drawing_id, drawing.file_path)
    with bench.database.read() as session:
        row = embeddings.row_of(session, drawing_id, encoder)
    if row is None:
        raise NotFoundError(f"Drawing {drawing_id} was deleted while it was embedded.")
    name = bench.encoding.identity.name
    return EmbeddingResponse(
        drawing_id=drawing_id,
        status="generated" if made else "exists",
        message=f"Embedded with {name}." if made else f"It was embedded with {name} before.",
        embedding_id=row.id,
        vector_dimension=_dimension(desk, drawing.age_years, drawing.subject, row.vector_dimension),
        created_timestamp=row.created_timestamp,
        encoder=encoder,
    )


def batch(desk: Desk, uid: str) -> BatchAnalysisResponse:
    with desk.bench.database.read() as session:
        row = desk.analyses.tracker.get_batch(session, uid)
        rows = overviews.of_batch(session, desk.bench.owner_id, row)
        ids = [each.drawing_id for each in rows]
        found = repository.drawings(session, desk.bench.owner_id, ids) if ids else []
        drawings = {drawing.id: drawing for drawing in found}
        explained = explanations.explained(session, [each.id for each in rows], DEFAULT_METHOD)
    return BatchAnalysisResponse(
        batch_id=uid,
        total_drawings=row.total,
        completed=row.completed,
        failed=row.failed,
        status=_batch_status(row),
        results=[
            _result(desk, each, explain=False)
            if each.id in explained
            else _unexplained(each, drawings[each.drawing_id])
            for each in rows
            if each.drawing_id in drawings
        ],
        errors=[
            BatchError(drawing_id=None, error=text, timestamp=row.completed_at or row.started_at)
            for text in row.errors
        ],
        started_at=row.started_at,
        completed_at=row.completed_at,
        q_values=row.q_values,
    )


def statistics(desk: Desk, subject: str | None = None) -> AnalysisStatistics:
    """Of all drawings, or of those of one subject."""
    bench = desk.bench
    wanted = subject and canonical_subject(subject)
    with bench.database.read() as session:
        found = desk.analyses.statistics(session, wanted)
        recent = overviews.recent(session, bench.owner_id, MOST_RECENT, subject=wanted)
        drawn = catalogue.subjects(session, bench.owner_id)
        active = desk.models.active(session)
    answered = sum(found["decisions"].get(each, 0) for each in ANSWERED)
    newest = max((row.created_timestamp.isoformat() for row in active), default="")
    return AnalysisStatistics(
        total_drawings=found["total_drawings"],
        total_analyses=found["total_analyses"],
        anomaly_count=found["anomaly_count"],
        normal_count=answered - found["anomaly_count"],
        recent_analyses=[_recent(row, drawing) for row, drawing in recent],
        age_distribution=[AgeBin(**each) for each in found["age_distribution"]],
        model_status=ModelStanding(
            vision_model=bench.settings.encoder,
            is_loaded=bench.encoding.is_ready(),
            last_updated=newest,
            active_age_groups=len(active),
        ),
        decisions=found["decisions"],
        new_children=found["new_children"],
        subject_distribution=_subjects(drawn, wanted),
    )


def _subjects(drawn: Mapping[str | None, int], wanted: str | None) -> list[SubjectCount]:
    """Most drawn first; a drawing without a subject is of `unspecified`."""
    counted = Counter[str]()
    for subject, number in drawn.items():
        counted[subject or UNSPECIFIED] += number
    shown = {subject: counted[subject] for subject in counted if wanted in {None, "", subject}}
    return [
        SubjectCount(subject=subject, count=number)
        for subject, number in sorted(shown.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def refuse_unknown(desk: Desk, drawing_ids: list[int]) -> None:
    """Raises ValidationError, naming ids that are no drawings of the caller."""
    with desk.bench.database.read() as session:
        found = {each.id for each in repository.drawings(session, desk.bench.owner_id, drawing_ids)}
    unknown = sorted(set(drawing_ids) - found)
    if unknown:
        raise ValidationError(
            f"There is no drawing {', '.join(map(str, unknown))}; nothing was analysed.",
            unknown=unknown,
        )


def find(desk: Desk, analysis_id: int) -> AnomalyAnalysis:
    with desk.bench.database.read() as session:
        row = repository.analysis(session, desk.bench.owner_id, analysis_id)
    if row is None:
        raise NotFoundError(f"There is no analysis {analysis_id}.")
    return row


def _unexplained(row: AnomalyAnalysis, drawing: Drawing) -> AnalysisResultResponse:
    """An answer among many, without asking for each what explains it."""
    return AnalysisResultResponse(
        drawing=DrawingResponse.of(drawing),
        analysis=AnomalyAnalysisResponse.of(row, drawing.subject),
        interpretability=None,
        interpretability_reason=NOT_ASKED,
        comparison_examples=[],
    )


def _result(desk: Desk, row: AnomalyAnalysis, *, explain: bool) -> AnalysisResultResponse:
    with desk.bench.database.read() as session:
        drawing = catalogue.get(session, desk.bench.owner_id, row.drawing_id)
        kept = explanations.stored(session, row.id, DEFAULT_METHOD) is not None
    explanation, reason = _explanation(desk, row) if kept or explain else (None, NOT_ASKED)
    return AnalysisResultResponse(
        drawing=DrawingResponse.of(drawing),
        analysis=AnomalyAnalysisResponse.of(row, drawing.subject),
        interpretability=_shown(desk, explanation) if explanation else None,
        interpretability_reason=reason,
        comparison_examples=_examples(desk, row, explanation) if explain else [],
    )


def _explanation(desk: Desk, row: AnomalyAnalysis) -> "tuple[Explanation | None, str | None]":
    """The explanation, or why there is none."""
    try:
        return desk.explanations.explain_analysis(row), None
    except (ConflictError, LearningError) as error:
        return None, str(error)


def _shown(desk: Desk, explanation: "Explanation") -> InterpretabilityResponse:
    number = explanation.row.analysis_id
    text = explanation.text(Reader.EDUCATOR, desk.bench.settings)
    return InterpretabilityResponse(
        saliency_map_url=f"/api/v1/analysis/{number}/saliency.png",
        overlay_image_url=f"/api/v1/analysis/{number}/overlay.png",
        explanation_text="\n".join(text),
        importance_regions=[ImportanceRegion.of(each) for each in explanation.regions],
        method=explanation.row.method,
        faithful=explanation.faithfulness["faithful"],
        faithfulness=explanation.faithfulness,
    )


def _examples(
    desk: Desk, row: AnomalyAnalysis, explanation: "Explanation | None"
) -> list[ComparisonExampleResponse]:
    if explanation is not None:
        return [_example(each) for each in explanation.neighbours]
    return [] if row.anomaly_score is None else neighbours(desk, row.drawing_id)


def _example(found: SimilarDrawing) -> ComparisonExampleResponse:
    return ComparisonExampleResponse(**found.to_dict())


def _dimension(desk: Desk, age: float, subject: str | None, encoded: int) -> int:
    """Of the vector that the answering model takes: with the age, or the subject's slots.

    Where there is no model yet, of what training takes by default.
    """
    with desk.bench.database.read() as session:
        row = row_for(desk.models.active(session), age, subject)
    return columns(row.parameters["layout"] if row else DEFAULT_LAYOUT, encoded)


def _recent(row: AnomalyAnalysis, drawing: Drawing) -> RecentAnalysis:
    return RecentAnalysis(
        id=row.id,
        drawing_id=drawing.id,
        filename=drawing.filename,
        age_years=drawing.age_years,
        subject=drawing.subject,
        anomaly_score=row.anomaly_score,
        is_anomaly=row.is_anomaly,
        analysis_timestamp=row.analysis_timestamp,
        chip=chip(row.decision, is_anomaly=row.is_anomaly, normalized_score=row.normalized_score),
    )


def _batch_status(row: AnalysisBatch) -> str:
    if row.status == "failed":
        return f"failed: {'; '.join(row.errors)}"
    if row.status == "processing" and row.completed:
        return f"processing_drawing_{row.completed}_of_{row.total}"
    return row.status

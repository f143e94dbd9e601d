"""Why an answer is what it is, for people, and what they note to it (contract 2.3)."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from deepmed.core.jobs.dependencies import Ledger
from deepmed.features.drawings import answers
from deepmed.features.drawings.desk import CallersDesk
from deepmed.features.drawings.routes.attachments import attached
from deepmed.features.drawings.schemas.fields import ObjectId, Text, Uid
from deepmed.features.drawings.schemas.interpretability import (
    AnnotationCreated,
    AnnotationHistory,
    AnnotationList,
    AttributionResponse,
    ComparisonExamplesResponse,
    ConfidenceMetricsResponse,
    ExamplePattern,
    ExportResponse,
    InteractiveInterpretabilityResponse,
    MapMeasurement,
    SimplifiedExplanationResponse,
)
from deepmed.features.drawings.schemas.interpretability_requests import (
    AnnotationChanges,
    AnnotationRequest,
    ExportRequest,
)
from deepmed.kit.http.caller import caller_of

router = APIRouter(prefix="/interpretability", tags=["interpretability"])

UserRole = Annotated[
    str,
    Query(
        max_length=40,
        description="researcher, educator, clinician, or parent where that is switched on; any "
        "other is told in general",
    ),
]


@router.get("/examples")
def example_patterns(
    desk: CallersDesk,
    age_group: Text | None = None,
    user_role: UserRole = "educator",  # noqa: ARG001 - the contract's, without effect there too
) -> list[ExamplePattern]:
    """An example of each kind of answer in each age group, out of the drawings that are here."""
    return answers.interpretability.patterns(desk, age_group)


@router.get("/examples/{age_group}")
def comparison_examples(
    desk: CallersDesk,
    age_group: str,
    example_type: Annotated[str, Query(description="normal, anomalous or both")] = "both",
    subject: Text | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 5,
) -> ComparisonExamplesResponse:
    """Drawings of an age group such as `6-9`: unflagged and flagged ones."""
    return answers.interpretability.examples(desk, age_group, example_type, subject, limit)


@router.get("/exports/{export_id}", response_class=Response)
def download_export(desk: CallersDesk, export_id: Uid) -> Response:
    """A file that was exported within the last day."""
    found = answers.exports.download(desk, export_id)
    return attached(found.content, found.name, found.media_type)


@router.get("/{analysis_id}/interactive")
def interactive_explanation(
    desk: CallersDesk, analysis_id: ObjectId
) -> InteractiveInterpretabilityResponse:
    """The places that raise the score, with what was measured in each."""
    return answers.interpretability.interactive(desk, analysis_id)


@router.post("/{analysis_id}/faithfulness")
def measure_faithfulness(
    desk: CallersDesk, ledger: Ledger, analysis_id: ObjectId
) -> MapMeasurement:
    """Measure how far this answer's own map can be trusted.

    With a quick encoder that was done when the map was made. Where the encoder takes more than
    20 ms an image it is a job, and until it is done the figure of the model stands at the map.
    """
    return answers.interpretability.measure_map(desk, ledger, analysis_id)


@router.get("/{analysis_id}/simplified")
def simplified_explanation(
    desk: CallersDesk, analysis_id: ObjectId, user_role: UserRole = "educator"
) -> SimplifiedExplanationResponse:
    """The answer in plain words, and what to do first."""
    return answers.interpretability.simplified(desk, analysis_id, user_role)


@router.get("/{analysis_id}/confidence")
def confidence_metrics(desk: CallersDesk, analysis_id: ObjectId) -> ConfidenceMetricsResponse:
    """How far the answer and its map can be relied on."""
    return answers.interpretability.confidence(desk, analysis_id)


@router.get("/{analysis_id}/attribution")
def attribution(desk: CallersDesk, analysis_id: ObjectId) -> AttributionResponse:
    """How the drawing ranks among its subject's and among other ages' drawings."""
    return answers.interpretability.attribution(desk, analysis_id)


@router.post("/{analysis_id}/export")
def export_explanation(
    desk: CallersDesk, analysis_id: ObjectId, request: ExportRequest
) -> ExportResponse:
    """Write answer, map and notes into a file, which can be fetched for a day."""
    return answers.exports.export(desk, analysis_id, request)


@router.post("/{analysis_id}/annotate")
def annotate(
    desk: CallersDesk, asked: Request, analysis_id: ObjectId, request: AnnotationRequest
) -> AnnotationCreated:
    """Note something to the answer: to a region of its map, or to the `drawing` as a whole."""
    return answers.annotations.annotate(desk, analysis_id, request, caller_of(asked).name)


@router.get("/{analysis_id}/annotations")
def list_annotations(
    desk: CallersDesk, analysis_id: ObjectId, *, deleted: bool = False
) -> AnnotationList:
    """The notes to an answer in order of writing; with `deleted` those taken back too."""
    return answers.annotations.listed(desk, analysis_id, with_deleted=deleted)


@router.get("/{analysis_id}/annotations/{annotation_id}")
def get_annotation(
    desk: CallersDesk, analysis_id: ObjectId, annotation_id: Uid
) -> AnnotationHistory:
    """A note with everything that it ever said, and by whom."""
    return answers.annotations.one(desk, analysis_id, annotation_id)


@router.put("/{analysis_id}/annotations/{annotation_id}")
def edit_annotation(
    desk: CallersDesk,
    asked: Request,
    analysis_id: ObjectId,
    annotation_id: Uid,
    changes: AnnotationChanges,
) -> AnnotationHistory:
    """Change a note; what it said before stays in its history."""
    author = caller_of(asked).name
    return answers.annotations.edit(desk, analysis_id, annotation_id, changes, author)


@router.delete("/{analysis_id}/annotations/{annotation_id}")
def delete_annotation(
    desk: CallersDesk, asked: Request, analysis_id: ObjectId, annotation_id: Uid
) -> AnnotationHistory:
    """Take a note back; its history is kept until the drawing is deleted."""
    return answers.annotations.delete(desk, analysis_id, annotation_id, caller_of(asked).name)

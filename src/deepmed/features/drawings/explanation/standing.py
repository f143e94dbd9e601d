"""Under which reference an answer stands: what a page needs that shows it without its map."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from deepmed.features.drawings.analysis import repository as analyses
from deepmed.features.drawings.analysis.outcome import ActiveModel
from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.tables import AnomalyAnalysis, Drawing
from deepmed.kit.errors import ConflictError, NotFoundError
from deepmed.learning.reference import Reference


@dataclass(frozen=True)
class Standing:
    """A scored drawing with the reference that scored it."""

    drawing: Drawing
    item: ActiveModel
    reference: Reference
    whose: frozenset[int]
    """Its child, and those under whose name the very same picture is there too."""
    encoder: str


def standing(service: AnalysisService, row: AnomalyAnalysis) -> Standing:
    """Where an answer stands under the models and rules in force.

    Raises:
        ConflictError: it has no score, or the model that gave it is not in use any more.
        NotFoundError: its drawing was deleted meanwhile.
    """
    refuse_without_score(row)
    with service.bench.database.read() as session:
        return standing_in(session, service, row)


def refuse_without_score(row: AnomalyAnalysis) -> None:
    """Raises ConflictError."""
    if row.anomaly_score is None or row.age_group_model_id is None:
        raise ConflictError(
            f"Drawing {row.drawing_id} has no score, so there is nothing to explain. {row.reason}"
        )


def standing_in(session: Session, service: AnalysisService, row: AnomalyAnalysis) -> Standing:
    """The same in a session of the caller, for an answer with a score."""
    found = analyses.drawings(session, service.bench.owner_id, [row.drawing_id])
    if not found:
        raise NotFoundError(
            f"Somebody deleted drawing {row.drawing_id} while it was looked at; there is "
            "nothing to explain any more."
        )
    drawing = found[0]
    scene = service.scene(session, [drawing.id])
    whose = scene.who(drawing)
    item = next((one for one in scene.active if one.row.id == row.age_group_model_id), None)
    reference = None if item is None else item.model.reference_for(whose)
    if item is None or reference is None:
        raise ConflictError(
            f"Drawing {drawing.id} has no score under the models in use. Run "
            f"`deepmed drawings analyze {drawing.id}` and try again."
        )
    return Standing(drawing, item, reference, whose, scene.encoder)

"""What the routes of batches as a whole answer."""

from collections.abc import Sequence

from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.schemas.cohorts import CohortResponse, Outlook


def outlook(desk: Desk, drawing_ids: Sequence[int] | None) -> Outlook:
    """Raises NotFoundError, naming ids that are no drawings of the caller."""
    return Outlook(**desk.analyses.outlook(drawing_ids))


def cohort(desk: Desk, uid: str) -> CohortResponse:
    """Raises NotFoundError."""
    return CohortResponse.of(desk.analyses.cohort(uid))

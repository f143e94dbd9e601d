"""Which of some drawings are typical ones to compare with, and what their own answers are."""

from collections.abc import Sequence

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.models.repository import may_train
from deepmed.features.drawings.tables import AnomalyAnalysis, Drawing
from deepmed.kit.database import AnyRow
from deepmed.kit.database.batches import in_batches


def typical_among(
    session: Session, owner_id: int, drawing_ids: Sequence[int], ages: AgeRange, but_child: int
) -> dict[int, AnyRow]:
    """By id: those that may train, are of these ages, by other children, and not flagged."""
    age = Drawing.age_years
    below = age <= ages.age_max if ages.upper_closed else age < ages.age_max
    query = (
        select(
            Drawing.id,
            Drawing.filename,
            Drawing.age_years,
            Drawing.subject,
            AnomalyAnalysis.anomaly_score,
            AnomalyAnalysis.normalized_score,
        )
        .outerjoin(AnomalyAnalysis, AnomalyAnalysis.current_of == Drawing.id)
        .where(
            *may_train(owner_id),
            and_(age >= ages.age_min, below),
            Drawing.child_id != but_child,
            or_(AnomalyAnalysis.id.is_(None), AnomalyAnalysis.is_anomaly.is_(False)),
        )
    )
    found: dict[int, AnyRow] = {}
    for some in in_batches(drawing_ids):
        rows = session.execute(query.where(Drawing.id.in_(some)))
        found |= {row.id: row for row in rows}
    return found

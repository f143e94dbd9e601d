"""Which of some drawings are typical ones to compare with, and what their own answers are."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from deepmed.features.drawings.embeddings.matrix import Ids
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.models.repository import may_train, of_ages, typical
from deepmed.features.drawings.tables import AnomalyAnalysis, Drawing
from deepmed.kit.database import AnyRow, kept
from deepmed.kit.database.batches import in_batches, no_index


def of_whom(session: Session, owner_id: int, drawing_id: int) -> AnyRow | None:
    """By whom a drawing is, at what age and of what; none where the owner has no such drawing."""
    query = select(Drawing.owner_id, Drawing.child_id, Drawing.age_years, Drawing.subject)
    return session.execute(
        query.where(Drawing.owner_id == owner_id, Drawing.id == drawing_id)
    ).one_or_none()


@kept
def everybody_typical(session: Session, owner_id: int, ages: AgeRange) -> tuple[Ids, Ids]:
    """(m,) ids and (m,) children of all that may train, are of these ages, and not flagged."""
    query = (
        select(Drawing.id, Drawing.child_id)
        .outerjoin(AnomalyAnalysis, AnomalyAnalysis.current_of == Drawing.id)
        .where(*may_train(owner_id), *of_ages(ages), _unflagged())
    )
    values = chain.from_iterable(session.execute(query).all())
    rows = np.fromiter(values, dtype=np.int64).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


def typical_among(
    session: Session, owner_id: int, drawing_ids: Sequence[int], ages: AgeRange, but_child: int
) -> dict[int, AnyRow]:
    """By id: those that may train, are of these ages, by other children, and not flagged."""
    query = (
        select(
            Drawing.id,
            Drawing.child_id,
            Drawing.filename,
            Drawing.age_years,
            Drawing.subject,
            AnomalyAnalysis.anomaly_score,
            AnomalyAnalysis.normalized_score,
        )
        .outerjoin(AnomalyAnalysis, AnomalyAnalysis.current_of == Drawing.id)
        .where(no_index(Drawing.owner_id) == owner_id, *typical(), _unflagged())
    )
    found: dict[int, AnyRow] = {}
    for some in in_batches(drawing_ids):
        for row in session.execute(query.where(Drawing.id.in_(some))):
            if ages.holds(row.age_years) and row.child_id != but_child:
                found[row.id] = row
    return found


def _unflagged() -> ColumnElement[bool]:
    return or_(AnomalyAnalysis.id.is_(None), AnomalyAnalysis.is_anomaly.is_(False))

"""What the repository counts over all drawings, over those of one subject."""

from collections import Counter

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from deepmed.features.drawings.analysis.repository import Counted, newest_of
from deepmed.features.drawings.subjects import SubjectCategory
from deepmed.features.drawings.tables import AnomalyAnalysis, Drawing
from deepmed.kit.database import kept

UNSPECIFIED = SubjectCategory.UNSPECIFIED.value


@kept
def totals(session: Session, owner_id: int, subject: str) -> tuple[int, int]:
    """Drawings of a subject, and analyses of them."""
    # Without naming a column PostgreSQL counts in an index, and leaves wide rows alone.
    drawn = select(func.count()).where(Drawing.owner_id == owner_id, about(subject))
    made = (
        select(func.count())
        .select_from(AnomalyAnalysis)
        .join(Drawing, Drawing.id == AnomalyAnalysis.drawing_id)
        .where(Drawing.owner_id == owner_id, about(subject))
    )
    return session.scalars(drawn).one(), session.scalars(made).one()


@kept
def ages(session: Session, owner_id: int, subject: str) -> dict[float, int]:
    """How many drawings of a subject there are of each age."""
    query = select(Drawing.age_years, func.count()).where(
        Drawing.owner_id == owner_id, about(subject)
    )
    return {row[0]: row[1] for row in session.execute(query.group_by(Drawing.age_years))}


@kept
def counts(session: Session, owner_id: int, subject: str) -> list[Counted]:
    """The newest analyses of drawings of a subject, counted."""
    answer = (AnomalyAnalysis.decision, AnomalyAnalysis.role, AnomalyAnalysis.is_anomaly)
    marks = (Drawing.expert_label, Drawing.withdrawn)
    original = func.max(Drawing.duplicate_of)
    query = (
        select(*answer, func.count(), *marks, original)
        .join(Drawing, Drawing.id == AnomalyAnalysis.current_of)
        .where(*newest_of(owner_id), about(subject))
        .group_by(*answer, *marks, Drawing.duplicate_of.is_(None))
    )
    return [Counted(*row) for row in session.execute(query)]


@kept
def by_year(session: Session, owner_id: int) -> dict[str, Counter[int]]:
    """How many drawings there are of each subject, by completed year of age."""
    query = (
        select(Drawing.subject, Drawing.age_years, func.count())
        .where(Drawing.owner_id == owner_id)
        .group_by(Drawing.subject, Drawing.age_years)
    )
    found: dict[str, Counter[int]] = {}
    for subject, age, number in session.execute(query):
        found.setdefault(subject or UNSPECIFIED, Counter())[int(age)] += number
    return found


def about(subject: str) -> ColumnElement[bool]:
    """Of this subject; a drawing without one is of `unspecified`."""
    if subject == UNSPECIFIED:
        return or_(Drawing.subject.is_(None), Drawing.subject == UNSPECIFIED)
    return Drawing.subject == subject

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from deepmed.features.drawings.analysis.decisions import ANSWERED
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.models.repository import of_ages, typical
from deepmed.features.drawings.tables import AnomalyAnalysis, Drawing, InterpretabilityResult
from deepmed.kit.database import kept

Answered = tuple[AnomalyAnalysis, Drawing]


@kept
def counts(
    session: Session, owner_id: int, groups: tuple[AgeRange, ...], subject: str | None = None
) -> dict[AgeRange, dict[bool, int]]:
    """How many answers of each group may be shown, the unflagged and the flagged ones."""
    columns = (Drawing.age_years, AnomalyAnalysis.is_anomaly)
    may = or_(
        *(
            and_(AnomalyAnalysis.is_anomaly.is_(flagged), *_may_be_shown(flagged=flagged))
            for flagged in (False, True)
        )
    )
    within = or_(*(and_(*of_ages(ages)) for ages in groups))
    query = (
        select(*columns, func.count())
        .join(Drawing, Drawing.id == AnomalyAnalysis.current_of)
        .where(*_answered(owner_id), *_about(subject), within, may)
        .group_by(*columns)
    )
    found = {ages: {False: 0, True: 0} for ages in groups}
    for age, flagged, number in session.execute(query):
        for ages in groups:
            if ages.holds(age):
                found[ages][flagged] += number
    return found


def examples(
    session: Session,
    owner_id: int,
    ages: AgeRange,
    subject: str | None,
    limit: int,
    *,
    flagged: bool,
) -> list[Answered]:
    """The least unusual of the unflagged first, of the flagged the most unusual."""
    score = AnomalyAnalysis.normalized_score
    drawing = AnomalyAnalysis.current_of
    # Both one way, as the index has them: of equals the newest drawing of the flagged is first.
    order = (score.desc(), drawing.desc()) if flagged else (score.asc(), drawing.asc())
    query = _ids(owner_id, ages, subject, flagged=flagged)
    return _read(session, query.order_by(*order).limit(limit))


def settled_least(session: Session, owner_id: int, ages: AgeRange) -> Answered | None:
    """The answer with the least confidence."""
    confidence = AnomalyAnalysis.confidence
    found = []
    for flagged in (False, True):
        query = _ids(owner_id, ages, None, flagged=flagged).where(confidence.is_not(None))
        order = (confidence, AnomalyAnalysis.current_of)
        found += _read(session, query.order_by(*order).limit(1))
    return min(found, key=lambda one: (one[0].confidence or 0.0, one[1].id), default=None)


def contents(session: Session, analysis_ids: Sequence[int]) -> dict[int, dict[str, object]]:
    """What was measured of the drawings, where they were explained before."""
    rows = session.execute(
        select(InterpretabilityResult.analysis_id, InterpretabilityResult.facts).where(
            InterpretabilityResult.analysis_id.in_(analysis_ids)
        )
    )
    return {row.analysis_id: row.facts["content"] for row in rows}


def _ids(owner_id: int, ages: AgeRange, subject: str | None, *, flagged: bool) -> Select[int]:
    """Ids alone, which come in their order from an index; the answers' rows are wide.

    The drawings are asked whether they fit one by one: joined, SQLite begins with them and sorts.
    """
    fits = exists().where(
        Drawing.id == AnomalyAnalysis.current_of,
        *_may_be_shown(flagged=flagged),
        *_about(subject),
        *of_ages(ages),
    )
    answered = (*_answered(owner_id), AnomalyAnalysis.is_anomaly.is_(flagged))
    return select(AnomalyAnalysis.id).where(*answered, fits)


def _read(session: Session, ids: Select[int]) -> list[Answered]:
    wanted = list(session.scalars(ids))
    query = select(AnomalyAnalysis, Drawing).join(Drawing, Drawing.id == AnomalyAnalysis.current_of)
    rows = session.execute(query.where(AnomalyAnalysis.id.in_(wanted)))
    found = {row[0].id: (row[0], row[1]) for row in rows}
    return [found[one] for one in wanted]


def _answered(owner_id: int) -> list[ColumnElement[bool]]:
    """Newest answers that could have been a flag: each of them has a rank."""
    return [
        AnomalyAnalysis.owner_id == owner_id,
        AnomalyAnalysis.current_of.is_not(None),
        AnomalyAnalysis.decision.in_(sorted(ANSWERED)),
    ]


def _about(subject: str | None) -> list[ColumnElement[bool]]:
    return [] if subject is None else [Drawing.subject == subject]


def _may_be_shown(*, flagged: bool) -> list[ColumnElement[bool]]:
    """Of the flagged whole drawings that are none's copy, of the others typical ones alone.

    Whose they are is asked of the answers: asked of the drawings too, SQLite begins with these.
    """
    if not flagged:
        return typical()
    return [
        Drawing.is_blank.is_(False),
        Drawing.withdrawn.is_(False),
        Drawing.duplicate_of.is_(None),
    ]

from collections.abc import Iterable, Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from deepmed.features.drawings.tables import ThresholdSetting


def newest_for(session: Session, owner_id: int, model_id: int | None) -> ThresholdSetting | None:
    """The newest rule that speaks of a model: its own, or one for all made after it."""
    return _speaking_of(model_id, _newest_by_model(session, owner_id))


def newest_for_each(
    session: Session, owner_id: int, model_ids: Iterable[int]
) -> dict[int, ThresholdSetting | None]:
    """As `newest_for`, of many models at once."""
    newest = _newest_by_model(session, owner_id)
    return {model_id: _speaking_of(model_id, newest) for model_id in model_ids}


def _speaking_of(
    model_id: int | None, newest: Mapping[int | None, ThresholdSetting]
) -> ThresholdSetting | None:
    rows = [row for row in (newest.get(None), newest.get(model_id)) if row is not None]
    return max(rows, key=lambda row: row.id, default=None)


def _newest_by_model(session: Session, owner_id: int) -> dict[int | None, ThresholdSetting]:
    """Each model's own newest, and under None the newest for all."""
    newest = (
        select(func.max(ThresholdSetting.id))
        .where(ThresholdSetting.owner_id == owner_id)
        .group_by(ThresholdSetting.model_id)
    )
    rows = session.scalars(select(ThresholdSetting).where(ThresholdSetting.id.in_(newest)))
    return {row.model_id: row for row in rows}


def history(session: Session, owner_id: int) -> list[ThresholdSetting]:
    query = select(ThresholdSetting).where(ThresholdSetting.owner_id == owner_id)
    return list(session.scalars(query.order_by(ThresholdSetting.id)))


def add(session: Session, row: ThresholdSetting) -> ThresholdSetting:
    session.add(row)
    session.flush()
    return row

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from deepmed.features.drawings.tables import ThresholdSetting


def newest_for(session: Session, owner_id: int, model_id: int | None) -> ThresholdSetting | None:
    """The newest rule that speaks of a model: its own, or one for all made after it."""
    mine = or_(
        ThresholdSetting.model_id.is_(None),
        *([ThresholdSetting.model_id == model_id] if model_id is not None else []),
    )
    query = (
        select(ThresholdSetting)
        .where(ThresholdSetting.owner_id == owner_id, mine)
        .order_by(ThresholdSetting.id.desc())
        .limit(1)
    )
    return session.scalars(query).first()


def newest_by_model(session: Session, owner_id: int) -> dict[int | None, ThresholdSetting]:
    """The newest rule of each model that has had one, and under None the newest for all."""
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

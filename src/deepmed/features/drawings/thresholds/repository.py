from sqlalchemy import or_, select
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


def history(session: Session, owner_id: int) -> list[ThresholdSetting]:
    query = select(ThresholdSetting).where(ThresholdSetting.owner_id == owner_id)
    return list(session.scalars(query.order_by(ThresholdSetting.id)))


def add(session: Session, row: ThresholdSetting) -> ThresholdSetting:
    session.add(row)
    session.flush()
    return row

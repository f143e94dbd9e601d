from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from deepmed.kit.database import Base


class HealthThreshold(Base):
    """A threshold that an administrator set; the defaults are in code."""

    __tablename__ = "health_thresholds"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    value: Mapped[float]

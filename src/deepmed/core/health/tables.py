from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from deepmed.kit.database import Base


class HealthThreshold(Base):
    """A threshold that an administrator set; the defaults are in code."""

    __tablename__ = "health_thresholds"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[float]

"""Where on the map a note can stand."""

from typing import Any

from sqlalchemy import select

from deepmed.features.drawings.explanation.methods import DEFAULT_METHOD
from deepmed.features.drawings.tables import InterpretabilityResult
from deepmed.kit.database import Database


def regions_of(database: Database, analysis_id: int) -> list[dict[str, Any]]:
    """The regions of the map that is shown; none where the analysis was not explained yet."""
    with database.read() as session:
        found = session.scalars(
            select(InterpretabilityResult.importance_regions).where(
                InterpretabilityResult.analysis_id == analysis_id,
                InterpretabilityResult.method == DEFAULT_METHOD,
            )
        ).one_or_none()
    return list(found or [])

"""The things of a data folder that requests may name."""

from collections.abc import Sequence

from sqlalchemy import Select, select

from deepmed.core.home import Home
from deepmed.features.drawings.tables import (
    AgeGroupModel,
    AnomalyAnalysis,
    Child,
    Drawing,
    InterpretabilityResult,
)

IDS: dict[str, Select[int]] = {
    "drawing": select(Drawing.id),
    "analysis": select(AnomalyAnalysis.id),
    "explained": select(AnomalyAnalysis.drawing_id)
    .join(InterpretabilityResult, InterpretabilityResult.analysis_id == AnomalyAnalysis.id)
    .distinct(),
    "model": select(AgeGroupModel.id),
    "child": select(Child.id),
}
PAGE_SIZE = 36
"""Of the gallery and of lists, at most."""
AGES = range(3, 12)


def things(home: Home) -> dict[str, Sequence[int]]:
    """Ids by their name in the mix."""
    with home.database.read() as session:
        ids = {name: list(session.scalars(query)) for name, query in IDS.items()}
    return {**ids, "page": range(1, max(2, len(ids["drawing"]) // PAGE_SIZE)), "age": AGES}

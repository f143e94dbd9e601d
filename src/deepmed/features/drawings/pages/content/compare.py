"""A drawing beside others: the typical ones most like it, and examples of its age group (D-19)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from deepmed.features.drawings.analysis import repository
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.interpretability.examples import BOTH, ExampleFinder
from deepmed.features.drawings.models.ranges import range_of
from deepmed.features.drawings.pages.content.tiles import Tile, tiles
from deepmed.features.drawings.schemas.interpretability import ComparisonExample
from deepmed.kit.errors import NotFoundError
from deepmed.web.charts import Table

NEIGHBOURS = 6
EXAMPLES = 4


@dataclass(frozen=True)
class Compared:
    """Drawings beside one another, and the same as a table."""

    shown: Sequence[tuple[Tile, str]]
    table: Table


def content(desk: Desk, drawing_id: int) -> dict[str, Any]:
    drawing = desk.catalogue.get(drawing_id)
    with desk.home.database.read() as session:
        ranges = [range_of(row) for row in desk.models.active(session)]
        ages = next((one for one in ranges if one.holds(drawing.age_years)), None)
        if ages is None:
            return {"drawing": drawing, "reason": "No model in use covers its age."}
        near, reason = _near(desk, session, drawing_id)
        group = desk.comparisons.get_comparison_statistics(session, ages)
    examples = ExampleFinder(desk.bench).comparisons(ages.label, BOTH, None, EXAMPLES)
    return {
        "drawing": drawing,
        "reason": None,
        "ages": ages.words,
        "near": near,
        "near_reason": reason,
        "typical": _examples(desk, examples.normal_examples),
        "unusual": _examples(desk, examples.anomalous_examples),
        "group": Table(
            ["What", "Figure"],
            [
                ["Typical drawings to compare with", group["typical_drawings"]],
                ["By so many children", group["typical_children"]],
                ["Their mean age in years", group["mean_age"]],
                ["Subjects among them", group["subjects"]],
            ],
        ),
    }


def _near(desk: Desk, session: Session, drawing_id: int) -> tuple[Compared | None, str | None]:
    try:
        found = desk.comparisons.find_similar_normal_examples(session, drawing_id, NEIGHBOURS)
    except NotFoundError as error:  # the present encoder has not seen it
        return None, error.message
    likeness = {each.drawing_id: each.similarity_score for each in found}
    shown = _tiles(desk, session, list(likeness))
    rows: list[list[object]] = [
        [each.id, each.age, each.subject, likeness[each.id], each.place] for each in shown
    ]
    columns = ["drawing", "age in years", "subject", "cosine similarity", "more unusual than"]
    pairs = [(each, f"similarity {likeness[each.id]:.2f}") for each in shown]
    return Compared(pairs, Table(columns, rows)), None if pairs else "No typical drawing is near."


def _examples(desk: Desk, chosen: Sequence[ComparisonExample]) -> Compared:
    with desk.home.database.read() as session:
        shown = _tiles(desk, session, [each.drawing_id for each in chosen])
    rows: list[list[object]] = [[each.id, each.age, each.subject, each.place] for each in shown]
    columns = ["drawing", "age in years", "subject", "more unusual than"]
    return Compared([(each, "") for each in shown], Table(columns, rows))


def _tiles(desk: Desk, session: Session, ids: Sequence[int]) -> list[Tile]:
    drawings = {each.id: each for each in repository.drawings(session, desk.home.owner_id, ids)}
    return tiles(session, desk.home.owner_id, [drawings[one] for one in ids if one in drawings])

"""One drawing: what it is, where it stands, why, beside which others, and what was said before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deepmed.features.drawings.analysis import repository
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.explanation import repository as explanations
from deepmed.features.drawings.explanation.case import Case
from deepmed.features.drawings.explanation.levels import why_only_a_bound
from deepmed.features.drawings.explanation.methods import DEFAULT_METHOD
from deepmed.features.drawings.explanation.service import Explanation
from deepmed.features.drawings.explanation.stored import facts_of
from deepmed.features.drawings.explanation.texts import ExplanationGenerator, Facts, place_of_100
from deepmed.features.drawings.metadata import ExpertLabel
from deepmed.features.drawings.models.ranges import range_of
from deepmed.features.drawings.pages.content.tiles import Tile, chip_of, look_of, marks, name_of
from deepmed.features.drawings.pages.content.tiles import tile as tile_of
from deepmed.features.drawings.report import cards, maps
from deepmed.features.drawings.report.content import Chart, Table
from deepmed.features.drawings.subjects import SubjectCategory
from deepmed.features.drawings.tables import AnomalyAnalysis, Drawing
from deepmed.kit.errors import ConflictError, NotFoundError
from deepmed.learning.errors import LearningError

HISTORY = 20


@dataclass(frozen=True)
class Answer:
    """An analysis in the words of the page."""

    row: AnomalyAnalysis
    chip: str
    look: str
    place: str | None
    sentences: Sequence[str]
    strip: Chart | None
    outdated: str | None
    """Why this answer is not the one that would be given now."""


@dataclass(frozen=True)
class Box:
    """A region on the picture, in the picture's own pixels."""

    number: int
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Why:
    """What explains an answer, or why nothing does."""

    reason: str | None = None
    analysis_id: int = 0
    caption: str = ""
    boxes: Sequence[Box] = ()
    faithful: bool | None = None
    sentences: Sequence[str] = ()
    neighbours: Sequence[tuple[Tile, float]] = ()
    tables: Sequence[tuple[str, Table]] = ()


NO_SCORE = Why("There is no score, so there is no map.")


def content(desk: Desk, drawing_id: int) -> dict[str, Any]:
    drawing = desk.catalogue.get(drawing_id)
    with desk.home.database.read() as session:
        rows, total = repository.history(session, desk.home.owner_id, drawing_id, HISTORY)
    row = rows[0] if rows else None
    scored = row is not None and row.anomaly_score is not None
    return {
        "drawing": drawing,
        "name": name_of(drawing),
        "marks": marks(drawing),
        "answer": None if row is None else _answer(desk, row),
        "history": [(each, chip_of(each), look_of(each)) for each in rows],
        "total": total,
        "why": _stored(desk, row) if row and scored else NO_SCORE,
        "subjects": [each.value for each in SubjectCategory],
        "labels": list(ExpertLabel),
    }


def why(desk: Desk, drawing_id: int) -> dict[str, Any]:
    """What explains the newest answer, made now where there is none yet."""
    drawing = desk.catalogue.get(drawing_id)
    with desk.home.database.read() as session:
        rows, _ = repository.history(session, desk.home.owner_id, drawing_id, 1)
    reason = "It has not been analysed yet, so there is nothing to explain."
    if rows:
        try:
            return {
                "drawing": drawing,
                "name": name_of(drawing),
                "why": _explained(desk, drawing, desk.explanations.explain_analysis(rows[0])),
            }
        except (ConflictError, NotFoundError, LearningError) as error:
            reason = str(error)
    return {"drawing": drawing, "name": name_of(drawing), "why": Why(reason)}


def deletion(desk: Desk, drawing_id: int) -> dict[str, Any]:
    drawing = desk.catalogue.get(drawing_id)
    return {
        "drawing": drawing,
        "name": name_of(drawing),
        "told": desk.catalogue.preview_deletion(drawing_id),
    }


def _answer(desk: Desk, row: AnomalyAnalysis) -> Answer:
    case, outdated = None, None
    if row.anomaly_score is not None:
        try:
            case = desk.explanations.cases.of(row)
        except (ConflictError, NotFoundError):
            outdated = "It was given under a model or an encoder that is not in use any more."
    with desk.home.database.read() as session:
        rule = desk.thresholds.rule(session, row.age_group_model_id)
    if row.results.get("rule_version", rule.version) != rule.version:
        outdated = outdated or "It was given under an earlier threshold."
    score = row.normalized_score
    return Answer(
        row,
        chip_of(row),
        look_of(row),
        None if score is None else place_of_100(score),
        ExplanationGenerator().generate_explanation(_facts(row, case)),
        None if case is None else cards.score_strip(row, case),
        outdated,
    )


def _facts(row: AnomalyAnalysis, case: Case | None) -> Facts:
    """What is known without a map of the drawing."""
    bound = case is not None and why_only_a_bound(case.reference.calibration, case.drawing.child_id)
    return facts_of(row, level_is_a_bound=bool(bound))


def _stored(desk: Desk, row: AnomalyAnalysis) -> Why | None:
    """The explanation, where it was made before; it takes a moment to make one."""
    with desk.home.database.read() as session:
        if explanations.stored(session, row.id, DEFAULT_METHOD) is None:
            return None
    try:
        found = desk.explanations.explain_analysis(row)
    except (ConflictError, NotFoundError, LearningError) as error:
        return Why(str(error))
    return _explained(desk, desk.catalogue.get(row.drawing_id), found)


def _explained(desk: Desk, drawing: Drawing, found: Explanation) -> Why:
    row = found.case.analysis
    with desk.home.database.read() as session:
        ages = {range_of(each).label: range_of(each).words for each in desk.models.active(session)}
    said = set(ExplanationGenerator().generate_explanation(_facts(row, found.case)))
    tables = [
        ("Numbers of this answer", cards.numbers(row, drawing, None)),
        ("Other ages", cards.other_ages(row, ages)),
        ("Places on the page", maps.places(found)),
        *maps.trust_tables(found),
        ("Measures of the drawing", cards.measures(found)),
    ]
    return Why(
        analysis_id=row.id,
        caption=maps.caption(found),
        boxes=_boxes(found.regions),
        faithful=found.faithfulness["faithful"],
        sentences=[each for each in cards.sentences(found) if each not in said],
        neighbours=_neighbours(desk, found),
        tables=[(name, table) for name, table in tables if table.rows],
    )


def _boxes(regions: Sequence[dict[str, Any]]) -> list[Box]:
    return [
        Box(number, left, top, right - left, bottom - top)
        for number, (left, top, right, bottom) in enumerate(
            (each["bounding_box"] for each in regions), 1
        )
    ]


def _neighbours(desk: Desk, found: Explanation) -> list[tuple[Tile, float]]:
    likeness = {each.drawing_id: each.similarity_score for each in found.neighbours}
    with desk.home.database.read() as session:
        drawings = repository.drawings(session, desk.home.owner_id, list(likeness))
        newest = repository.newest(session, desk.home.owner_id, list(likeness))
    tiles = {each.id: tile_of(each, newest.get(each.id)) for each in drawings}
    return [(tiles[number], alike) for number, alike in likeness.items() if number in tiles]

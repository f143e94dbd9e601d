"""One drawing: what it is, where it stands, and the parts that explain it or were said of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deepmed.features.drawings.analysis import repository
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.explanation.levels import why_only_a_bound
from deepmed.features.drawings.explanation.standing import standing
from deepmed.features.drawings.explanation.stored import facts_of
from deepmed.features.drawings.explanation.texts import ExplanationGenerator, place_of_100
from deepmed.features.drawings.metadata import ExpertLabel
from deepmed.features.drawings.pages.content import notes
from deepmed.features.drawings.pages.content import why as whys
from deepmed.features.drawings.pages.content.ages import what_if
from deepmed.features.drawings.pages.content.tiles import chip_of, look_of, marks, name_of
from deepmed.features.drawings.report import cards
from deepmed.features.drawings.subjects import SubjectCategory
from deepmed.features.drawings.tables import AnomalyAnalysis
from deepmed.kit.errors import ConflictError, NotFoundError
from deepmed.web.charts import Chart

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


def content(desk: Desk, drawing_id: int, reader: str) -> dict[str, Any]:
    drawing = desk.catalogue.get(drawing_id)
    with desk.home.database.read() as session:
        rows, total = repository.history(session, desk.home.owner_id, drawing_id, HISTORY)
    row = rows[0] if rows else None
    reader = whys.reader_of(desk, reader)
    return {
        "drawing": drawing,
        "name": name_of(drawing),
        "marks": marks(drawing),
        "answer": None if row is None else _answer(desk, row),
        "history": [(each, chip_of(each), look_of(each)) for each in rows],
        "total": total,
        "why": whys.stored(desk, row, reader) if row else whys.NOT_ANALYSED,
        "readers": whys.readers(desk),
        "reader": reader,
        "what_if": what_if(desk, drawing, row),
        "notes": notes.content(desk, drawing_id, rows),
        "subjects": [each.value for each in SubjectCategory],
        "labels": list(ExpertLabel),
    }


def why(desk: Desk, drawing_id: int, reader: str) -> dict[str, Any]:
    """What explains the newest answer, made now where there is none yet."""
    drawing = desk.catalogue.get(drawing_id)
    with desk.home.database.read() as session:
        rows, _ = repository.history(session, desk.home.owner_id, drawing_id, 1)
    reader = whys.reader_of(desk, reader)
    return {
        "drawing": drawing,
        "name": name_of(drawing),
        "why": whys.made(desk, rows[0], reader) if rows else whys.NOT_ANALYSED,
        "readers": whys.readers(desk),
        "reader": reader,
    }


def deletion(desk: Desk, drawing_id: int) -> dict[str, Any]:
    drawing = desk.catalogue.get(drawing_id)
    return {
        "drawing": drawing,
        "name": name_of(drawing),
        "told": desk.catalogue.preview_deletion(drawing_id),
    }


def _answer(desk: Desk, row: AnomalyAnalysis) -> Answer:
    found, outdated = None, None
    if row.anomaly_score is not None:
        try:
            found = standing(desk.analyses, row)
        except (ConflictError, NotFoundError):
            outdated = "It was given under a model or an encoder that is not in use any more."
    with desk.home.database.read() as session:
        rule = desk.thresholds.rule(session, row.age_group_model_id)
    if row.results.get("rule_version", rule.version) != rule.version:
        outdated = outdated or "It was given under an earlier threshold."
    score = row.normalized_score
    child = None if found is None else found.drawing.child_id
    bound = found is not None and why_only_a_bound(found.reference.calibration, child)
    facts = facts_of(row, level_is_a_bound=bool(bound))
    return Answer(
        row,
        chip_of(row),
        look_of(row),
        None if score is None else place_of_100(score),
        ExplanationGenerator().generate_explanation(facts),
        None if found is None else cards.score_strip(row, found.reference, child),
        outdated,
    )

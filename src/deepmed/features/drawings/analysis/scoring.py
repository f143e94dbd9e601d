"""From stored vectors to outcomes: no session, no clock, the same inputs give the same answer."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deepmed.features.drawings.analysis.outcome import ActiveModel, Outcome, natural_frequency
from deepmed.features.drawings.analysis.parts import (
    Pool,
    age_part,
    subject_part,
    tell_ages_apart,
)
from deepmed.features.drawings.models.kinds import UNSPECIFIED_SLOT, answering
from deepmed.features.drawings.models.ranges import range_of
from deepmed.features.drawings.subjects import subject_index
from deepmed.features.drawings.tables import AgeGroupModel, Drawing
from deepmed.features.drawings.thresholds.manager import Rule
from deepmed.kit.digests import json_digest
from deepmed.learning.calibration.batch import q_values
from deepmed.learning.calibration.rounding import round_scores
from deepmed.learning.errors import EncoderMismatchError
from deepmed.learning.reference import Reference, ReferenceModel, Role, Rows

VERSION = 2
"""Raised when the method changes, so that old analyses are not taken for new ones."""


@dataclass
class Scene:
    """Everything that an analysis rests on, loaded once for a batch."""

    active: list[ActiveModel]
    """In order of age; subject-aware ones beside those of the same ages that are not."""
    rules: dict[int, Rule]
    pool: Pool | None
    encoder: str
    recipes: dict[int, str]
    vectors: dict[int, np.ndarray[Any, np.dtype[np.float32]]] = field(default_factory=dict)
    copies: Mapping[int, frozenset[int]] = field(default_factory=dict)
    """Of a drawing that was handed in under other names too: the children of these names."""

    def who(self, drawing: Drawing) -> frozenset[int]:
        """Whose the drawing is: all children under whose name the very same picture is there."""
        return self._who(drawing.id, drawing.child_id)

    def whose(self, rows: Rows) -> list[frozenset[int]]:
        """The same for each row."""
        pairs = zip(rows.drawings.tolist(), rows.children.tolist(), strict=True)
        return [self._who(drawing, child) for drawing, child in pairs]

    def _who(self, drawing: int, child: int) -> frozenset[int]:
        return self.copies.get(drawing, frozenset()) | {child}

    def model_for(self, age: float, slot: int = UNSPECIFIED_SLOT) -> ActiveModel | None:
        """The model that answers at this age for this subject; none outside the supported ages."""
        fitting = {item.row.kind: item for item in self.active if item.ages.holds(age)}
        return answering(fitting, given=slot != UNSPECIFIED_SLOT)

    def model_of(self, drawing: Drawing) -> ActiveModel | None:
        """The model that answers for a drawing."""
        return self.model_for(drawing.age_years, subject_index(drawing.subject))

    def models_of(self, rows: Rows) -> list[ActiveModel | None]:
        """The same for each row."""
        pairs = zip(rows.ages.tolist(), rows.subjects.tolist(), strict=True)
        return [self.model_for(age, slot) for age, slot in pairs]

    def like(self, item: ActiveModel | None) -> list[ActiveModel]:
        """The models of all ages that look at what this one looks at; of None, all."""
        return [one for one in self.active if item is None or one.row.kind == item.row.kind]

    def refuse_foreign_models(self) -> None:
        """As `refuse_foreign` does."""
        refuse_foreign([item.row for item in self.active], self.encoder)


def refuse_foreign(models: Sequence[AgeGroupModel], encoder: str) -> None:
    """Vectors of the present encoder say nothing to a model that was trained on another's.

    Raises:
        EncoderMismatchError: names the model, both encoders and what to do.
    """
    for row in models:
        if row.vision_model != encoder:
            raise EncoderMismatchError(
                f"Model {row.id} for {range_of(row).words} takes vectors of the encoder "
                f"{row.vision_model}, and the present one is {encoder}. Nothing was analysed. "
                "Set DEEPMED_ENCODER back, or embed the drawings again with "
                "`deepmed drawings embed` and train on them with `deepmed drawings train "
                "--replace`."
            )


def analyse(scene: Scene, drawings: Sequence[Drawing]) -> list[Outcome]:
    """The outcome of each drawing, in order."""
    scored = [drawing for drawing in drawings if _scorable(scene, drawing)]
    rows = _rows(scene, scored)
    measured = Measured(
        {drawing.id: index for index, drawing in enumerate(scored)},
        _scores(scene, rows),
        _scores_across_ages(scene, rows),
        _shifts(scene, rows),
    )
    return [_outcome(scene, drawing, measured) for drawing in drawings]


def batch_q_values(outcomes: Sequence[Outcome], children: Mapping[int, int]) -> dict[str, Any]:
    """Benjamini-Hochberg q by drawing id over the new children of a batch; null for others."""
    ranked = [outcome for outcome in outcomes if outcome.ranking and outcome.ranking.p_value]
    values = q_values(
        [outcome.ranking.p_value for outcome in ranked if outcome.ranking],
        [children[outcome.drawing_id] for outcome in ranked],
        [outcome.role.value for outcome in ranked if outcome.role],
    )
    return {str(outcome.drawing_id): value for outcome, value in zip(ranked, values, strict=True)}


def _scorable(scene: Scene, drawing: Drawing) -> bool:
    return (
        not drawing.is_blank and drawing.id in scene.vectors and scene.model_of(drawing) is not None
    )


def _rows(scene: Scene, drawings: Sequence[Drawing]) -> Rows | None:
    if not drawings:
        return None
    return Rows(
        np.array([drawing.id for drawing in drawings], dtype=np.int64),
        np.array([drawing.child_id for drawing in drawings], dtype=np.int64),
        np.array([drawing.age_years for drawing in drawings], dtype=np.float64),
        np.array([subject_index(drawing.subject) for drawing in drawings], dtype=np.int64),
        np.stack([scene.vectors[drawing.id] for drawing in drawings]),
    )


Scores = dict[tuple[int | None, bool], list[float]]
"""Scores by (model id, or None for the pooled one; whether the twin's); NaN where not asked for."""


@dataclass(frozen=True)
class Measured:
    """Everything that detectors say of the drawings that can be scored."""

    place: dict[int, int]
    """The column's place of each drawing."""
    scores: Scores
    across: dict[int, list[float]]
    """Scores for the age part by model id."""
    shifts: list[float]
    """How far the score under the model of its age can move on other hardware."""


def _scores(scene: Scene, rows: Rows | None) -> Scores:
    """Every score that an answer will take up: of whom the drawing's child allows to be asked."""
    if rows is None:
        return {}
    whose = scene.whose(rows)
    own = scene.models_of(rows)
    found: Scores = {}
    for item in scene.active:
        wanted = [
            item.model.reference_for(child) if mine is item else None
            for child, mine in zip(whose, own, strict=True)
        ]
        found |= _columns(item.row.id, item.model, scene.encoder, rows, wanted)
    if scene.pool is not None:
        model = scene.pool.model
        wanted = [model.reference_for(child) for child in whose]
        found |= _columns(None, model, scene.encoder, rows, wanted)
    return found


def _scores_across_ages(scene: Scene, rows: Rows | None) -> dict[int, list[float]]:
    """Scores for the age part by model id; NaN where the model was fitted on the child."""
    found: dict[int, list[float]] = {}
    own = [] if rows is None else scene.models_of(rows)
    for item in scene.active:
        column = np.full(0 if rows is None else len(rows), np.nan)
        if rows is not None and tell_ages_apart(scene.like(item)):
            asked = np.array(
                [
                    (mine is None or mine.row.kind == item.row.kind)
                    and item.model.role(child) is not Role.FIT
                    for child, mine in zip(scene.whose(rows), own, strict=True)
                ],
                dtype=bool,
            )
            column[asked] = item.model.score_across_ages(rows.take(asked), scene.encoder)
        found[item.row.id] = column.tolist()
    return found


def _shifts(scene: Scene, rows: Rows | None) -> list[float]:
    """How far each drawing's score under the model of its age can move on other hardware."""
    if rows is None:
        return []
    shifts = np.zeros(len(rows))
    whose = scene.whose(rows)
    own = scene.models_of(rows)
    for item in scene.active:
        for twin, half in ((False, item.model.model), (True, item.model.twin)):
            asked = np.array(
                [
                    mine is item and half is not None and item.model.reference_for(child) is half
                    for child, mine in zip(whose, own, strict=True)
                ],
                dtype=bool,
            )
            shifts[asked] = item.model.score_shift(rows.take(asked), twin=twin)
    # Like scores: the last bits depend on the rows beside, and no decision shall.
    rounded: list[float] = round_scores(shifts).tolist()
    return rounded


def _columns(
    key: int | None,
    model: ReferenceModel,
    encoder: str,
    rows: Rows,
    wanted: Sequence[Reference | None],
) -> Scores:
    columns: Scores = {}
    for twin, half in ((False, model.model), (True, model.twin)):
        asked = np.array([half is not None and one is half for one in wanted], dtype=bool)
        column = np.full(len(rows), np.nan)
        column[asked] = model.score(rows.take(asked), encoder, twin=twin) if half else []
        columns[key, twin] = column.tolist()
    return columns


def _outcome(scene: Scene, drawing: Drawing, measured: Measured) -> Outcome:
    item = scene.model_of(drawing)
    if item is None or drawing.id not in measured.place:
        return _no_answer(scene, drawing, item)
    index = measured.place[drawing.id]
    child = scene.who(drawing)
    rule = scene.rules[item.row.id]
    reference = item.model.reference_for(child)
    twin = reference is not None and reference is item.model.twin
    score = measured.scores[item.row.id, twin][index] if reference else None
    ranking = item.model.decide(
        score, child, rule.rank_percentile, rule.threshold, shift=measured.shifts[index]
    )
    role = item.model.role(child)
    results = {
        "role": role.value,
        "ranked_by": "twin" if twin else "model",
        "age_group": item.ages.label,
        "model_type": item.row.model_type,
        "layout": item.model.layout.value,
        "encoder": scene.encoder,
        "rule_version": rule.version,
        "natural_frequency": natural_frequency(ranking),
        "among": "of this age" if item.row.parameters.get("tells_ages_apart") else "of this group",
        "subject_part": _subject(scene, drawing, index, measured.scores),
        "age_part": age_part(
            scene.like(item),
            child,
            {number: column[index] for number, column in measured.across.items()},
        ),
        "ranking": ranking.to_dict(),
    }
    return Outcome(
        drawing.id,
        item.row.id,
        ranking.decision,
        ranking.reason,
        role,
        ranking,
        results,
        _inputs(scene, drawing, item, rule),
    )


def _subject(scene: Scene, drawing: Drawing, index: int, scores: Scores) -> dict[str, Any]:
    own = {twin: scores[None, twin][index] for twin in (False, True) if scene.pool}
    return subject_part(scene.pool, drawing.subject, scene.who(drawing), own)


def _no_answer(scene: Scene, drawing: Drawing, item: ActiveModel | None) -> Outcome:
    if drawing.is_blank:
        decision, reason = "blank", "The page is nearly blank, so there is nothing to compare."
    elif item is None:
        decision, reason = "no_model", _no_model(scene, drawing)
    else:
        decision, reason = "not_embedded", "The drawing has no embedding of the present encoder."
    model_id = item.row.id if item else None
    rule = scene.rules[model_id] if model_id is not None else Rule(0, None, None)
    return Outcome(
        drawing.id, model_id, decision, reason, None, None, {}, _inputs(scene, drawing, item, rule)
    )


def _no_model(scene: Scene, drawing: Drawing) -> str:
    age = drawing.age_years
    if any(item.ages.holds(age) for item in scene.active):
        return (
            f"The model in use for {age:g} years ranks drawings by their subject too, and this "
            "drawing has none of the list. Name its subject, or use a model that looks at none."
        )
    supported = ", ".join(dict.fromkeys(item.ages.words for item in scene.active)) or "none yet"
    return f"No model covers the age of {age:g} years. Covered: {supported}."


def inputs_of(scene: Scene, drawing: Drawing) -> str:
    """The hash of everything that this drawing's answer rests on; nothing is scored for it."""
    item = scene.model_of(drawing)
    rule = scene.rules[item.row.id] if item else Rule(0, None, None)
    return _inputs(scene, drawing, item, rule)


def _inputs(scene: Scene, drawing: Drawing, item: ActiveModel | None, rule: Rule) -> str:
    vector = scene.vectors.get(drawing.id)
    content = {
        "version": VERSION,
        "drawing": drawing.id,
        "child": drawing.child_id,
        "copies": sorted(scene.who(drawing) - {drawing.child_id}),
        "age": drawing.age_years,
        "subject": drawing.subject,
        "blank": drawing.is_blank,
        "vector": hashlib.sha256(vector.tobytes()).hexdigest() if vector is not None else None,
        "model": item and [item.row.id, scene.recipes[item.row.id]],
        "active": sorted(scene.recipes[one.row.id] for one in scene.like(item)),
        "pool": scene.pool and scene.pool.fingerprint(drawing.subject),
        "rule": [rule.version, rule.percentile, rule.threshold],
    }
    return json_digest(content)

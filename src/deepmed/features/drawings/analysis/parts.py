"""The parts beside the main answer: among drawings of the subject, and of other ages (D-16)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deepmed.features.drawings.analysis.outcome import MINIMUM_CELL, ActiveModel
from deepmed.kit.digests import json_digest
from deepmed.learning.calibration.conformal import CalibrationSet
from deepmed.learning.reference import Reference, ReferenceModel, Role, Who, without

NO_AGE_PART = (
    "These models do not tell the drawings of neighbouring ages apart, so a comparison across "
    "ages would say nothing."
)


class Pool:
    """The model over all groups, with its calibration drawings by subject.

    Args:
        model: the pooled model.
        version: its recipe and revision.
        subjects: subject of each drawing that calibrates it or its twin, as it is now.
    """

    def __init__(
        self, model: ReferenceModel, version: str, subjects: Mapping[int, str | None]
    ) -> None:
        self.model = model
        self.version = version
        self._subjects = subjects
        self._cells: dict[tuple[bool, str], CalibrationSet] = {}
        self._fingerprints: dict[str | None, str] = {}

    def cell(self, reference: Reference, subject: str) -> CalibrationSet:
        """The calibration children of the model or its twin with drawings of a subject."""
        key = (reference is self.model.twin, subject)
        if key not in self._cells:
            drawn = reference.calibration_drawings.tolist()
            inside = np.array([self._subjects.get(one) == subject for one in drawn], dtype=bool)
            children = np.array(reference.calibration.children, dtype=np.int64)
            scores = reference.calibration.scores[inside]
            self._cells[key] = CalibrationSet(scores, children[inside])
        return self._cells[key]

    def fingerprint(self, subject: str | None) -> str:
        """Changes with whatever an answer about a subject rests on; subjects can be corrected."""
        if subject not in self._fingerprints:
            cell = sorted(one for one, name in self._subjects.items() if name == subject)
            self._fingerprints[subject] = json_digest([self.version, cell])
        return self._fingerprints[subject]


def subject_part(
    pool: Pool | None, subject: str | None, child: Who, scores: Mapping[bool, float]
) -> dict[str, Any]:
    """The conformal p among the subject's calibration children of all groups.

    Args:
        pool: the model over all groups, where there is one.
        subject: the drawing's subject.
        child: whose the drawing is.
        scores: the drawing's score under the pooled model (False) and its twin (True).
    """
    if pool is None:
        return _none("no model over all groups is active", subject)
    if subject is None:
        return _none("the drawing has no subject", subject)
    reference = pool.model.reference_for(child)
    if reference is None:
        return _none("the pooled model was fitted on this child and has no twin", subject)
    others = without(pool.cell(reference, subject), child)
    if others.n_children < MINIMUM_CELL:
        return _none(
            f"{others.n_children} other children with this subject calibrate, {MINIMUM_CELL} are "
            "needed",
            subject,
            others.n_children,
        )
    score = scores[reference is pool.model.twin]
    return {
        "subject": subject,
        "p_value": others.p_value(score),
        "children": others.n_children,
        "reason": None,
    }


def tell_ages_apart(active: Sequence[ActiveModel]) -> bool:
    """Whether every model does; else an answer across ages would say nothing (D-27)."""
    return all(item.row.parameters.get("tells_ages_apart") for item in active)


def age_part(
    active: Sequence[ActiveModel], child: Who, scores: Mapping[int, float]
) -> dict[str, Any]:
    """The p under each group's model in which the child is not fit, or why there is none.

    A model that has the age as a column is asked at its neutral age, the drawing and whom it is
    ranked against alike: else a foreign age would be unusual by itself. Under the own group's
    model this p may therefore differ from the main answer's.

    Args:
        active: the active models in order of age.
        child: whose the drawing is.
        scores: the drawing's score across ages under each model, by the model's id.
    """
    if not tell_ages_apart(active):
        return {"statement": NO_AGE_PART, "groups": []}
    return {
        "statement": None,
        "groups": [_age_row(item, child, scores[item.row.id]) for item in active],
    }


def _age_row(item: ActiveModel, child: Who, score: float) -> dict[str, Any]:
    ranking = without(item.model.model.across_ages, child)
    others = ranking.n_children
    row: dict[str, Any] = {"age_group": item.ages.label, "p_value": None, "children": others}
    if item.model.role(child) is Role.FIT:
        return row | {"reason": "this model was fitted on the child"}
    if others < MINIMUM_CELL:
        return row | {"reason": f"{others} other children calibrate, {MINIMUM_CELL} are needed"}
    return row | {"p_value": ranking.p_value(score), "reason": None}


def _none(reason: str, subject: str | None, children: int | None = None) -> dict[str, Any]:
    return {"subject": subject, "p_value": None, "children": children, "reason": reason}

"""What each encoder's vectors tell about the real drawings, set beside those of `hog-pyramid`.

Chosen before any learned encoder was put to the real drawings (ADR 29): the questions, the
detector of the primary one, seeds, and what counts as a win.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from deepmed.features.drawings.bench.detection import ALL, Places, kinds_of, places
from deepmed.features.drawings.bench.entrants import LAYOUT, Entrant, Floats, detector_entrants
from deepmed.features.drawings.bench.material import Material, category_material
from deepmed.features.drawings.bench.neighbours import SPLIT as NEAREST
from deepmed.features.drawings.bench.neighbours import nearest_other
from deepmed.features.drawings.bench.prepared import Real
from deepmed.features.drawings.encoders.figures import HELD_OUT, ages_told
from deepmed.kit import seeds
from deepmed.learning.encoders import Encoder
from deepmed.learning.evaluation import (
    auroc_interval,
    mean_interval,
    paired_difference_interval,
    share_interval,
)
from deepmed.learning.evaluation.measuring import measured

DETECTOR = "mahalanobis"
"""The published benchmark names it the best simple one on the real drawings, for both built-in
encoders; so it is what a training with the default encoder takes."""
OTHER_DETECTOR = "knn"
PLANTED = "planted anomalies"
PRIMARY = f"{PLANTED}, {DETECTOR}"
BUILT_IN, UNTRAINED, LEARNED = "built in", "untrained", "learned"
Figures = dict[str, Any]
Step = Callable[[str], None]


@dataclass(frozen=True)
class Looker:
    """An encoder that is asked.

    Attributes:
        name: as in the result.
        role: `built in`, `untrained` or `learned`.
        seed: of its training, None where there was none.
        encoder: what looks.
    """

    name: str
    role: str
    seed: int | None
    encoder: Encoder


@dataclass(frozen=True)
class Asking:
    """What all questions share; the first looker is the one that the others are set beside."""

    lookers: tuple[Looker, ...]
    seed: int
    resamples: int
    step: Step

    def rows(
        self,
        figure: Callable[[str], Figures],
        beside: Callable[[str], Figures],
        more: Callable[[str], Figures] | None = None,
    ) -> list[Figures]:
        """A row for each looker, asked by name."""
        present = self.lookers[0].name
        return [
            {
                "name": one.name,
                "role": one.role,
                "seed": one.seed,
                "figure": figure(one.name),
                "beside": None if one.name == present else beside(one.name),
                **(more(one.name) if more else {}),
            }
            for one in self.lookers
        ]


def answers(real: Real, asking: Asking) -> list[Figures]:
    """All questions with a row for each encoder, the primary one first."""
    found = [
        _detection(PRIMARY, real.material, DETECTOR, asking),
        _detection(f"{PLANTED}, {OTHER_DETECTOR}", real.material, OTHER_DETECTOR, asking),
    ]
    for subject in sorted(set(real.drawings.subjects)):
        material = category_material(
            real.drawings, real.material.pictures, subject, seed=asking.seed
        )
        name = f"another category where {subject} is typical, {DETECTOR}"
        found.append(_detection(name, material, DETECTOR, asking))
    views = {
        one.name: real.vectors(one.encoder).vectors.astype(np.float64) for one in asking.lookers
    }
    return [*found, _retrieval(real, views, asking), _age(real, views, asking)]


def _detection(name: str, material: Material, detector: str, asking: Asking) -> Figures:
    found = {}
    for one in asking.lookers:
        asking.step(f"{name}: {one.name}")
        found[one.name] = places(material, _entrant(material, one.encoder, detector), asking.seed)
    present = found[asking.lookers[0].name]
    kinds = kinds_of(material) if name == PRIMARY else []

    def by_kind(who: str) -> Figures:
        return {"kinds": {kind: _auroc(found[who], kind, asking=asking) for kind in kinds}}

    return {
        "task": name,
        "measure": f"AUROC of {detector} with the age beside the vector",
        "split": material.split,
        "higher_is_better": True,
        "rows": asking.rows(
            lambda who: _auroc(found[who], ALL, asking=asking),
            lambda who: _auroc_difference(found[who], present, ALL, asking=asking),
            by_kind if kinds else None,
        ),
    }


def _entrant(material: Material, encoder: Encoder, detector: str) -> Entrant:
    entered = detector_entrants(material, encoder, LAYOUT)
    return next(one for one in entered if one.name == detector)


def _auroc(found: Places, kind: str, *, asking: Asking) -> Figures:
    negatives, positives = found.negatives(kind), found.of(kind)
    return measured(
        partial(
            auroc_interval,
            negatives[0],
            positives[0],
            negatives[1],
            positives[1],
            _interval_seed(asking, found.material, kind),
            resamples=asking.resamples,
            split=found.material.split,
        )
    )


def _auroc_difference(found: Places, present: Places, kind: str, *, asking: Asking) -> Figures:
    negatives, positives = found.negatives(kind), found.of(kind)
    return measured(
        partial(
            paired_difference_interval,
            (negatives[0], positives[0]),
            (present.negatives(kind)[0], present.of(kind)[0]),
            negatives[1],
            positives[1],
            _interval_seed(asking, found.material, kind),
            resamples=asking.resamples,
            split=found.material.split,
        )
    )


def _interval_seed(asking: Asking, material: Material, kind: str) -> int:
    return seeds.derive(asking.seed, "bench interval", material.name, kind)


def _retrieval(real: Real, views: Mapping[str, Floats], asking: Asking) -> Figures:
    """Does the nearest drawing of another child show the same subject?"""
    children, subjects = real.drawings.rows.children, np.array(real.drawings.subjects)
    hits = {
        name: subjects[nearest_other(view, children)] == subjects for name, view in views.items()
    }
    seed = seeds.derive(asking.seed, "bench retrieval")
    present = hits[asking.lookers[0].name].astype(float)

    def figure(who: str) -> Figures:
        return measured(lambda: share_interval(hits[who], children, seed, split=NEAREST))

    def beside(who: str) -> Figures:
        more = hits[who].astype(float) - present
        return measured(lambda: _mean(more, real, seed, asking, NEAREST))

    return {
        "task": "retrieval",
        "measure": "share whose nearest drawing of another child has the subject",
        "split": NEAREST,
        "higher_is_better": True,
        "rows": asking.rows(figure, beside),
    }


def _age(real: Real, views: Mapping[str, Floats], asking: Asking) -> Figures:
    """How many years is a ridge regression off, with children held out?"""
    rows, seed = real.drawings.rows, seeds.derive(asking.seed, "bench age")
    asking.step("telling the age")
    off = {
        name: np.abs(ages_told(view, rows.children, rows.ages, asking.seed) - rows.ages)
        for name, view in views.items()
    }
    present = off[asking.lookers[0].name]

    def figure(who: str) -> Figures:
        return measured(lambda: _mean(off[who], real, seed, asking, HELD_OUT))

    def beside(who: str) -> Figures:
        return measured(lambda: _mean(present - off[who], real, seed, asking, HELD_OUT))

    return {
        "task": "age error",
        "measure": "mean distance to the age in years; a difference is how much nearer it comes",
        "split": HELD_OUT,
        "higher_is_better": False,
        "rows": asking.rows(figure, beside),
    }


def _mean(values: Floats, real: Real, seed: int, asking: Asking, split: str) -> Any:
    children = real.drawings.rows.children.tolist()
    return mean_interval(values, children, seed, resamples=asking.resamples, split=split)

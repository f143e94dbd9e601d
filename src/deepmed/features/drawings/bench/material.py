"""What detectors are tried on: drawings to learn from, held-out ones, and ones to be found."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from deepmed.features.drawings.bench.collection import Collection, Image, SampleSets
from deepmed.features.drawings.bench.copies import redrawn
from deepmed.kit import seeds
from deepmed.learning.planting import PlantedKind, plant_set
from deepmed.learning.reference import Rows, join, plan_groups

Ids = NDArray[np.int64]
Numbers = NDArray[np.floating]
Look = Callable[[Sequence[Image]], Numbers]
FOLDS = 5
CONTROL = "redrawn"
"""The kind of a drawing in which nothing is unusual but the softness of its strokes."""


@dataclass(frozen=True)
class Altered:
    """A picture made from a drawing; `source` is that drawing's place."""

    image: Image
    kind: str
    source: int


class Pictures:
    """Pictures that several parts look at: each way of seeing one is computed once."""

    def __init__(self, images: Sequence[Image]) -> None:
        self.images = images
        self._views: dict[str, dict[int, Numbers]] = {}

    def view(self, name: str, look: Look, which: Sequence[int]) -> Numbers:
        """What `look` makes of some of the pictures, one row each; remembered under its name."""
        seen = self._views.setdefault(name, {})
        missing = [index for index in which if index not in seen]
        if missing:
            seen.update(zip(missing, look([self.images[index] for index in missing]), strict=True))
        return np.array([seen[index] for index in which])


@dataclass(frozen=True)
class Trial:
    """One fitting, and what is put to it: places of pictures in the material.

    Attributes:
        fit: drawings that the detector learns from.
        typical: held-out typical drawings of other children.
        unusual: what should score above them; not by children of the fitting part either.
    """

    fit: Ids
    typical: Ids
    unusual: Ids


@dataclass(frozen=True)
class Material:
    """Pictures with what is known of each, and the trials made of them.

    Attributes:
        name: short name, as in the result.
        split: in words, how fitting and testing children are kept apart.
        pictures: n pictures, typical and unusual ones.
        rows: one row a picture; an unusual one has its source's child and age.
        kinds: what is unusual in each, "" for typical drawings.
        trials: who is fitted and tested when.
    """

    name: str
    split: str
    pictures: Pictures
    rows: Rows
    kinds: tuple[str, ...]
    trials: tuple[Trial, ...]

    @cached_property
    def typical(self) -> Ids:
        """Held-out typical drawings, in the order of the trials."""
        return np.concatenate([trial.typical for trial in self.trials])

    @cached_property
    def unusual(self) -> Ids:
        """Unusual pictures that are tried, in the order of the trials."""
        return np.concatenate([trial.unusual for trial in self.trials])

    def seen(self, name: str, look: Look) -> Numbers:
        """(n, d), what `look` makes of each picture; not-a-number where no trial needs it."""
        parts = [part for one in self.trials for part in (one.fit, one.typical, one.unusual)]
        used = np.unique(np.concatenate(parts))
        views = self.pictures.view(name, look, used.tolist())
        matrix = np.full((len(self.rows), views.shape[1]), np.nan, dtype=views.dtype)
        matrix[used] = views
        return matrix

    def thinned(self, per_kind: int) -> "Material":
        """The same trials with about so many unusual pictures a kind, for what takes long."""
        per_trial = -(-per_kind // len(self.trials))
        return replace(self, trials=tuple(self._thin(trial, per_trial) for trial in self.trials))

    def _thin(self, trial: Trial, most: int) -> Trial:
        count: Counter[str] = Counter()
        kept = []
        for index in trial.unusual.tolist():
            count[self.kinds[index]] += 1
            if count[self.kinds[index]] <= most:
                kept.append(index)
        return replace(trial, unusual=np.array(kept, dtype=np.int64))


def real_material(real: Collection, per_kind: int | None, seed: int) -> Material:
    """Age groups in five folds by child; anomalies are planted into each fold's own drawings.

    So are the stand-ins of "another group's drawing" by children of the same fold: whoever is put
    to a detector is unknown to it.
    """
    folds = deal(real.rows.children, seed)
    per_fold = None if per_kind is None else -(-per_kind // FOLDS)
    altered = [
        item
        for fold in range(FOLDS)
        for item in alter(real, np.flatnonzero(folds == fold), per_fold, seed)
    ]
    source = np.array([item.source for item in altered], dtype=np.int64)
    place = np.arange(len(source)) + len(real)
    labels = np.array(real.labels)
    trials = [
        Trial(
            np.flatnonzero((labels == group.label) & (folds != fold)),
            np.flatnonzero((labels == group.label) & (folds == fold)),
            place[(labels[source] == group.label) & (folds[source] == fold)],
        )
        for group in real.groups
        for fold in range(FOLDS)
    ]
    return Material(
        name="real",
        split=f"age groups of real drawings, {FOLDS} folds by child",
        pictures=Pictures([*real.images, *(item.image for item in altered)]),
        rows=join([real.rows, real.rows.take(source)]),
        kinds=("",) * len(real) + tuple(item.kind for item in altered),
        trials=tuple(trials),
    )


def sample_material(sets: SampleSets, per_kind: int | None, seed: int) -> Material:
    """The samples' age groups as the product plans them, tested on further children."""
    typical, further, sources = sets.typical, sets.further, sets.sources
    altered = alter(sources, np.arange(len(sources)), per_kind, seed)
    source = np.array([item.source for item in altered], dtype=np.int64)
    place = np.arange(len(source)) + len(typical) + len(further)
    labels = [np.array(part.labels) for part in (typical, further, sources)]
    groups = {group.label: typical.rows.take(labels[0] == group.label) for group in typical.groups}
    trials = [
        Trial(
            # Drawings of the samples are numbered by their place.
            plan.model.training.drawings,
            np.flatnonzero(labels[1] == label) + len(typical),
            place[labels[2][source] == label],
        )
        for label, plan in plan_groups(groups, seed).items()
    ]
    return Material(
        name="samples",
        split="fitting part of the 95 samples, tested on further generated children",
        pictures=Pictures([*typical.images, *further.images, *(item.image for item in altered)]),
        rows=join([typical.rows, further.rows, sources.rows.take(source)]),
        kinds=("",) * (len(typical) + len(further)) + tuple(item.kind for item in altered),
        trials=tuple(trials),
    )


def category_material(real: Collection, pictures: Pictures, typical: str, seed: int) -> Material:
    """Drawings of one subject are typical, those of the others are to be found."""
    own = np.array([subject == typical for subject in real.subjects])
    folds = deal(real.rows.children, seed)
    trials = tuple(
        Trial(
            np.flatnonzero(own & (folds != fold)),
            np.flatnonzero(own & (folds == fold)),
            np.flatnonzero(~own & (folds == fold)),
        )
        for fold in range(FOLDS)
    )
    kinds = tuple("" if subject == typical else subject for subject in real.subjects)
    split = f"real drawings of all ages, {FOLDS} folds by child"
    return Material(f"typical: {typical}", split, pictures, real.rows, kinds, trials)


def deal(children: Ids, seed: int) -> Ids:
    """The fold of each drawing; a child's drawings are in one."""
    known, codes = np.unique(children, return_inverse=True)
    order = seeds.generator(seed, "bench folds").permutation(len(known))
    fold_of_child = np.empty(len(known), dtype=np.int64)
    fold_of_child[order] = np.arange(len(known)) % FOLDS
    folds: Ids = fold_of_child[codes]
    return folds


def alter(drawings: Collection, inside: Ids, per_kind: int | None, seed: int) -> list[Altered]:
    """Anomalies of every kind planted into these drawings, and the control beside them.

    Stand-ins of "another group's drawing" come from among these drawings too.
    """
    labels = drawings.labels
    planted = plant_set(
        [drawings.images[index] for index in inside],
        drawings.rows.children[inside].tolist(),
        [labels[index] for index in inside],
        seeds.derive(seed, "bench planting"),
        kinds=list(PlantedKind),
        per_kind=per_kind,
    )
    made = [
        Altered(item.image, item.kind.value, int(inside[item.source]))
        for item in planted
        if item.source is not None
    ]
    controls = inside[:per_kind].tolist()
    return made + [Altered(redrawn(drawings.images[one]), CONTROL, one) for one in controls]

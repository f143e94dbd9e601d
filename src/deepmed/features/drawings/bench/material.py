"""What detectors are tried on: drawings to learn from, held-out ones, and ones to be found."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from deepmed.features.drawings.bench.altered import (
    COUNTERPARTS,
    Flags,
    Ids,
    Made,
    alike,
    alter,
    controls,
)
from deepmed.features.drawings.bench.collection import Collection, Image, SampleSets
from deepmed.kit import seeds
from deepmed.learning.reference import Rows, join, plan_groups

Numbers = NDArray[np.floating]
Look = Callable[[Sequence[Image]], Numbers]
FOLDS = 5
LEAST_COUNTERPARTS = 10
"""A trial keeps so many of each where it is thinned: places are among them."""


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
        counterparts: by name, typical drawings that went through what some kinds go through; by
            children of the held-out drawings.
    """

    fit: Ids
    typical: Ids
    unusual: Ids
    counterparts: Mapping[str, Ids] = field(default_factory=dict)

    @property
    def used(self) -> Ids:
        """All pictures that it looks at."""
        parts = (self.fit, self.typical, self.unusual, *self.counterparts.values())
        return np.unique(np.concatenate(parts))

    def without(self, gone: Flags) -> "Trial":
        """The same trial without the pictures that are marked, in none of its parts."""
        return Trial(
            self.fit[~gone[self.fit]],
            self.typical[~gone[self.typical]],
            self.unusual[~gone[self.unusual]],
            {name: part[~gone[part]] for name, part in self.counterparts.items()},
        )


@dataclass(frozen=True)
class Material:
    """Pictures with what is known of each, and the trials made of them.

    Attributes:
        name: short name, as in the result.
        split: in words, how fitting and testing children are kept apart.
        pictures: n pictures, typical and unusual ones.
        rows: one row a picture; one that was made has its source's child and age.
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

    def __post_init__(self) -> None:
        object.__setattr__(self, "trials", tuple(map(self._comparable, self.trials)))

    @property
    def counterparts(self) -> list[str]:
        """Names of those that the trials have."""
        return list(self.trials[0].counterparts)

    def counterpart(self, name: str) -> Ids:
        """Those of a name, in the order of the trials."""
        return np.concatenate([trial.counterparts[name] for trial in self.trials])

    def against(self, kind: str) -> str | None:
        """The counterparts that a kind is told from; None for the typical drawings themselves."""
        name = COUNTERPARTS.get(kind)
        return name if name in self.counterparts else None

    def without_children(self, children: Ids) -> "Material":
        """The same trials as if these children had never drawn."""
        gone = np.isin(self.rows.children, children)
        trials = [trial.without(gone) for trial in self.trials]
        return replace(self, trials=tuple(trial for trial in trials if len(trial.typical)))

    def seen(self, name: str, look: Look) -> Numbers:
        """(n, d), what `look` makes of each picture; not-a-number where no trial needs it."""
        used = np.unique(np.concatenate([trial.used for trial in self.trials]))
        views = self.pictures.view(name, look, used.tolist())
        matrix = np.full((len(self.rows), views.shape[1]), np.nan, dtype=views.dtype)
        matrix[used] = views
        return matrix

    def thinned(self, per_kind: int) -> "Material":
        """The same trials with about so many unusual pictures a kind, for what takes long."""
        per_trial = -(-per_kind // len(self.trials))
        return replace(self, trials=tuple(self._thin(trial, per_trial) for trial in self.trials))

    def _comparable(self, trial: Trial) -> Trial:
        """Without what would be told from counterparts that this trial has none of."""
        missing = {name for name, part in trial.counterparts.items() if not len(part)}
        names = [COUNTERPARTS.get(self.kinds[index]) for index in trial.unusual.tolist()]
        kept = np.array([name not in missing for name in names], dtype=np.bool_)
        return replace(trial, unusual=trial.unusual[kept])

    def _thin(self, trial: Trial, most: int) -> Trial:
        count: Counter[str] = Counter()
        kept = []
        for index in trial.unusual.tolist():
            count[self.kinds[index]] += 1
            if count[self.kinds[index]] <= most:
                kept.append(index)
        fewer = {
            name: part[: max(most, LEAST_COUNTERPARTS)] for name, part in trial.counterparts.items()
        }
        return replace(trial, unusual=np.array(kept, dtype=np.int64), counterparts=fewer)


def real_material(real: Collection, per_kind: int | None, seed: int) -> Material:
    """Age groups in five folds by child; anomalies are planted into each fold's own drawings.

    So are the stand-ins of "another group's drawing" by children of the same fold: whoever is put
    to a detector is unknown to it.
    """
    folds = deal(real.rows.children, seed)
    per_fold = None if per_kind is None else -(-per_kind // FOLDS)
    inside = [np.flatnonzero(folds == fold) for fold in range(FOLDS)]
    altered = [item for part in inside for item in alter(real, part, per_fold, seed)]
    again = [item for part in inside for item in controls(real, part, per_fold, seed)]
    again += [item for part in inside for item in alike(real, part, seed)]
    made = Made.of([*altered, *again], len(real))
    labels = np.array(real.labels)
    trials = [
        Trial(
            np.flatnonzero((labels == group.label) & (folds != fold)),
            np.flatnonzero((labels == group.label) & (folds == fold)),
            made.planted((labels == group.label) & (folds == fold)),
            made.counterparts((labels == group.label) & (folds == fold)),
        )
        for group in real.groups
        for fold in range(FOLDS)
    ]
    return Material(
        name="real",
        split=f"age groups of real drawings, {FOLDS} folds by child",
        pictures=Pictures([*real.images, *made.images]),
        rows=join([real.rows, real.rows.take(made.sources)]),
        kinds=("",) * len(real) + made.kinds,
        trials=tuple(trials),
    )


def sample_material(sets: SampleSets, per_kind: int | None, seed: int) -> Material:
    """The samples' age groups as the product plans them, tested on further children."""
    typical, further, sources = sets.typical, sets.further, sets.sources
    start = len(typical) + len(further)
    planted = Made.of(alter(sources, np.arange(len(sources)), per_kind, seed), start)
    everyone = np.arange(len(further))
    same = [*controls(further, everyone, per_kind, seed), *alike(further, everyone, seed)]
    again = Made.of(same, start + len(planted.images))
    labels = [np.array(part.labels) for part in (typical, further, sources)]
    groups = {group.label: typical.rows.take(labels[0] == group.label) for group in typical.groups}
    trials = [
        Trial(
            # Drawings of the samples are numbered by their place.
            plan.model.training.drawings,
            np.flatnonzero(labels[1] == label) + len(typical),
            np.concatenate(
                [planted.planted(labels[2] == label), again.planted(labels[1] == label)]
            ),
            again.counterparts(labels[1] == label),
        )
        for label, plan in plan_groups(groups, seed).items()
    ]
    rows = [typical.rows, further.rows, sources.rows.take(planted.sources)]
    return Material(
        name="samples",
        split="fitting part of the 95 samples, tested on further generated children",
        pictures=Pictures([*typical.images, *further.images, *planted.images, *again.images]),
        rows=join([*rows, further.rows.take(again.sources)]),
        kinds=("",) * start + planted.kinds + again.kinds,
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

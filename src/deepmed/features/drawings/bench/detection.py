"""How well unusual drawings are told from typical ones: AUROC by kind, over children."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepmed.features.drawings.bench.entrants import DETECTOR, Entrant, Floats
from deepmed.features.drawings.bench.material import CONTROL, Ids, Material
from deepmed.kit import seeds
from deepmed.learning.evaluation import auroc_interval, paired_difference_interval
from deepmed.learning.planting import PlantedKind
from deepmed.learning.reference.evaluation import measured

ALL = "all"
AUTOENCODER = "autoencoder"
SOFTENED = frozenset(
    {PlantedKind.JITTER_1, PlantedKind.JITTER_2, PlantedKind.JITTER_3, PlantedKind.OTHER_GROUP}
)
"""Kinds whose strokes are interpolated; they also stand against the redrawn originals."""
# Places are kept with so many digits, so that whoever recomputes a figure has what it came from.
DIGITS = 4

Scored = tuple[Floats, Ids]
"""Places, and the child of each."""


@dataclass(frozen=True)
class Places:
    """Where each picture stands among the held-out typical drawings of its own trial, 0 to 1.

    Scores of different fittings are on no common scale, places are. Ties count half.

    Attributes:
        material: what the pictures are of.
        typical: of `Material.typical`, in that order.
        unusual: of `Material.unusual`, in that order.
    """

    material: Material
    typical: Floats
    unusual: Floats

    @property
    def negatives(self) -> Scored:
        return self.typical, self.material.rows.children[self.material.typical]

    def of(self, kind: str) -> Scored:
        """The unusual pictures of a kind; "all" is all but the control."""
        kinds = _kinds(self.material)
        chosen = kinds != CONTROL if kind == ALL else kinds == kind
        return self.unusual[chosen], self.material.rows.children[self.material.unusual[chosen]]


def places(material: Material, entrant: Entrant, seed: int) -> Places:
    """Fit in each trial, score what is held out, and rank it within the trial."""
    typical, unusual = [], []
    for number, trial in enumerate(material.trials):
        own_seed = seeds.derive(seed, "bench trial", material.name, number)
        score = entrant.fit(entrant.features[trial.fit], own_seed)
        reference = score(entrant.features[trial.typical])
        typical.append(_places(reference, reference))
        if len(trial.unusual):
            unusual.append(_places(reference, score(entrant.features[trial.unusual])))
    return Places(material, np.concatenate(typical), np.concatenate(unusual))


def compare(
    material: Material,
    rows: Iterable[Entrant],
    seed: int,
    resamples: int,
    step: Callable[[str], None],
) -> dict[str, Any]:
    """AUROC of every entrant, over all and by kind, with what each figure is computed from."""
    found: dict[str, Places] = {}
    report: list[dict[str, Any]] = []
    detectors: list[str] = []
    for entrant in rows:
        step(entrant.name)
        found[entrant.name] = places(material, entrant, seed)
        figures = _figures(found[entrant.name], seed, resamples)
        report.append({"name": entrant.name, "role": entrant.role, "figures": figures})
        if entrant.role == DETECTOR:
            detectors.append(entrant.name)
    return {
        "material": material.name,
        "split": material.split,
        "fitted_on": [len(trial.fit) for trial in material.trials],
        "rows": report,
        "default": _default({name: found[name] for name in detectors}, report, seed, resamples),
        "items": _items(material, found),
    }


def kinds_of(material: Material) -> list[str]:
    """The kinds that are tried, in their usual order, the control last."""
    tried = set(_kinds(material).tolist())
    usual = [kind.value for kind in PlantedKind]
    return sorted(tried, key=lambda kind: usual.index(kind) if kind in usual else len(usual))


def _kinds(material: Material) -> NDArray[np.str_]:
    return np.array([material.kinds[index] for index in material.unusual.tolist()], dtype=np.str_)


def _figures(found: Places, seed: int, resamples: int) -> dict[str, dict[str, Any]]:
    tried = kinds_of(found.material)
    figures = {}
    for kind in [ALL, *tried]:
        figures[kind] = _figure(found, found.negatives, kind, seed, resamples)
        if kind in SOFTENED and CONTROL in tried:
            fair = _figure(found, found.of(CONTROL), kind, seed, resamples)
            figures[kind]["against_redrawn"] = fair
    return figures


def _figure(
    found: Places, negatives: Scored, kind: str, seed: int, resamples: int
) -> dict[str, Any]:
    own_seed = seeds.derive(seed, "bench interval", found.material.name, kind)
    positives = found.of(kind)
    figure = measured(
        partial(
            auroc_interval,
            negatives[0],
            positives[0],
            negatives[1],
            positives[1],
            own_seed,
            resamples=resamples,
            split=found.material.split,
        )
    )
    return figure | {"strength": strength_of(kind), "seed": own_seed}


def strength_of(kind: str) -> int | None:
    """1 to 3 for the kinds that are planted at several strengths."""
    return PlantedKind(kind).strength if kind in set(PlantedKind) else None


def _default(
    found: Mapping[str, Places], report: list[dict[str, Any]], seed: int, resamples: int
) -> dict[str, Any] | None:
    """What a training would choose: the best simple detector unless the autoencoder leads."""
    overall = {
        row["name"]: row["figures"][ALL]["estimate"] or 0.0
        for row in report
        if row["name"] in found
    }
    simple = [name for name in overall if name != AUTOENCODER]
    if not simple or AUTOENCODER not in overall:
        return None
    best = max(simple, key=lambda name: overall[name])
    first, second = found[AUTOENCODER], found[best]
    lead = measured(
        lambda: paired_difference_interval(
            (first.typical, first.of(ALL)[0]),
            (second.typical, second.of(ALL)[0]),
            first.negatives[1],
            first.of(ALL)[1],
            seeds.derive(seed, "bench lead", first.material.name),
            resamples=resamples,
            split=first.material.split,
        )
    )
    ahead = lead["low"] is not None and lead["low"] > 0
    return {"chosen": AUTOENCODER if ahead else best, "best_simple": best, "lead": lead}


def _items(material: Material, found: Mapping[str, Places]) -> dict[str, Any]:
    kinds = kinds_of(material)
    return {
        "typical_children": material.rows.children[material.typical].tolist(),
        "unusual_children": material.rows.children[material.unusual].tolist(),
        "kinds": kinds,
        "unusual_kinds": [kinds.index(kind) for kind in _kinds(material).tolist()],
        "places": {
            name: {"typical": item.typical.tolist(), "unusual": item.unusual.tolist()}
            for name, item in found.items()
        },
    }


def _places(reference: Floats, scores: Floats) -> Floats:
    ordered = np.sort(reference)
    below = np.searchsorted(ordered, scores, "left")
    up_to = np.searchsorted(ordered, scores, "right")
    return np.round((below + up_to) / (2 * len(ordered)), DIGITS)

"""How well unusual drawings are told from typical ones: AUROC by kind, over children."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepmed.features.drawings.bench.altered import CONTROL, COUNTERPARTS, Ids
from deepmed.features.drawings.bench.entrants import DETECTOR, Entrant, Floats
from deepmed.features.drawings.bench.material import Material, Trial
from deepmed.kit import seeds
from deepmed.learning.evaluation import auroc, auroc_interval, paired_difference_interval
from deepmed.learning.evaluation.measuring import measured
from deepmed.learning.planting import PlantedKind

ALL = "all"
AUTOENCODER = "autoencoder"
# Places are kept with so many digits, so that whoever recomputes a figure has what it came from.
DIGITS = 4

Scored = tuple[Floats, Ids]
"""Places, and the child of each."""


@dataclass(frozen=True)
class Places:
    """Where each picture stands among the held-out typical drawings of its own trial, 0 to 1.

    Scores of different fittings are on no common scale, places are. Ties count half. A kind in
    whose making pixels are interpolated stands among its counterparts, and so do these.

    Attributes:
        material: what the pictures are of.
        typical: of `Material.typical`, in that order.
        counterparts: of `Material.counterpart(name)`, by name.
        unusual: of `Material.unusual`, in that order.
        untouched: the same among the typical drawings, whatever the kind.
    """

    material: Material
    typical: Floats
    counterparts: Mapping[str, Floats]
    unusual: Floats
    untouched: Floats

    def negatives(self, kind: str) -> Scored:
        """What a kind is told from; a place among others is as a place among typical drawings."""
        name = self.material.against(kind)
        if name is None:
            return self.typical, self.material.rows.children[self.material.typical]
        which = self.material.counterpart(name)
        return self.counterparts[name], self.material.rows.children[which]

    def of(self, kind: str) -> Scored:
        """The unusual pictures of a kind; "all" is all but the control."""
        return self._unusual(self.unusual, kind)

    def of_untouched(self, kind: str) -> Scored:
        """The same among the typical drawings as they are."""
        return self._unusual(self.untouched, kind)

    def _unusual(self, values: Floats, kind: str) -> Scored:
        kinds = _kinds(self.material)
        chosen = kinds != CONTROL if kind == ALL else kinds == kind
        return values[chosen], self.material.rows.children[self.material.unusual[chosen]]


def places(material: Material, entrant: Entrant, seed: int) -> Places:
    """Fit in each trial, score what is held out, and rank it within the trial."""
    ranked = [
        _ranked(material, trial, entrant, seeds.derive(seed, "bench trial", material.name, number))
        for number, trial in enumerate(material.trials)
    ]
    parts = {part: np.concatenate([one[part] for one in ranked]) for part in ranked[0]}
    return Places(
        material,
        parts["typical"],
        {name: parts[name] for name in material.counterparts},
        parts["unusual"],
        parts["untouched"],
    )


def _ranked(material: Material, trial: Trial, entrant: Entrant, seed: int) -> dict[str, Floats]:
    score = entrant.fit(entrant.features[trial.fit], seed)

    def scored(which: Ids) -> Floats:
        return score(entrant.features[which]) if len(which) else np.zeros(0)

    typical, unusual = scored(trial.typical), scored(trial.unusual)
    others = {name: scored(part) for name, part in trial.counterparts.items()}
    found = {name: _places(scores, scores) for name, scores in others.items()}
    found["typical"] = _places(typical, typical)
    found["untouched"] = _places(typical, unusual)
    own = found["untouched"].copy()
    for name, scores in others.items():
        mine = np.array(
            [material.against(material.kinds[index]) == name for index in trial.unusual.tolist()],
            dtype=np.bool_,
        )
        own[mine] = _places(scores, unusual[mine])
    return found | {"unusual": own}


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
        "default": _default({name: found[name] for name in detectors}, seed, resamples),
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
    figures = {}
    for kind in [ALL, *kinds_of(found.material)]:
        figure = partial(_figure, found.material, kind, seed=seed, resamples=resamples)
        figures[kind] = figure(found.negatives(kind), found.of(kind))
        if found.material.against(kind) is not None:
            untouched = figure(found.negatives(ALL), found.of_untouched(kind))
            figures[kind]["against_untouched"] = untouched
    return figures


def _figure(
    material: Material,
    kind: str,
    negatives: Scored,
    positives: Scored,
    *,
    seed: int,
    resamples: int,
) -> dict[str, Any]:
    own_seed = seeds.derive(seed, "bench interval", material.name, kind)
    figure = measured(
        partial(
            auroc_interval,
            negatives[0],
            positives[0],
            negatives[1],
            positives[1],
            own_seed,
            resamples=resamples,
            split=material.split,
        )
    )
    return figure | {"strength": strength_of(kind), "seed": own_seed}


def strength_of(kind: str) -> int | None:
    """1 to 3 for the kinds that are planted at several strengths."""
    return PlantedKind(kind).strength if kind in set(PlantedKind) else None


def choose(material: Material, rows: Iterable[Entrant], seed: int, resamples: int) -> str:
    """The detector that a training on this material would take."""
    detectors = [entrant for entrant in rows if entrant.role == DETECTOR]
    found = {entrant.name: places(material, entrant, seed) for entrant in detectors}
    default = _default(found, seed, resamples)
    return detectors[0].name if default is None else str(default["chosen"])


def _default(found: Mapping[str, Places], seed: int, resamples: int) -> dict[str, Any] | None:
    """What a training would choose: the best simple detector unless the autoencoder leads."""
    overall = {
        name: auroc(item.negatives(ALL)[0], item.of(ALL)[0]) if len(item.of(ALL)[0]) else 0.0
        for name, item in found.items()
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
            first.negatives(ALL)[1],
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
        "counterpart_children": {
            name: material.rows.children[material.counterpart(name)].tolist()
            for name in material.counterparts
        },
        "places": {name: _stored(item) for name, item in found.items()},
    }


def _stored(found: Places) -> dict[str, Any]:
    """All places of one entrant; among the untouched ones only where that is another place."""
    twice = np.isin(_kinds(found.material), sorted(COUNTERPARTS))
    return {
        "typical": found.typical.tolist(),
        "unusual": found.unusual.tolist(),
        "counterparts": {name: part.tolist() for name, part in found.counterparts.items()},
        "untouched": found.untouched[twice].tolist() if found.counterparts else [],
    }


def _places(reference: Floats, scores: Floats) -> Floats:
    ordered = np.sort(reference)
    below = np.searchsorted(ordered, scores, "left")
    up_to = np.searchsorted(ordered, scores, "right")
    return np.round((below + up_to) / (2 * len(ordered)), DIGITS)

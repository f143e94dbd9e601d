"""Do the models tell ages apart? Neighbouring groups' drawings against the own group's."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deepmed.features.drawings.bench.collection import Collection, SampleSets
from deepmed.kit import seeds
from deepmed.learning.reference import Layout, Rows, fit_reference, join, plan_groups
from deepmed.learning.reference.evaluation import age_specificity

LAYOUTS = tuple(Layout)
CHANCE = 0.5


@dataclass(frozen=True)
class AgeTask:
    """Groups to train on, and drawings by age to test on.

    Attributes:
        material: short name, as in the result.
        training: rows with vectors by group, in the order of ages.
        testing: rows with vectors by group; the same ones where held-out children are among them.
    """

    material: str
    training: dict[str, Rows]
    testing: dict[str, Rows]


def real_task(real: Collection, rows: Rows) -> AgeTask:
    """The real age groups; who was fitted on is left out of the test by the figure itself."""
    groups = _by_group(real, rows)
    return AgeTask("real", groups, groups)


def sample_task(sets: SampleSets, typical: Rows, further: Rows) -> AgeTask:
    """The samples' groups, tested on children whom no training saw."""
    return AgeTask("samples", _by_group(sets.typical, typical), _by_group(sets.further, further))


def age_rows(
    task: AgeTask,
    detectors: Sequence[str],
    encoder: str,
    seed: int,
    step: Callable[[str], None],
) -> Iterator[dict[str, Any]]:
    """The figure of each group, detector and layout; with the age as a column and without it.

    With it, the figure itself gives all drawings one neutral age: the question is what the
    drawings tell, and a foreign age would answer it alone.
    """
    names = list(task.training)
    plans = plan_groups(task.training, seed)
    for detector in detectors:
        step(f"{task.material}, {detector}")
        for layout in LAYOUTS:
            for place, name in enumerate(names):
                model = fit_reference(plans[name], detector, encoder, layout, seed)
                beside = [names[i] for i in (place - 1, place + 1) if 0 <= i < len(names)]
                figure = age_specificity(
                    model,
                    task.testing[name],
                    join([task.testing[other] for other in beside]),
                    seeds.derive(seed, "bench ages", task.material, name),
                )
                yield {
                    "material": task.material,
                    "encoder": encoder.partition("@")[0],
                    "group": name,
                    "detector": detector,
                    "layout": layout.value,
                    **figure,
                    "tells_ages_apart": figure["low"] is not None and figure["low"] > CHANCE,
                }


def _by_group(drawings: Collection, rows: Rows) -> dict[str, Rows]:
    labels = np.array(drawings.labels)
    return {group.label: rows.take(labels == group.label) for group in drawings.groups}

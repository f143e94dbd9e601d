"""What a group of 10, 20, 50 or 1,000 children can do: detection, false alarms, decisions.

Generated drawings alone, because no published set has a thousand children of one age group. From a
crowd so many children are taken at random, again and again, and a model is made of them as a
training makes it; children whom no model knows are then put to it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from deepmed.features.drawings.bench.collection import make_crowd
from deepmed.features.drawings.bench.entrants import LAYOUT
from deepmed.features.drawings.bench.false_alarms import (
    PERCENTILE,
    flags_of,
    mean_over_splits,
    share_flagged,
)
from deepmed.kit import seeds
from deepmed.learning.encoders import Encoder
from deepmed.learning.evaluation import auroc, false_alarm_spread
from deepmed.learning.evaluation.measuring import measured
from deepmed.learning.reference import (
    GroupPlan,
    ReferenceModel,
    Rows,
    fit_reference,
    join,
    plan_groups,
)
from deepmed.learning.reference.evaluation import PlantedRows

CHUNK = 200
"""Pictures held at a time: a crowd's would fill the memory."""
LENDERS = 50
"""Children of each other group in the crowd; larger groups borrow nothing."""


@dataclass(frozen=True)
class Crowd:
    """Typical generated drawings, one a child, with an encoder's vectors.

    Attributes:
        encoder: identity key.
        groups: rows by group, in the order of ages.
        measured: the group that is looked at; the others lend.
    """

    encoder: str
    groups: Mapping[str, Rows]
    measured: str

    def some(self, children: int, seed: int) -> dict[str, Rows]:
        """So many children of each group, at random; all where a group has fewer."""
        return {
            name: rows.take(
                np.sort(
                    seeds.generator(seed, "bench crowd", name).permutation(len(rows))[:children]
                )
            )
            for name, rows in self.groups.items()
        }


@dataclass
class _Tally:
    """What the repetitions came to."""

    rates: list[float] = field(default_factory=list)
    powers: list[float] = field(default_factory=list)
    aurocs: list[float] = field(default_factory=list)
    calibrated: list[int] = field(default_factory=list)
    fitted: list[int] = field(default_factory=list)
    decisions: set[str] = field(default_factory=set)
    attained: list[float] = field(default_factory=list)


def make_crowds(
    seed: int, largest: int, encoders: Sequence[Encoder], step: Callable[[str], None]
) -> list[Crowd]:
    """Draw the crowd once, and embed it with each encoder chunk by chunk."""
    parts: dict[str, list[Rows]] = {encoder.identity.key: [] for encoder in encoders}
    names: list[str] = []
    measured = ""
    for chunk in make_crowd(seed, largest, min(largest, LENDERS), CHUNK):
        step(f"drawing and embedding, {len(names)} so far")
        names += chunk.labels
        measured = chunk.groups[1].label
        for encoder in encoders:
            vectors = np.asarray(encoder.embed(chunk.images), dtype=np.float32)
            parts[encoder.identity.key].append(chunk.rows.with_vectors(vectors))
    return [Crowd(key, _by_group(rows, names), measured) for key, rows in parts.items()]


def size_row(
    crowd: Crowd,
    typical: Rows,
    planted: PlantedRows,
    detector: str,
    *,
    children: int,
    repeats: int,
    seed: int,
) -> dict[str, Any]:
    """One row: a detector in a group of so many children.

    Args:
        crowd: whom models are made of.
        typical: drawings of the group by children outside the crowd.
        planted: anomalies made from drawings of further children.
        detector: name in the registry.
        children: of each group.
        repeats: how often children are taken.
        seed: of the run.
    """
    tally = _Tally()
    for number in range(repeats):
        own_seed = seeds.derive(seed, "bench sizes", children, number)
        plan = plan_groups(crowd.some(children, own_seed), own_seed)[crowd.measured]
        model = fit_reference(
            GroupPlan(plan.model, None), detector, crowd.encoder, LAYOUT, own_seed
        )
        tally.fitted.append(len(plan.model.training))
        _ask(model, typical, planted, tally)
    n = max(tally.calibrated)
    return {
        "detector": detector,
        "children": children,
        "repeats": repeats,
        "fitted_drawings": round(float(np.mean(tally.fitted))),
        "calibration_children": n,
        "decision": ", ".join(sorted(tally.decisions)),
        "attained_level": max(tally.attained),
        "false_alarms": mean_over_splits(tally.rates),
        "least": min(tally.rates),
        "most": max(tally.rates),
        "promised_spread": measured(partial(false_alarm_spread, n, percentile=PERCENTILE)),
        "power": mean_over_splits(tally.powers),
        "auroc": mean_over_splits(tally.aurocs),
        "test_children": len(typical),
        "planted": len(planted.kinds),
        "items": {"rates": tally.rates, "powers": tally.powers, "aurocs": tally.aurocs},
    }


def _ask(model: ReferenceModel, typical: Rows, planted: PlantedRows, tally: _Tally) -> None:
    calibration = model.model.calibration
    scores = model.score(typical, model.encoder)
    unusual = model.score(planted.rows, model.encoder)
    first = model.decide(float(scores[0]), int(typical.children[0]), PERCENTILE)
    tally.decisions.add(first.decision)
    tally.calibrated.append(calibration.n_children)
    tally.attained.append(calibration.attained_level(PERCENTILE) or 0.0)
    tally.rates.append(share_flagged(flags_of(calibration, scores), typical.children))
    tally.powers.append(share_flagged(flags_of(calibration, unusual), planted.rows.children))
    tally.aurocs.append(auroc(scores, unusual))


def _by_group(parts: Sequence[Rows], names: Sequence[str]) -> dict[str, Rows]:
    rows, labels = join(parts), np.array(names)
    return {name: rows.take(labels == name) for name in dict.fromkeys(names)}

"""What a training report says of a model: power, contamination, age-specificity, baselines."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepmed.kit import seeds
from deepmed.learning.calibration.decision import Decision
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation import Interval, auroc_interval, share_interval
from deepmed.learning.evaluation.measuring import measured
from deepmed.learning.reference.fitting import fit_reference
from deepmed.learning.reference.model import ReferenceModel
from deepmed.learning.reference.plan import GroupPlan, Half
from deepmed.learning.reference.rows import Rows, Vectors, join

CONTAMINATION_RATES = (0.01, 0.05, 0.10)


@dataclass(frozen=True)
class PlantedRows:
    """Embedded planted anomalies: each keeps the child, age and id of its source drawing."""

    rows: Rows
    kinds: tuple[str, ...]

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> "PlantedRows":
        """The items that a mask or an index names."""
        index = np.arange(len(self.kinds))[which]
        return PlantedRows(self.rows.take(index), tuple(self.kinds[i] for i in index))

    def of_children(self, children: AbstractSet[int]) -> "PlantedRows":
        """The items whose source these children drew."""
        return self.take(np.isin(self.rows.children, sorted(children)))


def decisions(model: ReferenceModel, rows: Rows, percentile: float) -> list[Decision]:
    """The decision on each row as if it were its child's."""
    scores = {
        twin: model.score(rows, model.encoder, twin=twin)
        for twin in ((False, True) if model.twin else (False,))
    }
    found = []
    for index, child in enumerate(rows.children.tolist()):
        reference = model.reference_for(child)
        twin = reference is not None and reference is model.twin
        score = float(scores[twin][index]) if reference else None
        found.append(model.decide(score, child, percentile))
    return found


def flags(model: ReferenceModel, rows: Rows, percentile: float) -> list[bool | None]:
    """Whether each row is flagged as if it were its child's; None where there is no answer."""
    return [
        one.is_anomaly if one.decision == "ranked" else None
        for one in decisions(model, rows, percentile)
    ]


def planted_share(
    model: ReferenceModel, planted: PlantedRows, percentile: float, seed: int
) -> dict[str, Any]:
    """The share of planted anomalies that are flagged, made from calibration children's drawings.

    Each is ranked against the other children, so its own original does not help it. Where the
    children cannot support the percentile there is no share, and the reason says so.

    Args:
        model: the model to test.
        planted: the planted anomalies.
        percentile: the percentile to flag from; a rule that is set later may have another one.
        seed: seed of the bootstrap over children.

    Returns:
        The figure, the percentile that it was counted at, and the attained level: the share of
        typical drawings that these same rankings flag, without which the power says nothing.
    """
    answers = decisions(model, planted.rows, percentile)
    answered = [index for index, answer in enumerate(answers) if answer.decision == "ranked"]
    children = planted.rows.children[answered]

    def share() -> Interval:
        if not answered:
            raise InsufficientDataError(
                f"None of {len(answers)} planted drawings has an answer at this percentile."
            )
        return share_interval(
            [answers[index].is_anomaly for index in answered],
            children,
            seeds.derive(seed, "planted share"),
            split="planted into calibration drawings",
        )

    levels = dict(
        zip(
            children.tolist(),
            (answers[index].attained_level or 0.0 for index in answered),
            strict=True,
        )
    )
    return measured(share) | {
        "percentile": percentile,
        "attained_level": float(np.mean(list(levels.values()))) if levels else None,
    }


def age_specificity(
    model: ReferenceModel, own: Rows, neighbours: Rows, seed: int
) -> dict[str, Any]:
    """AUROC of the model's score with neighbouring groups' drawings as positives (D-27).

    Where the age is a column, both classes are scored at the same neutral age. With their own
    ages the column would answer alone: the neighbours' lie outside of what the model was fitted
    on, so their drawings score high even if they are no different.

    Args:
        model: the model to test.
        own: drawings of the model's own group.
        neighbours: drawings of the neighbouring groups.
        seed: seed of the bootstrap over children.

    Returns:
        The figure over children that the model was not fitted on, with child-bootstrap interval,
        and the neutral age, which is null where the age is no column.
    """
    negatives = own.without_children(set(model.fit_children))
    positives = neighbours.without_children(set(model.fit_children))
    figure = measured(
        lambda: auroc_interval(
            model.score_across_ages(negatives, model.encoder),
            model.score_across_ages(positives, model.encoder),
            negatives.children,
            positives.children,
            seed=seeds.derive(seed, "age-specificity"),
            split="held-out children of the group and of its neighbours",
        )
    )
    return figure | {"neutral_age": model.neutral_age}


@dataclass(frozen=True)
class Contaminated:
    """A model that was fitted and calibrated with hidden anomalies, and what was put to it.

    Attributes:
        rate: share of the drawings that was to be replaced.
        model: the model with the hidden ones among its drawings.
        replaced: drawings that were replaced by their planted versions.
        tested: planted anomalies of other children.
    """

    rate: float
    model: ReferenceModel
    replaced: Rows
    tested: PlantedRows


def contamination(
    plan: GroupPlan,
    model: ReferenceModel,
    hidden: PlantedRows,
    planted: PlantedRows,
    *,
    percentile: float,
    seed: int,
    keep: Callable[[Contaminated], None] | None = None,
) -> list[dict[str, Any]]:
    """What hidden anomalies among the typical drawings would do to the power (D-8).

    For each rate that share of the model's drawings, at least one, is replaced by its planted
    version, the model is fitted and calibrated anew, and the planted versions of other
    calibration drawings are put to it.

    Args:
        plan: who fits and who calibrates.
        model: the model that was fitted so.
        hidden: planted versions of fitting and calibration drawings, enough for the highest rate.
        planted: planted versions of calibration drawings, to be found.
        percentile: the percentile to flag from.
        seed: seed of the run.
        keep: told what each rate's figures rest on.

    Returns:
        For each rate the number of replaced drawings, the share that this really is (less where
        too few could be altered, more where one drawing is more), and the share of planted
        drawings flagged with and without the contamination, over the same children.
    """
    name = model.model.detector.name
    drawings = len(plan.model.fit) + len(plan.model.calibration)
    report = []
    for rate in CONTAMINATION_RATES:
        spoiled, replaced = _spoil(plan.model, hidden, rate, seed)
        fresh = fit_reference(GroupPlan(spoiled, None), name, model.encoder, model.layout, seed)
        used = set(replaced.children.tolist())
        test = planted.of_children(fresh.model.children - used)
        if keep is not None:
            keep(Contaminated(rate, fresh, replaced, test))
        share = planted_share(fresh, test, percentile, seed)
        clean = planted_share(model, test, percentile, seed)
        report.append(
            {
                "rate": rate,
                "replaced_drawings": len(replaced),
                "attained_rate": len(replaced) / drawings,
                "flagged": share,
                "flagged_without_contamination": clean,
            }
        )
    return report


def _spoil(half: Half, hidden: PlantedRows, rate: float, seed: int) -> tuple[Half, Rows]:
    """The half with some drawings replaced by planted versions, and these drawings."""
    own = join([half.fit, half.calibration])
    wanted = max(1, round(rate * len(own)))
    random = seeds.generator(seed, "contamination", str(rate))
    sources = np.unique(hidden.rows.drawings)
    chosen = set(random.permutation(sources)[:wanted].tolist())
    by_source: dict[int, int] = {}
    for index in random.permutation(len(hidden.kinds)).tolist():
        by_source.setdefault(int(hidden.rows.drawings[index]), index)
    replacement = {source: hidden.rows.vectors[by_source[source]] for source in chosen}
    spoiled = Half(
        _replace(half.fit, replacement), half.borrowed, _replace(half.calibration, replacement)
    )
    return spoiled, own.take(np.isin(own.drawings, sorted(chosen)))


def _replace(rows: Rows, replacement: Mapping[int, Vectors]) -> Rows:
    vectors = rows.vectors.copy()
    for index, drawing in enumerate(rows.drawings.tolist()):
        if drawing in replacement:
            vectors[index] = replacement[drawing]
    return rows.with_vectors(vectors)


def power_by_kind(
    model: ReferenceModel, own: Rows, planted: PlantedRows, seed: int
) -> dict[str, Any]:
    """AUROC of the model's score per kind of planted anomaly, on calibration children only."""
    typical = own.of_children(model.model.children)
    report: dict[str, Any] = {}
    if not len(typical):
        return report
    negative = model.score(typical, model.encoder)
    for kind in (*dict.fromkeys(planted.kinds), "all"):
        items = planted if kind == "all" else planted.take(_mask(planted.kinds, kind))
        held = items.of_children(model.model.children)
        if held.kinds:
            positive = model.score(held.rows, model.encoder)
            report[kind] = measured(
                partial(
                    auroc_interval,
                    negative,
                    positive,
                    typical.children,
                    held.rows.children,
                    seed=seeds.derive(seed, "power", kind),
                    split="calibration drawings and their planted versions",
                )
            )
    return report


def _mask(kinds: Sequence[str], kind: str) -> NDArray[np.bool_]:
    return np.array([item == kind for item in kinds], dtype=bool)

"""What a training report says of a model: power, contamination, age-specificity, baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepmed.kit import seeds
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation import Interval, auroc_interval, wilson_interval
from deepmed.learning.reference.model import ReferenceModel, Role, fit_reference
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

    def of_children(self, children: set[int]) -> "PlantedRows":
        """The items whose source these children drew."""
        return self.take(np.isin(self.rows.children, sorted(children)))


@dataclass(frozen=True)
class Share:
    """A share of items with its Wilson interval and what it was counted on."""

    count: int
    total: int
    share: float | None
    low: float | None
    high: float | None
    unit: str
    split: str

    def to_dict(self) -> dict[str, Any]:
        """All fields by name."""
        return asdict(self)


def share_of(count: int, total: int, unit: str, split: str) -> Share:
    """A share with its 95 % Wilson interval; null where nothing was counted."""
    if not total:
        return Share(0, 0, None, None, None, unit, split)
    interval = wilson_interval(count, total)
    return Share(count, total, count / total, interval.low, interval.high, unit, split)


def flags(model: ReferenceModel, rows: Rows, percentile: float) -> list[bool | None]:
    """Whether each row is flagged as if it were its child's; None where there is no answer."""
    scores = {
        twin: model.score(rows, model.encoder, twin=twin)
        for twin in ((False, True) if model.twin else (False,))
    }
    answers: list[bool | None] = []
    for index, child in enumerate(rows.children.tolist()):
        reference = model.reference_for(child)
        twin = reference is not None and reference is model.twin
        score = float(scores[twin][index]) if reference else None
        decision = model.decide(score, child, percentile)
        unanswered = decision.decision in {"in_sample", "not_supported"}
        answers.append(None if unanswered else decision.is_anomaly)
    return answers


def planted_share(model: ReferenceModel, planted: PlantedRows, percentile: float) -> Share:
    """The share of planted anomalies that are flagged, made from calibration children's drawings.

    Each is ranked against the other children, so its own original does not help it.
    """
    answers = [answer for answer in flags(model, planted.rows, percentile) if answer is not None]
    return share_of(sum(answers), len(answers), "planted drawing", "calibration")


def age_specificity(
    model: ReferenceModel, own: Rows, neighbours: Rows, seed: int
) -> Interval | None:
    """AUROC of the model's score with neighbouring groups' drawings as positives (D-27).

    Args:
        model: the model to test.
        own: drawings of the model's own group.
        neighbours: drawings of the neighbouring groups.
        seed: seed of the bootstrap over children.

    Returns:
        The estimate with its child-bootstrap interval over children that the model was not
        fitted on; None where one side has no such child.
    """
    negatives = own.without_children(set(model.fit_children))
    positives = neighbours.without_children(set(model.fit_children))
    if not len(negatives) or not len(positives):
        return None
    return auroc_interval(
        model.score(negatives, model.encoder),
        model.score(positives, model.encoder),
        negatives.children,
        positives.children,
        seed=seeds.derive(seed, "age-specificity"),
    )


def contamination(
    plan: GroupPlan,
    model: ReferenceModel,
    planted: PlantedRows,
    percentile: float,
    seed: int,
) -> list[dict[str, Any]]:
    """What hidden anomalies among the typical drawings would do to the power (D-8).

    For each rate that share of the model's drawings, at least one, is replaced by its planted
    version, the model is fitted and calibrated anew, and the planted versions of other
    calibration drawings are put to it.
    """
    name = model.model.detector.name
    report = []
    for rate in CONTAMINATION_RATES:
        spoiled, used = _spoil(plan.model, planted, rate, seed)
        fresh = fit_reference(GroupPlan(spoiled, None), name, model.encoder, model.layout, seed)
        test = planted.of_children(fresh.model.children - used)
        share = planted_share(fresh, test, percentile)
        clean = planted_share(model, test, percentile)
        report.append(
            {
                "rate": rate,
                "replaced_drawings": len(used),
                "flagged": share.to_dict(),
                "flagged_without_contamination": clean.to_dict(),
            }
        )
    return report


def _spoil(half: Half, planted: PlantedRows, rate: float, seed: int) -> tuple[Half, set[int]]:
    own = join([half.fit, half.calibration])
    wanted = max(1, round(rate * len(own)))
    random = seeds.generator(seed, "contamination", str(rate))
    sources = [int(source) for source in np.unique(planted.rows.drawings)]
    chosen = set(random.permutation(sources)[:wanted].tolist())
    by_source: dict[int, int] = {}
    for index in random.permutation(len(planted.kinds)).tolist():
        by_source.setdefault(int(planted.rows.drawings[index]), index)
    replacement = {source: planted.rows.vectors[by_source[source]] for source in chosen}
    children = set(own.children[np.isin(own.drawings, sorted(chosen))].tolist())
    spoiled = Half(
        _replace(half.fit, replacement), half.borrowed, _replace(half.calibration, replacement)
    )
    return spoiled, children


def _replace(rows: Rows, replacement: Mapping[int, Vectors]) -> Rows:
    vectors = rows.vectors.copy()
    for index, drawing in enumerate(rows.drawings.tolist()):
        if drawing in replacement:
            vectors[index] = replacement[drawing]
    return rows.with_vectors(vectors)


def power_by_kind(
    model: ReferenceModel, own: Rows, planted: PlantedRows, seed: int
) -> dict[str, Any]:
    """AUROC of the model's score per kind of planted anomaly, on calibration children only.

    Raises:
        InsufficientDataError: no calibration drawing to compare with.
    """
    typical = own.of_children(model.model.children)
    if not len(typical):
        raise InsufficientDataError("No calibration drawing to compare planted ones with.")
    negative = model.score(typical, model.encoder)
    report: dict[str, Any] = {}
    for kind in (*dict.fromkeys(planted.kinds), "all"):
        items = planted if kind == "all" else planted.take(_mask(planted.kinds, kind))
        held = items.of_children(model.model.children)
        if len(held.kinds):
            positive = model.score(held.rows, model.encoder)
            interval = auroc_interval(
                negative,
                positive,
                typical.children,
                held.rows.children,
                seed=seeds.derive(seed, "power", kind),
            )
            report[kind] = interval.to_dict()
    return report


def _mask(kinds: Sequence[str], kind: str) -> NDArray[np.bool_]:
    return np.array([item == kind for item in kinds], dtype=bool)


def roles(model: ReferenceModel, rows: Rows) -> list[Role]:
    """The role of each row's child for the model."""
    return [model.role(child) for child in rows.children.tolist()]

"""Do maps show what the score depends on? Measured on drawings by children new to the model.

They are new to the choice of the detector too: each fold of children is measured with the detector
that the anomalies planted into the other children's drawings chose.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deepmed.features.drawings.bench.collection import Collection
from deepmed.features.drawings.bench.detection import choose
from deepmed.features.drawings.bench.entrants import LAYOUT, entrants
from deepmed.features.drawings.bench.material import FOLDS, Material, deal
from deepmed.kit import seeds
from deepmed.learning.encoders import Encoder, Prepared
from deepmed.learning.errors import InsufficientDataError, SaliencyGenerationError
from deepmed.learning.reference import GroupPlan, Layout, Rows, fit_reference, plan_groups
from deepmed.learning.reference.model import ReferenceModel
from deepmed.learning.saliency import (
    FaithfulnessReport,
    Fill,
    MeasuredDrawing,
    RandomisationCheck,
    SaliencyMap,
    SaliencyMapGenerator,
    ScoreFunction,
    check_randomisation,
    choose_fill,
    gate,
    knowing_nothing,
    measure_faithfulness,
    nearest_typical,
    ranking_of,
)
from deepmed.learning.saliency.report import UNUSUAL_P

SPLIT = (
    f"age groups of real drawings, {FOLDS} folds by child, drawings with p at most {UNUSUAL_P}, "
    "detector chosen without the fold"
)
Detectors = Mapping[int, str]
"""For each fold of children the detector that was chosen without them."""


@dataclass(frozen=True)
class _Case:
    """A drawing that a model who never met its child finds unusual."""

    model: ReferenceModel
    training: Rows
    rows: Rows
    image_of: Callable[[int], Prepared]


@dataclass(frozen=True)
class _Pair:
    """One drawing's map, and the one that a detector that knows nothing gives."""

    before: SaliencyMap
    after: SaliencyMap
    child: int


@dataclass
class _Found:
    drawings: list[MeasuredDrawing] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    maps: dict[str, list[_Pair]] = field(default_factory=dict)


def choose_without_fold(
    material: Material, encoder: Encoder, fold: int, seed: int, resamples: int
) -> str:
    """The detector that a training would choose if the fold's children had never drawn."""
    children = material.rows.children
    rest = material.without_children(np.unique(children[deal(children, seed) == fold]))
    return choose(rest, entrants(rest, encoder), seed, resamples)


def faithfulness(
    real: Collection,
    rows: Rows,
    encoder: Encoder,
    detectors: Detectors,
    *,
    most: int | None,
    seed: int,
    step: Callable[[str], None],
) -> dict[str, Any]:
    """Curves of every method beside the controls, the gate, and the randomisation check.

    Args:
        real: the drawings.
        rows: the same with the encoder's vectors.
        encoder: made the vectors.
        detectors: whose score is explained, by fold; a fold that has none is left out.
        most: how many drawings at most, None for all with p at most 0.2.
        seed: seed of the run.
        step: told what is done now.
    """
    found = _Found()
    cases = list(_cases(real, rows, encoder, detectors, seed))
    if most is not None:
        order = seeds.generator(seed, "bench maps").permutation(len(cases))
        cases = [cases[place] for place in sorted(order[:most].tolist())]
    for number, case in enumerate(cases, 1):
        step(f"drawing {number} of {len(cases)}")
        _measure(case, encoder, seed, found)
    report = FaithfulnessReport(found.drawings, found.refused, SPLIT, seed)
    checks = {method: _check(pairs, seed) for method, pairs in found.maps.items()}
    return {
        "detector": " and ".join(sorted(set(detectors.values()))),
        "detectors": [detectors[fold] for fold in sorted(detectors)],
        "encoder": encoder.identity.key,
        "split": SPLIT,
        "all_drawings": most is None,
        "drawings": len(found.drawings),
        "children": report.children,
        "refused": list(report.refused),
        "fills": _counts(report),
        "rows": _rows(report),
        "gate": _gate(report, {name: check for name, check in checks.items() if check}),
        "randomisation": {name: _checked(check) for name, check in checks.items()},
        "items": _items(report),
    }


def _cases(
    real: Collection, rows: Rows, encoder: Encoder, detectors: Detectors, seed: int
) -> Iterator[_Case]:
    """Each child is new once: in the fold in which it neither fits nor calibrates."""
    folds = deal(rows.children, seed)
    labels = np.array(real.labels)

    def prepared(drawing: int) -> Prepared:
        return encoder.prepare([real.images[drawing]])

    for group in real.groups:
        for fold, detector in detectors.items():
            known = rows.take((labels == group.label) & (folds != fold))
            new = rows.take((labels == group.label) & (folds == fold))
            own_seed = seeds.derive(seed, "bench maps", group.label, fold)
            plan = plan_groups({group.label: known}, own_seed)[group.label].model
            key = encoder.identity.key
            model = fit_reference(GroupPlan(plan, None), detector, key, LAYOUT, own_seed)
            p = ranking_of(model.model.calibration)(model.score(new, key))
            for place in np.flatnonzero(p <= UNUSUAL_P):
                yield _Case(model, plan.training, new.take(np.array([place])), prepared)


def _measure(case: _Case, encoder: Encoder, seed: int, found: _Found) -> None:
    page = case.image_of(int(case.rows.drawings[0]))
    columns = case.rows.columns(LAYOUT)
    nearest = nearest_typical(columns[0], case.training.columns(LAYOUT))
    typical = case.image_of(int(case.training.drawings[nearest]))
    detector = case.model.model.detector
    append = (float(case.rows.ages[0]),) if LAYOUT is Layout.AGE else ()
    function = ScoreFunction(encoder, detector, append)
    ranking = ranking_of(case.model.model.calibration)
    score = function.at(page)
    try:
        fill = choose_fill(score, ranking, typical)
    except SaliencyGenerationError as error:
        found.refused.append(str(error))
        return
    maps = _maps(function, page, fill, seed)
    curves = measure_faithfulness(score, ranking, maps, fill, seed=seed)
    found.drawings.append(MeasuredDrawing.of(int(case.rows.children[0]), curves))
    noise = _maps(knowing_nothing(function, seed), page, fill, seed)
    child = int(case.rows.children[0])
    for before, after in zip(maps, noise, strict=True):
        found.maps.setdefault(before.method, []).append(_Pair(before, after, child))


def _maps(function: ScoreFunction, page: Prepared, fill: Fill, seed: int) -> list[SaliencyMap]:
    generator = SaliencyMapGenerator(function, seed)
    return [
        generator.generate_saliency_map(page, method, fill)
        for method in generator.available_methods()
    ]


def _rows(report: FaithfulnessReport) -> list[dict[str, Any]]:
    rows = []
    for name in report.methods:
        try:
            row = report.row(name)
        except InsufficientDataError as error:
            return [{"method": name, "reason": str(error)} for name in report.methods]
        over = {control: figure.to_dict() for control, figure in row.over.items()}
        rows.append({"method": name, "score": row.score.to_dict(), "over": over, "reason": None})
    return rows


def _gate(report: FaithfulnessReport, checks: Mapping[str, RandomisationCheck]) -> dict[str, Any]:
    result = gate(report, checks)
    return {
        "passed": result.passed,
        "label": result.label,
        "faithful": list(result.faithful),
        "children": result.children,
        "reason": result.reason,
    }


def _check(pairs: list[_Pair], seed: int) -> RandomisationCheck | None:
    """None where a map is constant: it says nothing, whatever the detector knows."""
    before, after = [pair.before for pair in pairs], [pair.after for pair in pairs]
    try:
        return check_randomisation(before, after, [pair.child for pair in pairs], seed)
    except InsufficientDataError:
        return None


def _checked(check: RandomisationCheck | None) -> dict[str, Any]:
    if check is None:
        return {"passed": None, "reason": "A map is constant.", "mean": None, "correlations": []}
    mean = check.mean
    return {
        "passed": check.passed,
        "reason": None if mean else "Too few children for an interval.",
        "mean": mean.from_split(SPLIT).to_dict() if mean else None,
        "correlations": list(check.correlations),
    }


def _counts(report: FaithfulnessReport) -> dict[str, int]:
    fills = [drawing.fill for drawing in report.drawings]
    return {fill: fills.count(fill) for fill in sorted(set(fills))}


def _items(report: FaithfulnessReport) -> list[dict[str, Any]]:
    return [
        {"child": one.child, "p": one.p, "fill": one.fill, "scores": one.scores}
        for one in report.drawings
    ]

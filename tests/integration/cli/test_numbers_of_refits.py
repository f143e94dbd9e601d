"""Numbers for which something is fitted once more, fitted once more here."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import percentileofscore
from sklearn.metrics import roc_auc_score

from deepmed.features.drawings.models.config import GroupTrainingConfig
from deepmed.features.drawings.models.planted import PlantedDrawings
from deepmed.features.drawings.models.selection import FOLDS, Comparison, compare_layouts
from deepmed.features.drawings.runs.reproduce import reproduce
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit import seeds
from deepmed.learning.detectors import make_detector
from deepmed.learning.detectors.folds import Folds
from deepmed.learning.reference import Layout, Rows, fit_reference, from_files, plan_groups
from deepmed.learning.reference.evaluation import PlantedRows, contamination
from factories.recount import Ranking, share_by_child

SEED = 4


def rows_of(vectors: NDArray[np.float64], children: NDArray[np.int64]) -> Rows:
    n = len(vectors)
    ages = np.linspace(6, 8.9, n)
    return Rows(np.arange(n), children, ages, np.zeros(n, np.int64), vectors.astype(np.float32))


def shifted(rows: Rows, by: float) -> PlantedRows:
    return PlantedRows(rows.with_vectors(rows.vectors + np.float32(by)), ("moved",) * len(rows))


def test_what_hidden_anomalies_do_is_a_refit_with_them() -> None:
    """Six hidden ones are a tenth of sixty drawings, so at that rate all six take part."""
    random = np.random.default_rng(0)
    own = rows_of(random.normal(size=(60, 5)), np.arange(60))
    plan = plan_groups({"6-9": own}, SEED)["6-9"]
    model = fit_reference(plan, "knn", "any", Layout.VISUAL, SEED)
    both = np.concatenate([plan.model.fit.drawings[:3], plan.model.calibration.drawings[:3]])
    hidden = shifted(own.take(np.isin(own.drawings, both)), 3.0)
    planted = shifted(plan.model.calibration, 1.2)
    found = contamination(plan, model, hidden, planted, percentile=95.0, seed=SEED)[-1]
    assert (found["rate"], found["replaced_drawings"]) == (0.1, 6)

    spoiled = own.vectors.copy()
    spoiled[both] += np.float32(3.0)
    detector = make_detector("knn").fit(spoiled[plan.model.fit.drawings].astype(np.float64))
    others = [one for one in plan.model.calibration.drawings.tolist() if one not in both]
    for name, vectors, judge in (
        ("flagged", spoiled, detector),
        ("flagged_without_contamination", own.vectors, model.model.detector),
    ):
        whole = plan.model.calibration.drawings
        scores = judge.score_samples(vectors[whole].astype(np.float64))
        header = [
            {"child": int(drawing), "score": float(score)}
            for drawing, score in zip(whole, scores, strict=True)
        ]
        moved = judge.score_samples((own.vectors[others] + np.float32(1.2)).astype(np.float64))
        flags = [
            (child, Ranking(header, child).p(float(score)) <= 0.05)
            for child, score in zip(others, moved, strict=True)
        ]
        assert found[name]["estimate"] == pytest.approx(share_by_child(flags)), name
    assert found["flagged"]["estimate"] < found["flagged_without_contamination"]["estimate"]


def test_a_layouts_auroc_is_over_places_within_folds() -> None:
    random = np.random.default_rng(1)
    own = rows_of(random.normal(size=(40, 5)), np.repeat(np.arange(20), 2))
    planted = shifted(own, 1.0)
    comparison = Comparison(own, PlantedDrawings(planted, [], own), [])
    config = GroupTrainingConfig(detector="knn", seed=SEED)
    report = {row["layout"]: row for row in compare_layouts(comparison, "knn", config)}
    seed = seeds.derive(SEED, "layouts") % 2**31
    folds = Folds.deal(own.children.tolist(), comparison.items(Layout.VISUAL), FOLDS, seed)
    aurocs = {}
    for layout in Layout:
        places: list[float] = []
        truth: list[int] = []
        for fold in range(FOLDS):
            held = folds.of_drawings == fold
            detector = make_detector("knn").fit(
                own.columns(layout)[~held], slots=64 if layout is Layout.SUBJECT else 0
            )
            typical = detector.score_samples(own.columns(layout)[held])
            moved = detector.score_samples(planted.rows.columns(layout)[folds.of_planted == fold])
            places += [percentileofscore(typical, one, "mean") for one in [*typical, *moved]]
            truth += [0] * len(typical) + [1] * len(moved)
        aurocs[layout] = roc_auc_score(truth, places)
        assert report[layout]["auroc"]["estimate"] == pytest.approx(aurocs[layout])
        difference = report[layout]["difference_to_visual"]["estimate"]
        assert difference == pytest.approx(aurocs[layout] - aurocs[Layout.VISUAL])
    for layout, auroc in aurocs.items():
        difference = report[layout]["difference_to_age"]["estimate"]
        assert difference == pytest.approx(auroc - aurocs[Layout.AGE])


def test_the_largest_difference_is_relative_to_the_first_score(trained: Workbench) -> None:
    with trained.database.read() as session:
        [uid] = (
            session.connection()
            .exec_driver_sql(
                "SELECT a.uid FROM age_group_models m JOIN artifacts a ON a.id = m.artifact_id"
                " WHERE m.age_min = 6 AND m.kind = 'group'"
            )
            .scalars()
        )
        package = trained.registry.package(uid)
        header = json.loads(package.files["reference.json"])
        header["model"][0]["score"] *= 1.001
        header["twin"][0]["score"] *= 1.0001
        files = {**package.files, "reference.json": json.dumps(header).encode()}
        found = reproduce(trained, session, from_files(files), package.manifest.lineage["recipe"])
    assert found.largest_difference == pytest.approx(0.001 / 1.001, rel=1e-6)
    assert found.compared_scores == len(header["model"]) + len(header["twin"])
    assert not found.agrees

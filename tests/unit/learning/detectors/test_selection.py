import json
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numpy.testing import assert_array_equal
from sklearn.metrics import roc_auc_score

from deepmed.learning.autoencoder import TrainingConfig
from deepmed.learning.detectors import KnnDetector
from deepmed.learning.detectors.errors import UnknownDetectorError
from deepmed.learning.detectors.folds import Folds, Ranks
from deepmed.learning.detectors.reference_features import ReferenceRow
from deepmed.learning.detectors.report import SelectionReport
from deepmed.learning.detectors.selection import (
    PlantedItem,
    _choose,
    _row,
    detector_for,
    select_detector,
)
from deepmed.learning.errors import InsufficientDataError

Floats = npt.NDArray[np.float64]

pytestmark = pytest.mark.req("D-15.2")

CHILDREN = [f"child {number % 20}" for number in range(40)]
QUICK = TrainingConfig(hidden_dims=(16, 3), epochs=60, learning_rate=0.01)


def _drawings(seed: int = 0) -> Floats:
    """On a plane of three dimensions among twelve, each child with a manner of its own."""
    random = np.random.default_rng(seed)
    manners = random.normal(size=(20, 3))
    codes = manners[np.arange(40) % 20] + 0.3 * random.normal(size=(40, 3))
    return codes @ random.normal(size=(3, 12)) + 0.05 * random.normal(size=(40, 12))


def _planted(drawings: Floats, seed: int = 1) -> list[PlantedItem]:
    """Off the plane, and far out in it."""
    random = np.random.default_rng(seed)
    off = [PlantedItem(row + random.normal(size=12), i, "off") for i, row in enumerate(drawings)]
    far = [PlantedItem(3 * row + 5, i, "far") for i, row in enumerate(drawings)]
    return off + far


class _Recorder(KnnDetector):
    """Remembers what it was fitted on, and scores on a scale of its own."""

    def __init__(self, scale: float, log: list[tuple[Floats, Any, list[Floats]]]) -> None:
        super().__init__()
        self.scale = scale
        self.log = log

    def fit(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: object = None,
        *,
        children: Any = None,
        slots: int = 0,
    ) -> "_Recorder":
        self.log.append((X, children, []))
        self.own_scores = self.log[-1][2]
        return super().fit(X, y, children=children, slots=slots)

    def score_samples(self, X: Any) -> Floats:  # noqa: N803 - scikit-learn's name
        self.own_scores.append(X)
        return self.scale * super().score_samples(X)


def _rank(
    folds: Folds, drawings: Floats, planted: Sequence[PlantedItem], scales: Sequence[float]
) -> tuple[Ranks, list[tuple[Floats, Any, list[Floats]]]]:
    log: list[tuple[Floats, Any, list[Floats]]] = []
    points = np.array([item.embedding for item in planted])
    return folds.rank(lambda fold: _Recorder(scales[fold], log), drawings, points), log


def test_folds_are_by_child_and_of_one_size() -> None:
    folds = Folds.deal(CHILDREN, _planted(_drawings()), 5, seed=3)
    per_child: dict[Hashable, set[int]] = {}
    for child, fold in zip(CHILDREN, folds.of_drawings.tolist(), strict=True):
        per_child.setdefault(child, set()).add(fold)
    assert all(len(found) == 1 for found in per_child.values())
    assert_array_equal(np.bincount(folds.of_drawings), [8] * 5)
    assert_array_equal(folds.of_planted, np.tile(folds.of_drawings, 2))


def test_no_child_is_scored_by_a_detector_that_was_fitted_on_it() -> None:
    drawings = _drawings()
    planted = _planted(drawings)
    folds = Folds.deal(CHILDREN, planted, 5, seed=0)
    _, log = _rank(folds, drawings, planted, [1.0] * 5)
    row_of = {tuple(row): index for index, row in enumerate(drawings)}
    source_of = {tuple(np.asarray(item.embedding)): item.source_row for item in planted}
    scored_rows = 0
    for fitted, owners, scored in log:
        fit_children = {CHILDREN[row_of[tuple(row)]] for row in fitted}
        assert len(set(owners.tolist())) == len(fit_children)
        for row in np.concatenate(scored):
            source = row_of.get(tuple(row), source_of.get(tuple(row)))
            assert source is not None
            assert CHILDREN[source] not in fit_children
            scored_rows += 1
    assert scored_rows == len(drawings) + len(planted)


def test_scores_of_different_folds_are_never_compared() -> None:
    """Each fold's detector has its own scale; the figure must not notice."""
    drawings = _drawings()
    planted = _planted(drawings)
    folds = Folds.deal(CHILDREN, planted, 5, seed=0)
    same, _ = _rank(folds, drawings, planted, [1.0] * 5)
    scaled, log = _rank(folds, drawings, planted, [1.0, 1e3, 1e-3, 10.0, 7.0])
    assert_array_equal(scaled.negative, same.negative)
    assert_array_equal(scaled.positive, same.positive)
    within = []
    for fold, (fitted, _, _) in enumerate(log):
        detector = KnnDetector().fit(fitted)
        held, own = folds.of_drawings == fold, folds.of_planted == fold
        points = np.array([item.embedding for item in planted])[own]
        scores = detector.score_samples(np.concatenate([drawings[held], points]))
        within.append(roc_auc_score([0] * held.sum() + [1] * own.sum(), scores))
    labels = [0] * len(same.negative) + [1] * len(same.positive)
    pooled = roc_auc_score(labels, np.concatenate([same.negative, same.positive]))
    assert pooled == pytest.approx(np.mean(within), abs=1e-12)


def test_a_stand_in_whose_child_is_not_held_out_too_is_left_out() -> None:
    drawings = _drawings()
    items = [PlantedItem(drawings[donor], 0, "other", donor_row=donor) for donor in range(1, 40)]
    dealt = Folds.deal(CHILDREN, items, 5, seed=0)
    together = dealt.of_drawings[1:] == dealt.of_drawings[0]
    assert_array_equal(dealt.of_planted != -1, together)
    assert [item.donor_row for item in dealt.scorable] == (np.nonzero(together)[0] + 1).tolist()
    report = select_detector(drawings, CHILDREN, items, ["knn"])
    assert (report.planted, report.left_out) == (together.sum(), (~together).sum())


def _report(names: Sequence[str], **options: Any) -> SelectionReport:
    drawings = _drawings()
    return select_detector(
        drawings, CHILDREN, _planted(drawings), names, autoencoder=QUICK, **options
    )


def test_the_best_simple_detector_is_the_default() -> None:
    report = _report(["autoencoder", "knn", "mahalanobis", "pca", "isolation_forest"])
    simple = [row for name, row in report.rows.items() if name != "autoencoder"]
    best = max(simple, key=lambda row: row.overall.auroc)
    assert report.chosen == best.name
    assert report.lead is not None
    assert not report.lead.wholly_above(0.0)
    assert best.name in report.reason
    assert "does not exceed" in report.reason


def test_the_autoencoder_is_the_default_where_it_wins_beyond_the_interval() -> None:
    """Off the plane but inside the box: cuts along single dimensions cannot see it."""
    drawings = _drawings()
    off = [item for item in _planted(drawings) if item.kind == "off"]
    report = select_detector(
        drawings, CHILDREN, off, ["isolation_forest", "autoencoder"], autoencoder=QUICK
    )
    assert report.lead is not None
    assert report.lead.low > 0
    assert report.chosen == "autoencoder"
    assert "exceeds" in report.reason
    lead = report.rows["autoencoder"].overall.auroc - report.rows["isolation_forest"].overall.auroc
    assert report.lead.estimate == pytest.approx(lead)


@pytest.mark.parametrize(("gain", "winner"), [(0.4, "autoencoder"), (0.01, "knn"), (-0.4, "knn")])
def test_a_lead_counts_only_beyond_its_interval(gain: float, winner: str) -> None:
    random = np.random.default_rng(0)
    items = [PlantedItem([0.0], row, "any") for row in range(40)]
    folds = Folds.deal(CHILDREN, items, 5, seed=0)
    negative = np.linspace(0, 1, 40)
    rival = Ranks(negative, random.uniform(0.3, 0.7, 40))
    moved = np.clip(rival.positive + gain + random.normal(scale=0.05, size=40), 0, 1)
    ranks = {"knn": rival, "autoencoder": Ranks(negative, moved)}
    rows = {name: _row(name, "detector", found, folds, 0) for name, found in ranks.items()}
    chosen, _, lead = _choose(rows, ranks, folds, seed=0)
    assert chosen == winner
    assert lead is not None
    assert (lead.low > 0) is (winner == "autoencoder")


def test_who_asks_for_the_autoencoder_always_gets_it() -> None:
    report = _report(["autoencoder", "knn", "pca"])
    assert report.chosen != "autoencoder"
    assert detector_for("autoencoder", report) == "autoencoder"
    assert detector_for(None, report) == report.chosen
    with pytest.raises(UnknownDetectorError):
        detector_for("forest of oaks", report)


def test_every_row_has_its_figure_by_kind_with_an_interval() -> None:
    report = _report(["knn", "autoencoder"])
    for row in report.rows.values():
        assert list(row.by_kind) == ["off", "far"]
        for figure in (row.overall, *row.by_kind.values()):
            assert figure.interval is not None
            assert figure.interval.low <= figure.auroc <= figure.interval.high
            assert figure.interval.unit == "child"
            assert figure.interval.sample_size == 20
        assert [figure.planted for figure in row.by_kind.values()] == [40, 40]
    assert (report.folds, report.children, report.drawings, report.planted) == (5, 20, 40, 80)
    written = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert written["autoencoder"]["epochs"] == QUICK.epochs
    assert [row["name"] for row in written["rows"]] == ["knn", "autoencoder"]


@pytest.mark.req("D-15.3")
def test_plain_features_stand_beside_and_are_never_chosen() -> None:
    drawings = _drawings()
    planted = _planted(drawings)
    perfect = ReferenceRow(np.zeros((40, 2)), np.ones((80, 2)))
    useless = ReferenceRow(np.zeros((40, 2)), np.zeros((80, 2)))
    report = select_detector(
        drawings,
        CHILDREN,
        planted,
        ["knn"],
        references={"ink and box": perfect, "Sobel energy": useless},
    )
    assert [row.role for row in report.rows.values()] == ["detector", "reference", "reference"]
    assert report.rows["ink and box"].overall.auroc == 1.0
    assert report.rows["Sobel energy"].overall.auroc == 0.5
    assert report.chosen == "knn"
    short = ReferenceRow(np.zeros((39, 2)), np.ones((80, 2)))
    with pytest.raises(ValueError, match="not of these drawings"):
        select_detector(drawings, CHILDREN, planted, ["knn"], references={"short": short})
    with pytest.raises(ValueError, match="name of a detector"):
        select_detector(drawings, CHILDREN, planted, ["knn"], references={"knn": perfect})


@pytest.mark.req("P-13.1")
def test_one_seed_gives_one_report_and_every_fit_is_told() -> None:
    told: list[tuple[int, int]] = []
    report = _report(
        ["knn", "isolation_forest"], seed=4, progress=lambda done, total: told.append((done, total))
    )
    assert told == [(done, 10) for done in range(1, 11)]
    assert report == _report(["knn", "isolation_forest"], seed=4)
    assert report != _report(["knn", "isolation_forest"], seed=5)
    assert report.seed == 4


def test_few_children_get_a_choice_but_no_claim() -> None:
    drawings, children = _drawings()[:8], ["a", "a", "b", "b", "c", "c", "d", "d"]
    planted = [PlantedItem(row + 9, index, "far") for index, row in enumerate(drawings)]
    report = select_detector(drawings, children, planted, ["autoencoder", "knn"], autoencoder=QUICK)
    assert report.folds == 4
    assert report.chosen == "knn"
    assert report.lead is None
    assert report.rows["knn"].overall.interval is None
    assert "too few children" in report.reason


def test_what_cannot_be_compared_is_refused() -> None:
    drawings = _drawings()
    planted = _planted(drawings)
    with pytest.raises(InsufficientDataError, match="1 children"):
        select_detector(drawings, ["only"] * 40, planted, ["knn"])
    with pytest.raises(InsufficientDataError, match="No planted anomaly"):
        select_detector(drawings, CHILDREN, [], ["knn"])
    with pytest.raises(UnknownDetectorError):
        select_detector(drawings, CHILDREN, planted, ["oracle"])
    with pytest.raises(ValueError, match="no candidate"):
        select_detector(drawings, CHILDREN, planted, [])
    with pytest.raises(ValueError, match="39 children"):
        select_detector(drawings, CHILDREN[:-1], planted, ["knn"])
    with pytest.raises(ValueError, match="not among the rows"):
        select_detector(drawings, CHILDREN, [PlantedItem(drawings[0], 40, "x")], ["knn"])


def test_without_a_rival_the_only_one_is_chosen() -> None:
    assert _report(["autoencoder"]).chosen == "autoencoder"
    assert _report(["pca"]).chosen == "pca"

"""A training's figures, counted again from its items and its model in other ways."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from deepmed.features.drawings.training.config import TrainingConfig
from deepmed.features.drawings.training.config.models import DataConfig
from deepmed.features.drawings.training.errors import MetricsCalculationError
from deepmed.features.drawings.training.fitting import Fitted, calibrated, fit
from deepmed.features.drawings.training.measuring import measure
from deepmed.features.drawings.training.preparing import TrainingData
from deepmed.features.drawings.training.reports.document import TrainingReportDocument
from deepmed.features.drawings.training.reports.generator import TrainingReportGenerator
from deepmed.learning.reference import from_files, to_files

pytestmark = pytest.mark.req("D-29.1")

CONFIG = TrainingConfig(
    epochs=30,
    model={"hidden_dims": (16, 4)},  # type: ignore[arg-type] # pydantic takes a mapping
    data=DataConfig(train_split=0.45, validation_split=0.25, test_split=0.3, percentile=90.0),
)


@pytest.fixture(scope="module")
def fitted(data: TrainingData) -> Fitted:
    return fit(CONFIG, data)


@pytest.fixture(scope="module")
def report(fitted: Fitted, data: TrainingData) -> TrainingReportDocument:
    model = calibrated(fitted, data)
    return TrainingReportGenerator().generate_comprehensive_report(fitted, model, data)


def scores(report: TrainingReportDocument, part: str) -> np.ndarray:
    return np.array([item.score for item in report.items if item.part == part])


def known_children(report: TrainingReportDocument) -> set[int]:
    return {item.child for item in report.items if item.part in {"train", "validation"}}


def test_a_score_is_the_networks_mean_squared_error(
    fitted: Fitted, data: TrainingData, report: TrainingReportDocument
) -> None:
    rows = data.part("test")
    wide = np.column_stack([rows.vectors.astype(np.float64), rows.ages])
    standardization = fitted.detector.standardization_
    raw = (wide - standardization.mean) / standardization.scale
    values = raw / np.sqrt(1 + (raw / standardization.limit) ** 2)
    layers = fitted.detector.weights_
    hidden = values
    for half in ("encoder", "decoder"):
        for place, index in enumerate((0, 2)):
            before = hidden / (1 + np.exp(-hidden)) if place else hidden
            hidden = before @ layers[f"{half}.{index}.weight"].T + layers[f"{half}.{index}.bias"]
    assert scores(report, "test") == pytest.approx(((hidden - values) ** 2).mean(axis=1))


def test_the_final_loss_is_that_of_the_kept_weights_on_who_watched(
    report: TrainingReportDocument,
) -> None:
    watched = [point.val_loss for point in report.curves if point.val_loss is not None]
    assert report.metrics.final_loss == watched[report.metrics.best_epoch - 1]
    # Within the improvement that counts as one, no epoch was better.
    assert report.metrics.final_loss <= min(watched) + CONFIG.min_delta
    assert report.metrics.final_loss == pytest.approx(scores(report, "validation").mean(), rel=1e-4)
    assert report.metrics.epochs_run == len(report.curves)


def test_errors_of_each_part_describe_its_scores(report: TrainingReportDocument) -> None:
    for part, found in report.metrics.errors.items():
        own = scores(report, part)
        assert found.rows == len(own) == report.metrics.drawings[part]
        assert found.mean == pytest.approx(own.sum() / len(own))
        assert found.median == pytest.approx(sorted(own)[len(own) // 2], rel=0.2)
        assert (found.min, found.max) == (min(own), max(own))
        assert found.std == pytest.approx(np.sqrt(((own - own.mean()) ** 2).mean()))
        assert found.percentile_95 == pytest.approx(np.quantile(own, 0.95))
        owners = {item.child for item in report.items if item.part == part}
        assert report.metrics.children[part] == len(owners)


def test_p_counts_the_other_children_of_the_test_part(report: TrainingReportDocument) -> None:
    test = [item for item in report.items if item.part == "test"]
    for item in report.items:
        if item.p_value is None:
            continue
        shares: dict[int, list[bool]] = {}
        for other in test:
            if other.child != item.child:
                shares.setdefault(other.child, []).append(other.score >= item.score)
        weight = sum(np.mean(each) for each in shares.values())
        assert item.p_value == pytest.approx((1 + weight) / (len(shares) + 1))


def test_whoever_was_fitted_has_no_p(report: TrainingReportDocument) -> None:
    known = known_children(report)
    for item in report.items:
        ranked = item.part in {"validation", "test"} or (
            item.part == "labelled" and item.child not in known
        )
        assert (item.p_value is not None) is ranked


def test_the_calibration_is_split_conformal_by_child(report: TrainingReportDocument) -> None:
    found = report.metrics.calibration
    test = [item for item in report.items if item.part == "test"]
    owners = {item.child for item in test}
    assert (found.n_children, found.n_drawings) == (len(owners), len(test))
    assert found.highest_percentile == pytest.approx(100 * len(owners) / (len(owners) + 1))

    def p(score: float) -> float:
        weights = [
            np.mean([item.score >= score for item in test if item.child == child])
            for child in owners
        ]
        return float((1 + sum(weights)) / (len(owners) + 1))

    assert found.supported
    above = [item.score for item in test if p(item.score) > 0.1]
    assert found.threshold == pytest.approx(max(above), rel=1e-9)
    assert found.attained_level is not None
    assert found.attained_level <= 0.1


@pytest.mark.req("D-12.1")
def test_validation_accuracy_is_the_balance_of_two_shares(report: TrainingReportDocument) -> None:
    known = known_children(report)
    unusual = [i for i in report.items if i.part == "labelled" and i.child not in known]
    typical = [i for i in report.items if i.part == "test"]
    assert len(unusual) >= 5

    def flagged(items: list[Any]) -> float:
        return float(np.mean([item.p_value <= 0.1 + 1e-12 for item in items]))

    expected = (flagged(unusual) + 1 - flagged(typical)) / 2
    assert report.metrics.validation_accuracy == pytest.approx(expected)
    assert report.metrics.validation_accuracy_reason is None


def test_the_auroc_of_labelled_drawings_is_scikit_learns(report: TrainingReportDocument) -> None:
    known = known_children(report)
    unusual = [i.score for i in report.items if i.part == "labelled" and i.child not in known]
    typical = scores(report, "test")
    figure = report.metrics.labelled.discrimination
    assert figure is not None
    truth = [0] * len(typical) + [1] * len(unusual)
    assert figure.estimate == pytest.approx(roc_auc_score(truth, [*typical, *unusual]))
    assert report.metrics.labelled.drawings == len(unusual)
    assert report.metrics.labelled.left_out == 8 - len(unusual)


def test_a_percentile_that_so_few_children_cannot_support(data: TrainingData) -> None:
    config = CONFIG.model_copy(update={"data": CONFIG.data.model_copy(update={"percentile": 99.0})})
    fitted = fit(config, data)
    found = measure(fitted, calibrated(fitted, data), data)
    assert found["calibration"]["threshold"] is None
    assert found["validation_accuracy"] is None
    assert "cannot support" in found["validation_accuracy_reason"]


def test_a_loss_that_is_no_number_is_no_report(fitted: Fitted, data: TrainingData) -> None:
    from copy import copy
    from dataclasses import replace

    broken = replace(fitted, detector=copy(fitted.detector))
    broken.detector.training_ = {**fitted.detector.training_, "best_loss": float("nan")}
    with pytest.raises(MetricsCalculationError):
        measure(broken, calibrated(fitted, data), data)


def test_the_architecture_counts_its_parameters(
    fitted: Fitted, report: TrainingReportDocument
) -> None:
    info = report.architecture
    assert info.parameters == sum(array.size for array in fitted.detector.weights_.values())
    assert (info.input_dim, info.hidden_dims, info.latent_dim) == (65, [16, 4], 4)


def test_the_stored_model_scores_as_the_report_says(
    fitted: Fitted, data: TrainingData, report: TrainingReportDocument
) -> None:
    model = from_files(to_files(calibrated(fitted, data)))
    again = model.score(data.part("test"), data.encoder)
    assert again == pytest.approx(scores(report, "test"), abs=1e-12)
    assert model.fit_children == known_children(report)


def test_notes_and_advice_follow_from_the_figures(report: TrainingReportDocument) -> None:
    assert any("8 left out: labelled" in note for note in report.notes)
    assert any("without a child id" in note for note in report.notes)
    changed = report.metrics.model_copy(update={"best_epoch": 0, "recoveries": 2})
    from deepmed.features.drawings.training.reports.generator import _advice

    told = " ".join(_advice(changed, 30))
    assert "untrained network" in told
    assert "exploded 2 times" in told

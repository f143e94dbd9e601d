from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepmed.features.drawings.bench import false_alarms as module
from deepmed.features.drawings.bench.altered import CONTROL
from deepmed.features.drawings.bench.collection import read_real_drawings
from deepmed.features.drawings.bench.false_alarms import (
    LEAST_SPLITS,
    Question,
    false_alarms,
    finds_something,
    rate_report,
    share_flagged,
)
from deepmed.kit.settings import Settings
from deepmed.learning.calibration import CalibrationSet
from deepmed.learning.encoders import Encoder
from deepmed.learning.evaluation.oracle import recompute_decision, recompute_mean
from deepmed.learning.reference import GroupPlan, ReferenceModel, Rows
from deepmed.learning.reference.evaluation import PlantedRows

KEY = "made-up"
CHILDREN = 80


def rows(vectors: np.ndarray, children: np.ndarray) -> Rows:
    n = len(vectors)
    return Rows(
        np.arange(n),
        children.astype(np.int64),
        np.full(n, 7.0),
        np.zeros(n, dtype=np.int64),
        vectors.astype(np.float32),
    )


def question(random: np.random.Generator, repeats: int = 1, shift: float = 9.0) -> Question:
    children = np.repeat(np.arange(CHILDREN), repeats)
    own = random.normal(size=(CHILDREN, 4))[children]
    typical = rows(own + 0.3 * random.normal(size=own.shape), children)
    far = rows(typical.vectors + shift, children)
    planted = PlantedRows(far, ("scribble",) * len(far))
    return Question("6.0-9.0", typical, planted, repeated=repeats > 1)


def run(asked: Question, splits: int = 60) -> dict[str, Any]:
    return false_alarms(asked, "knn", KEY, splits=splits, seed=0, step=lambda: None)


@pytest.mark.req("D-22.3")
def test_the_mean_over_splits_is_the_attained_level(random: np.random.Generator) -> None:
    found = run(question(random), splits=120)
    assert found["calibration_children"] == 30
    assert found["test_children"] == 20
    assert found["attained_level"] == pytest.approx(1 / 31)
    assert found["attained_in_splits"] == pytest.approx(1 / 31)
    assert found["passed"]
    rates = found["items"]["rates"]
    assert found["mean"] == pytest.approx(sum(rates) / 120)
    assert found["deviation"] == pytest.approx(float(np.std(rates, ddof=1)))


@pytest.mark.req("D-22.3")
def test_repeats_do_not_raise_the_rate_above_the_level(random: np.random.Generator) -> None:
    found = run(question(random, repeats=4))
    assert found["rule"] == "not above the level"
    assert found["passed"]
    assert found["drawings"] == 4 * CHILDREN


@pytest.mark.req("D-22.3")
def test_calibrating_on_the_training_scores_is_seen(
    random: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = module.fit_reference

    def cheat(plan: GroupPlan, *arguments: Any) -> ReferenceModel:
        model = fit(plan, *arguments)
        seen = plan.model.training
        scores = model.model.detector.score_samples(seen.columns(module.LAYOUT))
        reference = model.model
        object.__setattr__(reference, "calibration", CalibrationSet(scores, seen.children))
        return model

    monkeypatch.setattr(module, "fit_reference", cheat)
    assert run(question(random))["passed"] is False


@pytest.mark.req("D-22.3")
@pytest.mark.parametrize(
    ("rates", "repeated", "passed"),
    [
        ([0.02, 0.04] * 20, False, True),
        ([0.05, 0.06] * 20, False, False),
        ([0.01, 0.02] * 20, False, False),
        ([0.01, 0.02] * 20, True, True),
        ([0.05, 0.06] * 20, True, False),
        ([0.02, 0.04] * 5, False, None),
    ],
)
def test_the_rule_is_three_standard_errors(
    rates: list[float],
    repeated: bool,  # noqa: FBT001 - a column of the table above
    passed: bool | None,  # noqa: FBT001 - likewise
) -> None:
    found = rate_report(rates, [1 / 31] * len(rates), 30, repeated=repeated)
    assert found["passed"] is passed
    assert (passed is None) == (len(rates) < LEAST_SPLITS)


@pytest.mark.req("D-22.4")
def test_power_is_measured_at_the_same_threshold(random: np.random.Generator) -> None:
    found = run(question(random))
    assert found["power"]["scribble"]["estimate"] == 1.0
    assert found["power"]["scribble"]["low"] < 1.0
    assert found["power"]["scribble"]["unit"] == "child"
    weak = run(question(np.random.default_rng(0), shift=1.0))["power"]["scribble"]
    assert weak["estimate"] < 1.0


@pytest.mark.req("D-22.4")
@pytest.mark.req("V-2.1")
def test_the_power_can_be_counted_again_from_the_items(random: np.random.Generator) -> None:
    found = run(question(random, shift=1.5))
    items = [tuple(item) for item in found["items"]["flagged"]["scribble"]]
    assert recompute_mean(items) == pytest.approx(found["power"]["scribble"]["estimate"], abs=1e-9)
    assert found["power"]["scribble"]["n_items"] == len(items)


@pytest.mark.req("D-22.4")
def test_a_detector_that_flags_none_fails() -> None:
    none = {"scribble": {"estimate": 0.0}, CONTROL: {"estimate": 0.4}}
    assert not finds_something(none, CONTROL)
    assert not finds_something({"scribble": {"estimate": None}}, CONTROL)
    assert finds_something(none | {"filled_page": {"estimate": 0.1}}, CONTROL)


def test_flags_are_those_of_the_decision(random: np.random.Generator) -> None:
    scores, children = random.normal(size=30), np.arange(30)
    asked = random.normal(size=50) * 2
    flags = module.flags_of(CalibrationSet(scores, children), asked)
    pairs = list(zip(children.tolist(), scores.tolist(), strict=True))
    expected = [recompute_decision(pairs, one, 95)["is_anomaly"] for one in asked.tolist()]
    assert flags.tolist() == expected


def test_every_child_weighs_one() -> None:
    flags = np.array([True, True, True, False, False])
    assert share_flagged(flags, np.array([1, 1, 1, 2, 3])) == pytest.approx(1 / 3)


@pytest.mark.req("D-22.3")
def test_on_the_real_drawings_the_rate_is_the_attained_level(
    real_drawings_zip: Path, bench_settings: Settings, encoder: Encoder
) -> None:
    real = read_real_drawings(real_drawings_zip, bench_settings)
    own = real.rows.with_vectors(encoder.embed(real.images))
    none = PlantedRows(own.take(np.zeros(0, dtype=np.int64)), ())
    found = false_alarms(
        Question("all ages", own, none),
        "pca",
        encoder.identity.key,
        splits=60,
        seed=0,
        step=lambda: None,
    )
    assert found["children"] == 280
    assert found["calibration_children"] == 105
    assert found["attained_level"] == pytest.approx(5 / 106)
    assert found["passed"]

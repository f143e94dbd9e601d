"""What holds of every model holds with the subject's slots beside the vector (D-9, D-22, D-26)."""

from dataclasses import replace

import numpy as np
import pytest

from deepmed.learning.calibration import CalibrationSet
from deepmed.learning.detectors import detector_names
from deepmed.learning.reference import (
    GroupPlan,
    Layout,
    Role,
    Rows,
    compose,
    fit_reference,
    from_files,
    plan_groups,
    to_files,
)

ENCODER = "some-encoder@fp32/1"
SHARES = [0.6, 0.3, 0.08, 0.02]
"""Of subjects 1 to 4: some are rare."""


def drawn(children: np.ndarray, seed: int) -> Rows:
    """Drawings whose look depends on their subject."""
    random = np.random.default_rng(seed)
    n = len(children)
    subjects = random.choice(np.arange(1, 5), size=n, p=SHARES)
    vectors = (random.normal(size=(n, 24)) + subjects[:, None]).astype(np.float32)
    return Rows(np.arange(n) + 10_000 * seed, children, np.full(n, 7.0), subjects, vectors)


def test_a_subject_that_nobody_named_is_slot_zero() -> None:
    columns = compose(
        np.ones((2, 768), np.float32), np.array([5.0, 6.0]), np.array([0, 51]), Layout.SUBJECT
    )
    assert columns.shape == (2, 832)
    assert np.flatnonzero(columns[0, 768:]).tolist() == [0]
    assert np.flatnonzero(columns[1, 768:]).tolist() == [51]
    assert (Layout.SUBJECT.slots, Layout.AGE.slots, Layout.VISUAL.slots) == (64, 0, 0)


@pytest.mark.req("D-9.5", "D-22.1")
def test_new_children_are_flagged_at_the_attained_level() -> None:
    """n = 19 at the percentile 90: the rate is exactly 2/20, one drawing a child."""
    flags = []
    for repeat in range(150):
        rows = drawn(np.arange(40), seed=repeat)
        plan = plan_groups({"g": rows}, seed=repeat)["g"]
        calibration = plan.model.calibration.take(np.arange(20) < 19)
        plan = GroupPlan(replace(plan.model, calibration=calibration), None)
        model = fit_reference(plan, "mahalanobis", ENCODER, Layout.SUBJECT, seed=repeat)
        new = drawn(np.arange(1000, 1020), seed=5000 + repeat)
        assert model.model.calibration.n_children == 19
        for score, child in zip(model.score(new, ENCODER), new.children.tolist(), strict=True):
            flags.append(model.decide(float(score), child, 90.0).is_anomaly)
    # Twenty drawings share a calibration: its own rate has the deviation of Beta(2, 18).
    error = np.sqrt((0.1 * 0.9 / 21 + 0.1 * 0.9 / 20) / 150)
    assert abs(np.mean(flags) - 2 / 20) <= 3 * error


@pytest.mark.req("D-26.5")
def test_copying_a_child_into_fit_and_query_does_not_change_the_flag_rate() -> None:
    rates = []
    for copied in (False, True):
        flagged = answered = 0
        for repeat in range(12):
            plan = plan_groups({"g": drawn(np.arange(60), seed=100 + repeat)}, seed=repeat)["g"]
            model = fit_reference(plan, "knn", ENCODER, Layout.SUBJECT, seed=repeat)
            query = plan.model.fit if copied else drawn(np.arange(1000, 1030), seed=500 + repeat)
            for index, child in enumerate(query.children.tolist()):
                twin = model.reference_for(child) is model.twin
                one = query.take(np.array([index]))
                score = float(model.score(one, ENCODER, twin=twin)[0])
                flagged += model.decide(score, child, 90.0).is_anomaly
                answered += 1
        rates.append(flagged / answered)
    assert abs(rates[0] - rates[1]) < 0.06
    assert rates[1] > 0.03


@pytest.mark.req("D-26.2", "D-26.3", "D-9.3")
def test_roles_twin_and_borrowed_children() -> None:
    own, other = drawn(np.arange(24), seed=1), drawn(np.arange(100, 160), seed=2)
    plan = plan_groups({"g": own, "h": other}, seed=0)["g"]
    model = fit_reference(plan, "knn", ENCODER, Layout.SUBJECT, seed=0)
    assert model.borrowed_children <= set(range(100, 160))
    assert model.borrowed_children
    for child in model.borrowed_children:
        assert model.role(child) is Role.FIT
    for child in model.model.children:
        score = float(model.score(own.of_children([child]), ENCODER)[0])
        found = model.decide(score, child, 90.0)
        assert found.n_children == model.model.calibration.n_children - 1
    assert model.twin is not None
    fitted = next(iter(model.twin.children & model.fit_children))
    score = float(model.score(own.of_children([fitted]), ENCODER, twin=True)[0])
    assert model.decide(score, fitted, 90.0).n_children == model.twin.calibration.n_children - 1


@pytest.mark.req("D-23.1")
@pytest.mark.parametrize("detector", ["knn", "mahalanobis", "pca", "isolation_forest"])
def test_scores_and_scales_come_back_from_files(detector: str) -> None:
    assert detector in detector_names()
    rows = drawn(np.arange(60), seed=3)
    plan = plan_groups({"g": rows}, seed=0)["g"]
    model = fit_reference(plan, detector, ENCODER, Layout.SUBJECT, seed=0)
    again = from_files(to_files(model))
    assert again.model.detector.slots_ == 64
    new = drawn(np.arange(1000, 1010), seed=9)
    assert again.score(new, ENCODER) == pytest.approx(model.score(new, ENCODER), rel=1e-9)
    assert isinstance(again.model.calibration, CalibrationSet)
    other = replace(new, subjects=np.where(new.subjects == 1, 2, 1))
    if detector != "isolation_forest":  # a tree may have met no slot
        assert not np.allclose(model.score(new, ENCODER), model.score(other, ENCODER))

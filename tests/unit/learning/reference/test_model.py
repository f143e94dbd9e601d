"""How a model and its twin score and rank, and who may be asked."""

from dataclasses import replace

import numpy as np
import pytest

from deepmed.learning.detectors import detector_names
from deepmed.learning.errors import EncoderMismatchError, InsufficientDataError, ModelLoadingError
from deepmed.learning.reference import (
    GroupPlan,
    Layout,
    ReferenceModel,
    Role,
    Rows,
    fit_reference,
    from_files,
    join,
    plan_groups,
    to_files,
)

ENCODER = "some-encoder@fp32/1"
PERCENTILE = 95.0


def drawn(children: np.ndarray, seed: int, first: int = 0, shift: float = 0.0) -> Rows:
    random = np.random.default_rng(seed)
    n = len(children)
    vectors = (random.normal(size=(n, 6)) + shift).astype(np.float32)
    ages = np.full(n, 7.0)
    return Rows(np.arange(first, first + n), children, ages, np.zeros(n, np.int64), vectors)


@pytest.fixture(scope="module")
def own() -> Rows:
    return drawn(np.arange(60), seed=1)


@pytest.fixture(scope="module")
def plan(own: Rows) -> GroupPlan:
    return plan_groups({"g": own}, seed=0)["g"]


@pytest.fixture(scope="module")
def model(plan: GroupPlan) -> ReferenceModel:
    return fit_reference(plan, "knn", ENCODER, Layout.AGE, seed=0)


@pytest.mark.req("D-26.1")
def test_a_child_is_fit_calibration_or_new(model: ReferenceModel, plan: GroupPlan) -> None:
    roles = {child: model.role(child) for child in (*range(60), 999)}
    assert {child for child, role in roles.items() if role is Role.FIT} == plan.fit_children
    calibrators = set(plan.model.calibration.children.tolist())
    assert {child for child, role in roles.items() if role is Role.CALIBRATION} == calibrators
    assert roles[999] is Role.NEW


@pytest.mark.req("D-27.1")
def test_across_ages_only_the_drawing_counts_and_the_files_keep_it(own: Rows) -> None:
    """Half of the drawings are at another age; everybody is given the fitting part's median."""
    aged = replace(own, ages=np.linspace(6.0, 8.0, len(own)))
    plan = plan_groups({"g": aged}, seed=0)["g"]
    model = fit_reference(plan, "knn", ENCODER, Layout.AGE, seed=0)
    assert model.neutral_age == np.median(plan.model.training.ages)
    older = aged.at_age(12.0)
    assert (model.score(older, ENCODER) > model.score(aged, ENCODER)).all()
    across = model.score_across_ages(older, ENCODER)
    assert np.array_equal(across, model.score_across_ages(aged, ENCODER))
    held = plan.model.calibration
    for found in (model, from_files(to_files(model))):
        assert found.neutral_age == model.neutral_age
        assert np.allclose(
            found.model.across_ages.scores,
            found.score(held.at_age(model.neutral_age), ENCODER),
            rtol=1e-9,
        )
        assert found.model.across_ages.children == found.model.calibration.children


@pytest.mark.req("D-27.1")
def test_without_the_age_as_a_column_nothing_is_different_across_ages(plan: GroupPlan) -> None:
    model = from_files(to_files(fit_reference(plan, "knn", ENCODER, Layout.VISUAL, seed=0)))
    held = plan.model.calibration
    assert model.neutral_age is None
    assert model.model.across_ages is model.model.calibration
    assert np.array_equal(model.score_across_ages(held, ENCODER), model.score(held, ENCODER))


def test_a_detector_that_is_read_later_ranks_before_and_scores_alike_then(
    model: ReferenceModel, own: Rows
) -> None:
    files = to_files(model)
    later = from_files(files, later=True)
    assert later.decide(1.0, 999, PERCENTILE) == model.decide(1.0, 999, PERCENTILE)
    assert np.array_equal(later.score(own, ENCODER), model.score(own, ENCODER))
    assert later.model.detector is later.model.detector, "it is read once"


def test_damage_is_found_at_once_or_where_that_was_put_off_when_something_is_scored(
    model: ReferenceModel, own: Rows
) -> None:
    damaged = to_files(model) | {"model.weights.safetensors": b"damaged"}
    with pytest.raises(ModelLoadingError):
        from_files(damaged)
    later = from_files(damaged, later=True)
    for _ in range(2):
        with pytest.raises(ModelLoadingError):
            later.score(own, ENCODER)


@pytest.mark.req("D-26.1")
def test_a_borrowed_child_counts_as_fit() -> None:
    groups = {
        "thin": drawn(np.arange(22), seed=2),
        "rich": drawn(np.arange(100, 160), seed=3, first=1000),
    }
    plan = plan_groups(groups, 0)["thin"]
    model = fit_reference(plan, "knn", ENCODER, Layout.VISUAL, seed=0)
    borrowed = set(plan.model.borrowed.children.tolist())
    assert borrowed
    assert {model.role(child) for child in borrowed} == {Role.FIT}
    assert all(model.reference_for(child) is None for child in borrowed)


@pytest.mark.req("D-26.2")
def test_a_calibration_child_is_ranked_against_the_others(model: ReferenceModel) -> None:
    calibration = model.model.calibration
    child = int(str(calibration.children[0]))
    score = float(calibration.scores[0])
    decision = model.decide(score, child, PERCENTILE)
    others = [
        s for s, c in zip(calibration.scores, calibration.children, strict=True) if c != child
    ]
    expected = (1 + sum(other >= score for other in others)) / (len(others) + 1)
    assert decision.p_value == pytest.approx(expected)
    assert decision.own_child_left_out


@pytest.mark.req("D-26.3")
def test_a_fit_child_is_scored_by_the_twin_and_ranked_against_its_others(
    model: ReferenceModel, plan: GroupPlan
) -> None:
    child = next(iter(plan.fit_children))
    assert model.reference_for(child) is model.twin
    assert model.twin is not None
    place = list(model.twin.calibration.children).index(child)
    decision = model.decide(float(model.twin.calibration.scores[place]), child, PERCENTILE)
    assert decision.decision == "ranked"
    assert decision.n_children == model.twin.calibration.n_children - 1


@pytest.mark.req("D-26.3")
def test_without_a_twin_a_fit_child_gets_no_flag(plan: GroupPlan) -> None:
    alone = fit_reference(GroupPlan(plan.model, None), "knn", ENCODER, Layout.AGE, seed=0)
    decision = alone.decide(1e9, next(iter(plan.fit_children)), PERCENTILE)
    assert decision.decision == "in_sample"
    assert not decision.is_anomaly
    assert decision.p_value is None


@pytest.mark.req("D-26.5")
def test_copying_a_child_into_fit_and_query_does_not_change_the_flag_rate() -> None:
    """Copies of fit drawings put to the model would look typical; the twin sees to that."""
    rates = []
    for copies in (0, 1):
        flagged = answered = 0
        for repeat in range(12):
            own = drawn(np.arange(60), seed=100 + repeat)
            plan = plan_groups({"g": own}, seed=repeat)["g"]
            model = fit_reference(plan, "knn", ENCODER, Layout.VISUAL, seed=repeat)
            query = plan.model.fit if copies else drawn(np.arange(1000, 1030), seed=500 + repeat)
            for index, child in enumerate(query.children.tolist()):
                reference = model.reference_for(child)
                assert reference is not None
                twin = reference is model.twin
                one = query.take(np.array([index]))
                score = float(model.score(one, ENCODER, twin=twin)[0])
                flagged += model.decide(score, child, 90.0).is_anomaly
                answered += 1
        rates.append(flagged / answered)
    assert abs(rates[0] - rates[1]) < 0.06
    assert rates[1] > 0.03


@pytest.mark.req("D-26.5")
def test_scoring_fit_drawings_by_the_model_itself_would_hide_them(
    model: ReferenceModel, plan: GroupPlan
) -> None:
    in_sample = model.score(plan.model.fit, ENCODER)
    by_twin = model.score(plan.model.fit, ENCODER, twin=True)
    assert np.median(in_sample) < np.median(by_twin)


@pytest.mark.req("D-5.4")
def test_a_foreign_encoder_is_refused_by_name(model: ReferenceModel, own: Rows) -> None:
    with pytest.raises(EncoderMismatchError, match="other-encoder") as caught:
        model.score(own, "other-encoder@fp32/1")
    assert ENCODER in str(caught.value)
    assert "Embed the drawings again" in str(caught.value)


@pytest.mark.req("D-23.1")
@pytest.mark.parametrize("detector", detector_names())
def test_a_score_is_the_same_alone_in_a_batch_and_from_files(
    plan: GroupPlan, own: Rows, detector: str
) -> None:
    model = fit_reference(plan, detector, ENCODER, Layout.AGE, seed=0)
    copied = from_files(to_files(model))
    batch = model.score(own, ENCODER)
    alone = [float(model.score(own.take(np.array([i])), ENCODER)[0]) for i in range(len(own))]
    np.testing.assert_allclose(alone, batch, rtol=0, atol=1e-9)
    np.testing.assert_allclose(copied.score(own, ENCODER), batch, rtol=0, atol=1e-9)
    np.testing.assert_allclose(
        copied.score(own, ENCODER, twin=True),
        model.score(own, ENCODER, twin=True),
        rtol=0,
        atol=1e-9,
    )


@pytest.mark.req("D-10.4")
def test_the_decision_is_the_same_from_files(model: ReferenceModel, own: Rows) -> None:
    copied = from_files(to_files(model))
    for index, child in enumerate(own.children.tolist()):
        twin = model.reference_for(child) is model.twin
        score = float(model.score(own.take(np.array([index])), ENCODER, twin=twin)[0])
        assert copied.decide(score, child, PERCENTILE) == model.decide(score, child, PERCENTILE)


@pytest.mark.req("P-13.1")
def test_the_same_seed_gives_the_same_model(plan: GroupPlan, own: Rows) -> None:
    first, again = (
        fit_reference(plan, "autoencoder", ENCODER, Layout.VISUAL, seed=3) for _ in range(2)
    )
    np.testing.assert_array_equal(first.score(own, ENCODER), again.score(own, ENCODER))


@pytest.mark.req("V-1.1")
def test_calibration_drawings_do_not_reach_the_detector(plan: GroupPlan) -> None:
    calibration = plan.model.calibration
    spoiled = calibration.with_vectors(calibration.vectors + 1000)
    other = type(plan.model)(plan.model.fit, plan.model.borrowed, spoiled)
    first = fit_reference(GroupPlan(plan.model, None), "knn", ENCODER, Layout.VISUAL, seed=0)
    second = fit_reference(GroupPlan(other, None), "knn", ENCODER, Layout.VISUAL, seed=0)
    query = drawn(np.arange(500, 510), seed=9)
    np.testing.assert_array_equal(first.score(query, ENCODER), second.score(query, ENCODER))


@pytest.mark.req("D-10.2")
def test_a_threshold_by_hand_is_not_read_on_the_twins_scale(
    model: ReferenceModel, plan: GroupPlan
) -> None:
    fitted = model.decide(1e9, next(iter(plan.fit_children)), PERCENTILE, manual=0.5)
    new = model.decide(1e9, 999, PERCENTILE, manual=0.5)
    assert (fitted.decision, fitted.is_anomaly) == ("in_sample", False)
    assert (new.decision, new.is_anomaly, new.percentile) == ("manual", True, None)


def test_too_few_drawings_are_refused() -> None:
    few = drawn(np.arange(6), seed=1)
    plan = plan_groups({"g": few}, 0)["g"]
    with pytest.raises(InsufficientDataError, match="10 are the least"):
        fit_reference(plan, "knn", ENCODER, Layout.VISUAL, seed=0)


def test_rows_joined_and_taken_keep_their_order(own: Rows) -> None:
    halves = join([own.take(np.arange(30)), own.take(np.arange(30, 60))])
    assert halves.drawings.tolist() == own.drawings.tolist()


@pytest.mark.req("D-26.1", "D-26.2")
def test_of_several_children_who_was_closest_to_the_fitting_decides(model: ReferenceModel) -> None:
    assert model.twin
    fit = next(iter(model.fit_children & model.twin.children))
    calibrators = sorted(model.model.children)
    outside = next(child for child in calibrators if child not in model.twin.children)
    assert model.role({999, calibrators[0]}) is Role.CALIBRATION
    assert model.role({999, calibrators[0], fit}) is Role.FIT
    assert model.reference_for({999, fit}) is model.twin
    assert model.reference_for({outside, fit}) is None, "the twin was fitted on that child"
    alone = model.decide(1e9, calibrators[0], PERCENTILE)
    both = model.decide(1e9, {999, *calibrators[:2]}, PERCENTILE)
    assert both.n_children == (alone.n_children or 0) - 1
    assert model.decide(1e9, {calibrators[0]}, PERCENTILE) == alone

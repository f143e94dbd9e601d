"""The figures of a training report, counted again."""

from dataclasses import replace

import numpy as np
import pytest

from deepmed.learning.evaluation.oracle import recompute_auroc
from deepmed.learning.reference import (
    GroupPlan,
    Layout,
    ReferenceModel,
    Rows,
    fit_reference,
    join,
    plan_groups,
)
from deepmed.learning.reference.evaluation import (
    CONTAMINATION_RATES,
    Contaminated,
    PlantedRows,
    age_specificity,
    contamination,
    flags,
    planted_share,
    power_by_kind,
)

ENCODER = "some@fp32/1"
FAR = 6.0


def drawn(children: int, *, seed: int, first: int = 0, shift: float = 0.0, each: int = 1) -> Rows:
    count = children * each
    random = np.random.default_rng(seed)
    return Rows(
        np.arange(first, first + count),
        np.arange(first, first + count) // each + first,
        np.full(count, 7.0),
        np.zeros(count, np.int64),
        (random.normal(size=(count, 4)) + shift).astype(np.float32),
    )


def planted_into(rows: Rows, kinds: tuple[str, ...] = ("far",)) -> PlantedRows:
    """Every drawing once a kind, moved far away."""
    moved = rows.with_vectors(rows.vectors + np.float32(FAR))
    names = tuple(kind for kind in kinds for _ in range(len(rows)))
    return PlantedRows(join([moved] * len(kinds)), names)


@pytest.fixture(scope="module")
def own() -> Rows:
    return drawn(100, seed=1)


@pytest.fixture(scope="module")
def plan(own: Rows) -> GroupPlan:
    return plan_groups({"g": own}, seed=0)["g"]


@pytest.fixture(scope="module")
def model(plan: GroupPlan) -> ReferenceModel:
    return fit_reference(plan, "knn", ENCODER, Layout.VISUAL, seed=0)


class TestContamination:
    @pytest.mark.req("D-8.2")
    def test_each_rate_replaces_that_share_of_the_drawings(
        self, plan: GroupPlan, model: ReferenceModel, own: Rows
    ) -> None:
        report = contamination(
            plan, model, planted_into(own), planted_into(own), percentile=95.0, seed=0
        )
        assert [row["rate"] for row in report] == [0.01, 0.05, 0.1] == list(CONTAMINATION_RATES)
        assert [row["replaced_drawings"] for row in report] == [1, 5, 10]
        assert [row["attained_rate"] for row in report] == [0.01, 0.05, 0.1]

    @pytest.mark.req("D-8.2")
    def test_hidden_anomalies_cost_power_and_the_report_says_how_much(
        self, plan: GroupPlan, model: ReferenceModel, own: Rows
    ) -> None:
        """At 10 % of hidden ones, such drawings are among the calibration scores themselves."""
        report = contamination(
            plan, model, planted_into(own), planted_into(own), percentile=95.0, seed=0
        )
        most = report[-1]
        assert most["flagged_without_contamination"]["estimate"] == 1.0
        assert most["flagged"]["estimate"] < 0.5
        assert report[0]["flagged"]["estimate"] >= most["flagged"]["estimate"]

    @pytest.mark.req("D-8.2")
    def test_where_fewer_could_be_altered_the_rate_that_was_reached_is_told(
        self, plan: GroupPlan, model: ReferenceModel, own: Rows
    ) -> None:
        few = planted_into(own.take(np.arange(3)))
        report = contamination(plan, model, few, planted_into(own), percentile=95.0, seed=0)
        assert [row["replaced_drawings"] for row in report] == [1, 3, 3]
        assert [row["attained_rate"] for row in report] == [0.01, 0.03, 0.03]

    @pytest.mark.req("D-8.2")
    def test_drawings_are_counted_and_not_their_children(self) -> None:
        rows = drawn(40, seed=2, each=3)
        plan = plan_groups({"g": rows}, seed=0)["g"]
        model = fit_reference(plan, "knn", ENCODER, Layout.VISUAL, seed=0)
        report = contamination(
            plan, model, planted_into(rows), planted_into(rows), percentile=90.0, seed=0
        )
        assert [row["replaced_drawings"] for row in report] == [1, 6, 12]

    @pytest.mark.req("V-1.1")
    def test_children_whose_drawings_were_replaced_are_not_put_to_the_model(
        self, plan: GroupPlan, model: ReferenceModel, own: Rows
    ) -> None:
        only = plan.model.calibration.take(np.arange(1))
        report = contamination(
            plan, model, planted_into(only), planted_into(only), percentile=95.0, seed=0
        )
        assert all(row["flagged"]["estimate"] is None for row in report)
        assert len(own) == 100

    def test_without_anything_planted_there_is_no_figure(
        self, plan: GroupPlan, model: ReferenceModel, own: Rows
    ) -> None:
        nothing = PlantedRows(own.take(np.zeros(0, np.int64)), ())
        report = contamination(plan, model, nothing, nothing, percentile=95.0, seed=0)
        assert [row["replaced_drawings"] for row in report] == [0, 0, 0]
        assert all(row["flagged"]["reason"] for row in report)


class TestShares:
    def test_planted_drawings_are_ranked_against_the_other_children(
        self, plan: GroupPlan, model: ReferenceModel
    ) -> None:
        planted = planted_into(plan.model.calibration)
        assert flags(model, planted.rows, 95.0) == [True] * 50
        assert planted_share(model, planted, 95.0, 0)["estimate"] == 1.0

    @pytest.mark.req("D-22.4")
    @pytest.mark.parametrize(("percentile", "level"), [(95.0, 2 / 50), (90.0, 5 / 50)])
    def test_a_share_names_its_percentile_and_what_of_typical_drawings_is_flagged_beside(
        self, plan: GroupPlan, model: ReferenceModel, percentile: float, level: float
    ) -> None:
        """50 calibrate, so each is ranked among 49 others; a new child would be among 50."""
        typical = PlantedRows(plan.model.calibration, ("none",) * 50)
        for planted in (typical, planted_into(plan.model.calibration)):
            figure = planted_share(model, planted, percentile, 0)
            assert figure["percentile"] == percentile
            assert figure["attained_level"] == pytest.approx(level)
        own = planted_share(model, typical, percentile, 0)
        assert own["estimate"] == pytest.approx(level)

    @pytest.mark.req("D-8.2")
    def test_what_contamination_does_is_counted_at_a_named_percentile(
        self, plan: GroupPlan, model: ReferenceModel, own: Rows
    ) -> None:
        report = contamination(
            plan, model, planted_into(own), planted_into(own), percentile=90.0, seed=0
        )
        for row in report:
            for name in ("flagged", "flagged_without_contamination"):
                assert row[name]["percentile"] == 90.0
                assert row[name]["attained_level"] == pytest.approx(0.1)

    @pytest.mark.req("V-2.2")
    def test_what_contamination_rests_on_is_handed_out(
        self, plan: GroupPlan, model: ReferenceModel, own: Rows
    ) -> None:
        kept: list[Contaminated] = []
        hidden, planted = planted_into(own), planted_into(own)
        report = contamination(
            plan, model, hidden, planted, percentile=95.0, seed=0, keep=kept.append
        )
        assert [one.rate for one in kept] == list(CONTAMINATION_RATES)
        for one, row in zip(kept, report, strict=True):
            assert len(one.replaced) == row["replaced_drawings"]
            tested = set(one.tested.rows.children.tolist())
            assert tested == set(model.model.children) - set(one.replaced.children.tolist())
            again = planted_share(one.model, one.tested, 95.0, 0)
            assert again == row["flagged"]

    def test_where_the_percentile_is_not_supported_there_is_no_share(self) -> None:
        rows = drawn(15, seed=3)
        plan = plan_groups({"g": rows}, seed=0)["g"]
        model = fit_reference(plan, "knn", ENCODER, Layout.VISUAL, seed=0)
        planted = planted_into(plan.model.calibration)
        assert flags(model, planted.rows, 95.0) == [None] * 5
        figure = planted_share(model, planted, 95.0, 0)
        assert figure["reason"]
        assert (figure["percentile"], figure["attained_level"]) == (95.0, None)

    @pytest.mark.req("V-1.1")
    def test_power_is_measured_on_calibration_children_only(
        self, plan: GroupPlan, model: ReferenceModel, own: Rows
    ) -> None:
        report = power_by_kind(model, own, planted_into(own, ("near", "far")), 0)
        assert set(report) == {"near", "far", "all"}
        assert (report["far"]["n_negative"], report["far"]["n_positive"]) == (50, 50)
        assert report["all"]["n_positive"] == 100
        held = plan.model.calibration
        expected = recompute_auroc(
            model.score(held, ENCODER).tolist(),
            model.score(planted_into(held).rows, ENCODER).tolist(),
        )
        assert report["far"]["estimate"] == pytest.approx(expected)


class TestAgeSpecificity:
    @pytest.mark.req("D-27.1")
    def test_children_that_the_model_was_fitted_on_are_left_out_on_both_sides(
        self, plan: GroupPlan, model: ReferenceModel, own: Rows
    ) -> None:
        neighbours = drawn(30, seed=4, first=1000, shift=1.0)
        known = replace(
            plan.model.fit.take(np.arange(5)), drawings=np.arange(5000, 5005)
        )  # the same children, at another age
        figure = age_specificity(model, own, join([neighbours, known]), 0)
        negatives = plan.model.calibration
        assert (figure["n_negative"], figure["n_positive"]) == (50, 30)
        expected = recompute_auroc(
            model.score(negatives, ENCODER).tolist(), model.score(neighbours, ENCODER).tolist()
        )
        assert figure["estimate"] == pytest.approx(expected)
        assert figure["unit"] == "child"

    @pytest.mark.req("D-27.1")
    @pytest.mark.parametrize("detector", ["knn", "mahalanobis", "pca", "isolation_forest"])
    def test_where_vectors_say_nothing_of_ages_the_age_as_a_column_does_not_either(
        self, detector: str
    ) -> None:
        """200 of a group against 200 of its neighbours, drawn alike: 0.5 but for chance (0.03)."""
        aged = replace(drawn(400, seed=8), ages=np.random.default_rng(8).uniform(6, 9, 400))
        ages = np.random.default_rng(9).choice([4.5, 10.5], 200)
        beside = replace(drawn(200, seed=9, first=1000), ages=ages)
        plan = plan_groups({"6-9": aged}, seed=0)["6-9"]
        model = fit_reference(plan, detector, ENCODER, Layout.AGE, seed=0)
        figure = age_specificity(model, aged, beside, 0)
        assert figure["low"] <= 0.5 <= figure["high"]
        assert figure["estimate"] == pytest.approx(0.5, abs=0.06)
        assert figure["neutral_age"] == np.median(plan.model.fit.ages)

    @pytest.mark.req("D-27.1")
    def test_what_vectors_say_of_ages_is_still_found_with_the_age_as_a_column(self) -> None:
        aged = replace(drawn(100, seed=8), ages=np.random.default_rng(8).uniform(6, 9, 100))
        beside = replace(drawn(50, seed=9, first=1000, shift=1.5), ages=np.full(50, 10.5))
        plan = plan_groups({"6-9": aged}, seed=0)["6-9"]
        model = fit_reference(plan, "knn", ENCODER, Layout.AGE, seed=0)
        assert age_specificity(model, aged, beside, 0)["low"] > 0.7

    def test_without_neighbours_there_is_no_figure_but_a_reason(
        self, model: ReferenceModel, own: Rows
    ) -> None:
        figure = age_specificity(model, own, own.take(np.zeros(0, np.int64)), 0)
        assert figure["estimate"] is None
        assert figure["reason"]

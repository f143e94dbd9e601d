"""What the number of drawings and children allows to say."""

import numpy as np
import pytest
from scipy import stats

from deepmed.features.drawings.models.manager import ModelManager
from deepmed.features.drawings.models.overview import overview
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.models.sufficiency import (
    AgeGroupDataInfo,
    DataAugmentationSuggester,
    DataSufficiencyAnalyzer,
    GroupDrawings,
)
from deepmed.features.drawings.workbench import Workbench
from factories.drawings import add_drawings, add_vectors, by_children, sketches
from factories.homes import train


def judged(count: int, *, each: int = 1, ages: tuple[float, float] = (6, 9)) -> AgeGroupDataInfo:
    children = [place // each for place in range(count)]
    subjects = ["house" if place % 2 else None for place in range(count)]
    return DataSufficiencyAnalyzer().analyze_age_group_data(
        GroupDrawings(AgeRange(*ages), children, subjects)
    )


def severities(info: AgeGroupDataInfo) -> list[str]:
    return [warning.severity for warning in DataSufficiencyAnalyzer().generate_data_warnings(info)]


@pytest.mark.req("D-11.1")
@pytest.mark.parametrize(
    ("count", "can_train", "sufficient"),
    [(9, False, False), (10, True, False), (49, True, False), (50, True, True)],
)
def test_ten_drawings_are_the_least_and_fifty_are_recommended(
    count: int,
    can_train: bool,  # noqa: FBT001 - a table's column
    sufficient: bool,  # noqa: FBT001 - likewise
) -> None:
    info = judged(count)
    assert (info.can_train, info.is_sufficient) == (can_train, sufficient)
    assert info.recommended_min_samples == 50


@pytest.mark.req("D-11.1")
@pytest.mark.parametrize(
    ("count", "expected"), [(9, ["critical"]), (10, ["high", "high"]), (30, ["high"]), (50, [])]
)
def test_warnings_come_with_what_to_do(count: int, expected: list[str]) -> None:
    info = judged(count)
    assert severities(info) == expected
    for warning in DataSufficiencyAnalyzer().generate_data_warnings(info):
        assert warning.suggestions
        assert warning.age_group == "6.0-9.0"
        assert str(count) in warning.message


@pytest.mark.req("D-11.1")
def test_children_count_and_not_drawings_where_flags_are_concerned() -> None:
    info = judged(60, each=5)
    assert (info.children, info.calibration_children) == (12, 2)
    assert severities(info) == ["high"]
    assert info.false_alarm_spread["estimate"] is None


@pytest.mark.req("D-11.1", "D-9.3")
@pytest.mark.parametrize("children", range(10, 45))
def test_so_many_children_are_said_to_calibrate_as_a_training_would_take(children: int) -> None:
    """n = min(N, max(20, half of N)), and N - 10 where that leaves fewer than ten to fit on."""
    n = min(children, max(20, -(-children // 2)))
    expected = n if children - n >= 10 else children - 10
    info = judged(children)
    assert info.calibration_children == expected
    assert (info.false_alarm_spread["estimate"] is None) == (expected < 19)


@pytest.mark.req("D-11.1", "D-9.3")
def test_what_neighbours_lend_lets_more_children_calibrate(bench: Workbench) -> None:
    ids = add_drawings(bench, [*sketches(60, 4.5), *sketches(24, 7.5)])
    add_vectors(bench, ids, np.random.default_rng(3).normal(size=(84, 64)).astype(np.float32))

    def calibrating(plan: str) -> list[int]:
        with bench.database.read() as session:
            groups = overview(bench, session, plan)["groups"]
        return [group["calibration_children"] for group in groups]

    assert calibrating("6-9") == [14]
    assert calibrating("3-6,6-9") == [30, 20]
    train(bench, [AgeRange(3, 6)])
    assert calibrating("6-9") == [20], "the active model lends, too"
    run = train(bench, "6-9")
    with bench.database.read() as session:
        info = ModelManager(bench).get_model_info(session, run.models[0])
    assert info["metrics"]["children"]["calibration"] == 20


@pytest.mark.req("D-11.1")
def test_the_false_alarm_interval_is_the_one_that_so_many_children_allow() -> None:
    """The rate of one calibration follows Beta(k, n + 1 - k), with k = floor(alpha (n + 1))."""
    info = judged(100)
    n, k = info.calibration_children, 2
    assert (n, int(0.05 * (n + 1))) == (50, k)
    low, high = stats.beta(k, n + 1 - k).interval(0.95)
    assert info.false_alarm_spread["estimate"] == pytest.approx(k / (n + 1))
    assert info.false_alarm_spread["low"] == pytest.approx(low)
    assert info.false_alarm_spread["high"] == pytest.approx(high)


@pytest.mark.req("D-11.1")
def test_neighbours_are_merged_where_one_is_short_and_the_result_stays_narrow() -> None:
    groups = [
        judged(60, ages=(3, 5)),
        judged(20, ages=(5, 6)),
        judged(70, ages=(6, 9)),
        judged(80, ages=(9, 12)),
        judged(5, ages=(13, 14)),
    ]
    found = DataSufficiencyAnalyzer().suggest_age_group_merging(groups)
    assert [(one.merged_group, one.combined_sample_count) for one in found] == [
        ("3.0-6.0", 80),
        ("5.0-9.0", 90),
    ]
    assert found[0].original_groups == ["3.0-5.0", "5.0-6.0"]


@pytest.mark.req("D-11.1")
def test_augmentation_is_suggested_where_drawings_are_few_and_never_calibrates() -> None:
    suggester = DataAugmentationSuggester()
    few = suggester.suggest_augmentation_strategies(judged(20))
    enough = suggester.suggest_augmentation_strategies(judged(50))
    assert few["needed"]
    assert few["recommended_techniques"]
    assert not enough["needed"]
    assert enough["recommended_techniques"] == []
    assert any("never calibrate" in caution for caution in few["cautions"])


def test_subjects_are_counted_and_unnamed_ones_are_said() -> None:
    assert judged(5).subjects_distribution == {"unspecified": 3, "house": 2}


@pytest.mark.req("D-11.1")
def test_the_overview_judges_a_plan_by_children(bench: Workbench) -> None:
    add_drawings(bench, [*by_children(sketches(8, 4.5), each=2), *sketches(55, 7.5)])
    with bench.database.read() as session:
        found = overview(bench, session, "3-6,6-9")
    young, old = found["groups"]
    assert (young["sample_count"], young["children"], young["can_train"]) == (8, 4, False)
    assert (old["sample_count"], old["children"], old["is_sufficient"]) == (55, 55, True)
    assert [warning["age_group"] for warning in found["warnings"]] == ["3.0-6.0"]
    assert found["merging_suggestions"] == []
    assert found["augmentation"]["3.0-6.0"]["needed"]


def test_the_overview_suggests_groups_where_none_are_named(bench: Workbench) -> None:
    add_drawings(bench, sketches(55, 7.5, spread=0.4))
    with bench.database.read() as session:
        found = overview(bench, session)
    assert [group["age_group"] for group in found["groups"]] == ["7.0-8.0"]


def test_the_overview_of_an_empty_home_is_empty(bench: Workbench) -> None:
    with bench.database.read() as session:
        found = overview(bench, session)
    assert (found["groups"], found["warnings"], found["augmentation"]) == ([], [], {})

"""Which ages there are, which groups they suggest, and who speaks for an age."""

from collections.abc import Sequence

import pytest

from deepmed.features.drawings.models.age_groups import AgeGroupConfig, AgeGroupManager
from deepmed.features.drawings.models.ranges import AgeRange, parse_groups
from deepmed.features.drawings.models.training import GroupTraining
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ValidationError
from factories.drawings import Sketch, add_drawings, by_children, embed, sketches
from factories.homes import QUICK


def suggested(
    bench: Workbench, counts: dict[float, int], config: AgeGroupConfig | None = None
) -> list[tuple[float, float, bool]]:
    add_drawings(bench, [Sketch(age=age) for age, count in counts.items() for _ in range(count)])
    with bench.database.read() as session:
        groups = AgeGroupManager(bench, config).suggest_age_groups(session)
    return [(group.age_min, group.age_max, group.upper_closed) for group in groups]


def bounds(groups: Sequence[AgeRange]) -> list[tuple[float, float]]:
    return [(group.age_min, group.age_max) for group in groups]


@pytest.mark.req("D-7.1")
def test_the_distribution_counts_drawings_and_children_by_year(bench: Workbench) -> None:
    by_two = by_children([Sketch(age=4.9), Sketch(age=4.0), Sketch(age=5.0)], each=2)
    add_drawings(
        bench,
        [
            *by_two,
            Sketch(age=4.5, label="severe"),
            Sketch(age=4.5, withdrawn=True),
            Sketch(age=7.5),
        ],
    )
    with bench.database.read() as session:
        found = AgeGroupManager(bench).analyze_age_distribution(session)
    assert found["total_drawings"] == 4
    assert found["total_children"] == 3
    assert found["age_range"] == [4.0, 7.5]
    assert found["mean_age"] == pytest.approx((4.9 + 4.0 + 5.0 + 7.5) / 4)
    assert found["years"] == [
        {"age_start": 4, "age_end": 5, "drawings": 2, "children": 1},
        {"age_start": 5, "age_end": 6, "drawings": 1, "children": 1},
        {"age_start": 7, "age_end": 8, "drawings": 1, "children": 1},
    ]


@pytest.mark.parametrize(
    ("strategy", "groups"),
    [
        ("yearly", [(3, 4, False), (4, 5, False), (5, 6, False), (6, 9, True)]),
        ("2-year", [(3, 5, False), (5, 9, True)]),
        ("3-year", [(3, 6, False), (6, 9, True)]),
    ],
)
def test_bins_may_be_several_years_wide(
    bench: Workbench, strategy: str, groups: list[tuple[float, float, bool]]
) -> None:
    counts = {3.5: 12, 4.5: 12, 5.5: 12, 6.5: 5, 7.5: 4, 8.5: 3}
    config = AgeGroupConfig(min_samples=10, max_span=4, strategy=strategy)
    assert suggested(bench, counts, config) == groups


def test_no_group_is_wider_than_is_allowed(bench: Workbench) -> None:
    counts = {3.5: 2, 4.5: 2, 5.5: 2, 6.5: 2, 7.5: 2, 8.5: 2}
    config = AgeGroupConfig(min_samples=50, max_span=4, strategy="3-year")
    assert suggested(bench, counts, config) == [(3, 6, False), (6, 9, True)]


@pytest.mark.req("D-7.1")
def test_years_are_merged_upwards_until_a_group_holds_enough(bench: Workbench) -> None:
    counts = {4.5: 30, 5.5: 30, 6.5: 60, 7.5: 20, 8.5: 35}
    assert suggested(bench, counts) == [(4, 6, False), (6, 7, False), (7, 9, True)]


@pytest.mark.req("D-7.1")
def test_a_group_grows_no_wider_than_allowed(bench: Workbench) -> None:
    counts = {4.5: 5, 5.5: 5, 6.5: 5, 7.5: 5, 8.5: 60}
    assert suggested(bench, counts) == [(4, 8, False), (8, 9, True)]


@pytest.mark.req("D-7.1")
def test_what_is_left_over_joins_the_last_group_where_that_stays_narrow(bench: Workbench) -> None:
    assert suggested(bench, {4.5: 60, 5.5: 5}) == [(4, 6, True)]


@pytest.mark.req("D-7.1")
def test_what_is_left_over_stands_alone_where_the_last_group_would_be_too_wide(
    bench: Workbench,
) -> None:
    config = AgeGroupConfig(min_samples=10, max_span=2)
    assert suggested(bench, {4.5: 5, 5.5: 5, 6.5: 5}, config) == [(4, 6, False), (6, 7, True)]


@pytest.mark.req("D-7.1")
def test_years_without_drawings_make_no_group(bench: Workbench) -> None:
    assert suggested(bench, {3.5: 60, 15.5: 60}) == [(3, 4, False), (15, 16, True)]


@pytest.mark.req("D-7.1")
def test_the_greatest_age_belongs_to_the_last_group(bench: Workbench) -> None:
    assert suggested(bench, {17.5: 60, 18.0: 60}) == [(17, 18, True)]


@pytest.mark.req("D-7.1")
def test_every_drawing_that_may_train_is_in_a_suggested_group(bench: Workbench) -> None:
    ages = [2.0, 2.5, 3.0, 6.0, 6.99, 9.0, 12.0, 17.99, 18.0]
    add_drawings(bench, [Sketch(age=age) for age in ages])
    with bench.database.read() as session:
        groups = AgeGroupManager(bench).suggest_age_groups(session)
    assert all(sum(group.holds(age) for group in groups) == 1 for age in ages)


@pytest.mark.req("D-7.1")
def test_nothing_is_suggested_and_nothing_counted_in_an_empty_home(bench: Workbench) -> None:
    manager = AgeGroupManager(bench)
    with bench.database.read() as session:
        assert manager.suggest_age_groups(session) == []
        found = manager.analyze_age_distribution(session)
        coverage = manager.get_age_group_coverage(session)
    assert found == {
        "total_drawings": 0,
        "total_children": 0,
        "age_range": None,
        "mean_age": None,
        "years": [],
    }
    assert coverage["total_coverage"] is None


@pytest.mark.req("D-7.1", "D-7.4")
def test_groups_are_created_from_a_plan_and_their_coverage_is_told(bench: Workbench) -> None:
    add_drawings(bench, [*sketches(24, 4.5), *sketches(24, 10.5)])
    embed(bench)
    manager = AgeGroupManager(bench)
    run = manager.create_age_groups("3-6,9-12", GroupTraining(bench, QUICK))
    assert [row.is_active for row in run.models] == [True, True, True]
    with bench.database.read() as session:
        coverage = manager.get_age_group_coverage(session)
        assert manager.find_appropriate_model(session, 6.0) is None
        assert manager.find_appropriate_model(session, 8.999) is None
    assert coverage == {
        "total_models": 2,
        "age_ranges": [[3, 6], [9, 12]],
        "coverage_gaps": [[6, 9]],
        "total_coverage": [3, 12],
    }


@pytest.mark.req("D-7.4")
@pytest.mark.parametrize("age", [2.0, 2.999, 12.001, 18.0])
def test_no_model_speaks_for_an_age_outside_the_supported_ones(
    trained: Workbench, age: float
) -> None:
    with trained.database.read() as session:
        assert AgeGroupManager(trained).find_appropriate_model(session, age) is None


@pytest.mark.req("D-23.3")
@pytest.mark.parametrize(
    ("age", "start"), [(3.0, 3), (5.999, 3), (6.0, 6), (9.0, 9), (11.999, 9), (12.0, 9)]
)
def test_an_age_on_a_boundary_has_the_documented_model(
    trained: Workbench, age: float, start: float
) -> None:
    with trained.database.read() as session:
        found = AgeGroupManager(trained).find_appropriate_model(session, age)
    assert found is not None
    assert found.age_min == start


@pytest.mark.req("D-7.1")
def test_a_plan_is_judged_by_what_each_group_could_train_on(bench: Workbench) -> None:
    add_drawings(
        bench,
        [*by_children(sketches(6, 4.5), each=3), Sketch(age=6.0), Sketch(age=7.0, label="concern")],
    )
    with bench.database.read() as session:
        found = AgeGroupManager(bench).validate_age_group_data(session, parse_groups("3-6,6-9"))
        with pytest.raises(ValidationError, match="overlap"):
            AgeGroupManager(bench).validate_age_group_data(
                session, [AgeRange(3, 6), AgeRange(5, 9)]
            )
    assert found == [
        {"age_group": "3.0-6.0", "drawings": 6, "children": 2},
        {"age_group": "6.0-9.0", "drawings": 1, "children": 1},
    ]

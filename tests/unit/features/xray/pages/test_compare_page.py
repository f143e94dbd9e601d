"""Runs beside each other: only what was tested on the same patients is compared."""

import pytest

from deepmed.features.xray.report.comparison import compare_runs
from factories.api import Api
from factories.markup import points, read, words

FIRST, SECOND, ELSEWHERE, THREE, THREE_MORE = 1, 2, 3, 4, 5


@pytest.mark.req("U-4.1")
def test_differences_stand_with_their_interval_beside_both_runs(clinic: Api) -> None:
    text = words(read(clinic, f"/xrays/compare/part?runs={FIRST}&runs={SECOND}"))
    found = compare_runs(clinic.home, [FIRST, SECOND])
    each = found["comparisons"][0]["differences"]["auroc"]
    assert f"{each['estimate']:+.3f} {each['low']:+.3f} to {each['high']:+.3f}" in text
    for run in found["runs"]:
        own = run["test"]["auroc"]
        assert f"{own['estimate']:.3f} {own['low']:.3f} to {own['high']:.3f}" in text
    assert "95 % intervals over patients." in text
    assert "Test patients" in text
    for sentence in found["comparisons"][0]["statements"]:
        assert sentence in text


@pytest.mark.req("X-19.1")
def test_roc_curves_lie_over_each_other_on_the_same_images_alone(clinic: Api) -> None:
    same = read(clinic, f"/xrays/compare/part?runs={FIRST}&runs={SECOND}")
    assert len(points(same)) == 2
    assert all(curve[0] == (40.0, 290.0) and curve[-1] == (386.0, 30.0) for curve in points(same))
    other = read(clinic, f"/xrays/compare/part?runs={FIRST}&runs={ELSEWHERE}")
    assert points(other) == []
    assert "were tested on different images" in words(other)
    assert " less run " not in words(other)


def test_several_classes_are_compared_without_a_curve(clinic: Api) -> None:
    text = read(clinic, f"/xrays/compare/part?runs={THREE}&runs={THREE_MORE}")
    assert points(text) == []
    told = words(text)
    assert f"Run {THREE_MORE} less run {THREE}" in told
    # Nothing says whose these images are.
    assert "95 % intervals over images." in told
    assert "images drawn" in told
    assert "Test patients" not in told


def test_the_page_asks_which_runs_and_keeps_what_was_chosen(clinic: Api) -> None:
    text = read(clinic, "/xrays/compare")
    assert "hx-get" not in text
    assert text.count("<select") == 2
    chosen = read(clinic, f"/xrays/compare?runs={ELSEWHERE}&runs={FIRST}")
    assert f'value="{ELSEWHERE}" selected' in chosen
    assert f"/xrays/compare/part?runs={ELSEWHERE}&amp;runs={FIRST}" in chosen


def test_a_choice_that_compares_nothing_is_refused(clinic: Api) -> None:
    read(clinic, f"/xrays/compare?runs={FIRST}&runs={FIRST}", 400)
    read(clinic, f"/xrays/compare/part?runs={FIRST}", 400)
    read(clinic, "/xrays/compare?runs=first", 422)


def test_runs_of_others_are_not_there(stranger: Api) -> None:
    read(stranger, f"/xrays/compare?runs={FIRST}", 404)
    read(stranger, f"/xrays/compare/part?runs={FIRST}&runs={SECOND}", 404)
    assert "first &lt;run&gt;" not in read(stranger, "/xrays/compare")
    assert "needs two completed runs" in read(stranger, "/xrays/compare")

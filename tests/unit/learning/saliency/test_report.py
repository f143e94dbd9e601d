"""Who passes the gate: the figures of D-17, one drawing after the other."""

import json

import numpy as np
import pytest

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.saliency import (
    FaithfulnessReport,
    MeasuredDrawing,
    RandomisationCheck,
    choose_method,
    gate,
)

KNOWS = RandomisationCheck((0.1, 0.2), None)
PASSED = dict.fromkeys(("occlusion", "gradient", "integrated_gradients"), KNOWS)
CONTROLS = {"random": 0.0, "sobel": 0.2, "ink_density": 0.2, "fill_difference": 0.3}


def report_of(
    n: int = 30,
    p: float = 0.2,
    spread: float = 0.0,
    children: list[int] | None = None,
    **methods: float,
) -> FaithfulnessReport:
    """Drawings whose scores have these means exactly and this spread."""
    noise = np.random.default_rng(0).normal(size=(n, len(methods)))
    scores = np.array(list(methods.values())) + spread * (noise - noise.mean(axis=0))
    return FaithfulnessReport(
        [
            MeasuredDrawing(child, p, "paper", CONTROLS | dict(zip(methods, row, strict=True)))
            for child, row in zip(children or range(n), scores, strict=True)
        ]
    )


@pytest.mark.req("D-17.4")
def test_a_method_that_beats_all_three_controls_passes() -> None:
    result = gate(report_of(occlusion=0.5, gradient=0.6, integrated_gradients=0.1), PASSED)
    assert result.passed
    assert result.faithful == ("gradient", "occlusion")
    assert result.children == 30
    assert result.label == "faithful"


@pytest.mark.req("D-17.4")
@pytest.mark.parametrize(
    ("report", "reason"),
    [
        (report_of(n=29, occlusion=0.5), "29 children"),
        (report_of(children=[row % 29 for row in range(30)], occlusion=0.5), "29 children"),
        (report_of(p=0.201, occlusion=0.5), "0 children"),
        (report_of(occlusion=0.2), "No method"),  # no better than edges
        (report_of(occlusion=0.25, spread=1.0), "No method"),  # could be chance
    ],
)
def test_the_gate_stays_closed(report: FaithfulnessReport, reason: str) -> None:
    result = gate(report, PASSED)
    assert not result.passed
    assert reason in result.reason
    assert result.faithful == ()
    assert result.label == "not faithful"


@pytest.mark.req("D-17.4")
@pytest.mark.parametrize("control", ["sobel", "ink_density"])
def test_beating_one_of_edges_and_ink_is_not_enough(control: str) -> None:
    report = report_of(occlusion=0.5)
    drawings = [
        MeasuredDrawing(d.child, d.p, d.fill, d.scores | {control: 0.5}) for d in report.drawings
    ]
    assert not gate(FaithfulnessReport(drawings), PASSED).passed


@pytest.mark.req("D-17.4")
@pytest.mark.parametrize(("over_random", "passes"), [(0.1, True), (0.099, False)])
def test_random_must_be_beaten_by_a_tenth(over_random: float, *, passes: bool) -> None:
    controls = {"random": 0.0, "sobel": 0.0, "ink_density": 0.0}
    drawings = [
        MeasuredDrawing(row, 0.1, "paper", controls | {"occlusion": over_random})
        for row in range(30)
    ]
    assert gate(FaithfulnessReport(drawings), PASSED).passed is passes


@pytest.mark.req("D-17.4")
def test_usual_drawings_do_not_count() -> None:
    unusual, usual = report_of(occlusion=0.5), report_of(p=0.9, occlusion=0.0)
    both = FaithfulnessReport([*unusual.drawings, *usual.drawings])
    assert gate(both, PASSED).passed
    assert both.row("occlusion").score.estimate == pytest.approx(0.25)


@pytest.mark.req("V-4.1")
def test_a_map_that_does_not_explain_the_score_is_never_faithful() -> None:
    checks = dict.fromkeys(("attention_rollout", "attention"), KNOWS)
    assert not gate(report_of(attention_rollout=0.9, attention=0.9), checks).passed
    assert choose_method(report_of(attention_rollout=0.9), checks) is None


@pytest.mark.req("D-17.5")
@pytest.mark.req("V-4.1")
def test_a_method_that_fails_the_randomisation_check_is_passed_over() -> None:
    report = report_of(gradient_magnitude=0.7, occlusion=0.5)
    checks = {"gradient_magnitude": RandomisationCheck((0.6, 0.7), None), "occlusion": KNOWS}
    assert choose_method(report, checks) == "occlusion"
    assert gate(report, checks).faithful == ("occlusion",)
    assert choose_method(report, checks | {"gradient_magnitude": KNOWS}) == "gradient_magnitude"


@pytest.mark.req("D-17.5")
def test_a_method_without_a_randomisation_check_is_not_called_faithful() -> None:
    report = report_of(gradient=0.7, occlusion=0.5)
    assert choose_method(report, {"occlusion": KNOWS}) == "occlusion"
    unchecked = gate(report, {})
    assert not unchecked.passed
    assert "knows nothing" in unchecked.reason
    assert choose_method(report, {}) is None


def test_the_interval_is_over_children_and_not_over_drawings() -> None:
    values = {"a": [0.0, 1.0, 0.5], "b": [1.0], "c": [0.2], "d": [0.4], "e": [0.9]}
    drawings = [
        MeasuredDrawing(child, 0.1, "paper", CONTROLS | {"occlusion": value})
        for child, each in values.items()
        for value in each
    ]
    row = FaithfulnessReport(drawings, split="held out").row("occlusion")
    expected = np.mean([np.mean(each) for each in values.values()])
    assert row.score.estimate == pytest.approx(expected)
    assert row.over["sobel"].estimate == pytest.approx(expected - 0.2)
    assert (row.score.unit, row.score.sample_size, row.score.split) == ("child", 5, "held out")
    json.dumps(row.score.to_dict())


def test_only_methods_that_every_drawing_has_are_compared() -> None:
    whole, part = report_of(n=6, occlusion=0.5, gradient=0.4), report_of(n=6, occlusion=0.5)
    report = FaithfulnessReport([*whole.drawings, *part.drawings])
    assert "gradient" not in report.methods
    assert [row.method for row in report.rows()][:2] == ["occlusion", "fill_difference"]
    with pytest.raises(InsufficientDataError):
        report.row("gradient")

import math
from typing import Any

import pytest

from deepmed.features.drawings.bench import faithfulness as bench
from deepmed.features.drawings.bench.collection import Collection
from deepmed.features.drawings.bench.faithfulness import choose_without_fold, faithfulness
from deepmed.features.drawings.bench.material import Material, deal
from deepmed.learning.encoders import Encoder
from deepmed.learning.saliency.report import UNUSUAL_P, GateResult

DRAWINGS = 2
SHUT = GateResult(passed=False, faithful=(), children=1, reason="not asked")


@pytest.fixture(scope="module")
def found(drawings: Collection, encoder: Encoder) -> dict[str, Any]:
    rows = drawings.rows.with_vectors(encoder.embed(drawings.images))
    detectors = {1: "pca", 3: "knn"}
    return faithfulness(
        drawings, rows, encoder, detectors, most=DRAWINGS, seed=0, step=lambda _: None
    )


@pytest.mark.req("D-17.4")
def test_only_unusual_drawings_by_new_children_are_measured(found: dict[str, Any]) -> None:
    assert found["drawings"] + len(found["refused"]) == DRAWINGS
    assert all(item["p"] <= UNUSUAL_P for item in found["items"])
    assert not found["all_drawings"]


@pytest.mark.req("D-17.4")
def test_random_edges_and_ink_stand_beside_every_method(found: dict[str, Any]) -> None:
    for item in found["items"]:
        assert {"random", "sobel", "ink_density", "occlusion", "gradient"} <= set(item["scores"])
        assert all(-1 <= score <= 1 for score in item["scores"].values())


@pytest.mark.req("D-17.4")
def test_each_fold_is_measured_with_the_detector_that_was_chosen_without_it(
    drawings: Collection, encoder: Encoder, found: dict[str, Any]
) -> None:
    assert found["detectors"] == ["pca", "knn"]
    assert found["detector"] == "knn and pca"
    folds = deal(drawings.rows.children, 0)
    for item in found["items"]:
        assert folds[drawings.rows.children.tolist().index(item["child"])] in {1, 3}


@pytest.mark.req("D-17.4")
def test_a_folds_own_drawings_do_not_choose_its_detector(
    material: Material, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Material] = []

    def note(rest: Material, *_: object) -> str:
        seen.append(rest)
        return "knn"

    monkeypatch.setattr(bench, "choose", note)
    assert choose_without_fold(material, encoder, 2, 0, 10) == "knn"
    own = set(material.rows.children[deal(material.rows.children, 0) == 2].tolist())
    used = {child for trial in seen[0].trials for child in material.rows.children[trial.used]}
    assert own
    assert not own & used
    assert used | own == set(material.rows.children.tolist())


@pytest.mark.req("D-17.5")
def test_a_method_whose_maps_do_not_change_is_not_let_through_the_gate(
    drawings: Collection, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All maps stay as they are when the detector knows as much as before."""
    seen: list[Any] = []
    monkeypatch.setattr(bench, "knowing_nothing", lambda function, _seed: function)
    monkeypatch.setattr(bench, "gate", lambda _report, checks: seen.append(checks) or SHUT)
    rows = drawings.rows.with_vectors(encoder.embed(drawings.images))
    faithfulness(drawings, rows, encoder, {0: "knn"}, most=1, seed=0, step=lambda _: None)
    assert seen[0]
    assert not any(check.passed for check in seen[0].values())


@pytest.mark.req("D-17.4")
def test_too_few_children_do_not_pass_the_gate_and_say_why(found: dict[str, Any]) -> None:
    assert found["gate"]["passed"] is False
    assert found["gate"]["label"] == "not faithful"
    assert "30 are needed" in found["gate"]["reason"]
    assert all("at least 5" in row["reason"] for row in found["rows"])


@pytest.mark.req("D-17.5")
def test_each_map_is_compared_with_that_of_a_detector_that_knows_nothing(
    found: dict[str, Any],
) -> None:
    methods = {"gradient", "gradient_magnitude", "integrated_gradients", "occlusion"}
    assert methods < set(found["randomisation"])
    for checked in found["randomisation"].values():
        assert len(checked["correlations"]) == found["drawings"]
        assert all(math.isfinite(value) for value in checked["correlations"])

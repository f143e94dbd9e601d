import math
from typing import Any

import pytest

from deepmed.features.drawings.bench.collection import Collection
from deepmed.features.drawings.bench.faithfulness import faithfulness
from deepmed.learning.encoders import Encoder
from deepmed.learning.saliency.report import UNUSUAL_P

DRAWINGS = 2


@pytest.fixture(scope="module")
def found(drawings: Collection, encoder: Encoder) -> dict[str, Any]:
    rows = drawings.rows.with_vectors(encoder.embed(drawings.images))
    return faithfulness(drawings, rows, encoder, "pca", most=DRAWINGS, seed=0, step=lambda _: None)


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

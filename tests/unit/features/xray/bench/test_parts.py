"""HOG, spreads, promises and verdicts, each against numbers worked out another way."""

from typing import Any

import numpy as np
import pytest

from deepmed.features.xray.bench.hog import histograms
from deepmed.features.xray.bench.promises import promises
from deepmed.features.xray.bench.scores import of_values
from deepmed.features.xray.bench.variants import CHOSEN_WITH, QUESTIONS, verdict


def test_a_ramp_has_one_direction() -> None:
    ramp = np.tile(np.arange(0, 224, 8, dtype=np.uint8), (28, 1))
    found = histograms(np.stack([ramp, ramp.T]))
    across, down = found.reshape(2, -1, 9).sum(axis=1)
    assert np.flatnonzero(across > 1e-6).tolist() == [0, 8]  # 0 degrees lies between the two
    assert np.flatnonzero(down > 1e-6).tolist() == [4]  # 90 degrees is the middle of one
    blocks = found.reshape(2, -1, 36)
    np.testing.assert_allclose(np.linalg.norm(blocks, axis=2), 1, atol=1e-6)


def test_how_bright_or_rich_in_contrast_an_image_is_does_not_count() -> None:
    image = np.random.default_rng(1).integers(0, 100, (1, 28, 28), np.uint8)
    np.testing.assert_allclose(histograms(2 * image + 7), histograms(image), atol=1e-6)


def test_a_spread_is_that_of_a_sample() -> None:
    found = of_values([0.9, 0.96, 0.93])
    assert found == {
        "mean": pytest.approx(0.93),
        "deviation": pytest.approx(0.03),
        "lowest": 0.9,
        "highest": 0.96,
    }
    assert of_values([0.5])["deviation"] is None


@pytest.mark.parametrize(
    ("auroc", "seconds", "kept"),
    [(0.97, 600.0, [True, True]), (0.969, 601.0, [False, False]), (0.98, None, [True, None])],
)
def test_a_promise_is_kept_up_to_its_limit(
    auroc: float, seconds: float | None, kept: list[bool | None]
) -> None:
    spread = {"auroc": {"mean": auroc}, "accuracy": {"mean": 0.5}}
    loading = {"loader_images_per_second": 399.0, "epoch_ratio": 1.2}
    found = promises([{"timing": {"seconds": seconds}}], spread, loading)
    assert [found[0]["passed"], found[2]["passed"]] == kept
    assert [one["passed"] for one in found[3:]] == [False, True]


def difference(low: float | None, high: float | None) -> dict[str, Any]:
    middle = 0.0 if low is None or high is None else (low + high) / 2
    return {"estimate": middle, "low": low, "high": high}


@pytest.mark.parametrize(
    ("auroc", "brier", "told"),
    [
        ((0.01, 0.02), (-0.02, -0.01), ["cross-entropy is better", "cross-entropy is better"]),
        ((-0.02, -0.01), (0.01, 0.02), ["focal loss is better", "focal loss is better"]),
        ((-0.01, 0.02), (None, None), ["no difference", "no difference"]),
    ],
)
def test_a_verdict_needs_every_seed_beyond_its_interval(
    auroc: tuple[float, float], brier: tuple[float | None, float | None], told: list[str]
) -> None:
    one = {"difference": {"auroc": difference(*auroc), "brier": difference(*brier)}}
    words = verdict(QUESTIONS[0], [{"seed": 0, **one}, {"seed": 1, **one}])
    assert f"AUROC: {told[0]}" in words
    assert f"Brier score: {told[1]}" in words
    assert words.endswith(CHOSEN_WITH)
    undecided = {"difference": {**one["difference"], "auroc": difference(-1, 1)}}
    words = verdict(QUESTIONS[0], [{"seed": 0, **one}, {"seed": 1, **undecided}])
    assert "AUROC: no difference" in words
    assert "AUROC: no difference" in verdict(QUESTIONS[0], [{"seed": 0, **one}])

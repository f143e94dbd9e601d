"""The control of planting on real drawings: what a detector finds where nothing is unusual."""

from pathlib import Path

import numpy as np
import pytest

from deepmed.features.drawings.bench.collection import read_real_drawings
from deepmed.kit.settings import Settings
from deepmed.learning.detectors import make_detector
from deepmed.learning.encoders import Encoder
from deepmed.learning.evaluation.oracle import recompute_auroc
from deepmed.learning.planting import redraw


@pytest.fixture(scope="module")
def scores(
    real_drawings_zip: Path, bench_settings: Settings, encoder: Encoder
) -> dict[str, list[float]]:
    """Of the same held-out drawings, untouched and redrawn twice, by a detector of the others."""
    images = read_real_drawings(real_drawings_zip, bench_settings).images
    detector = make_detector("mahalanobis").fit(encoder.embed(images[::2]))
    held_out = images[1::2]
    seen = {"untouched": list(held_out)}
    for name, seed in (("redrawn", 1), ("redrawn again", 2)):
        random = np.random.default_rng(seed)
        seen[name] = [redraw(image, random) for image in held_out]
    return {
        name: detector.score_samples(encoder.embed(pictures)).tolist()
        for name, pictures in seen.items()
    }


@pytest.mark.req("D-24.1")
def test_redrawn_drawings_are_not_told_from_others_redrawn_likewise(
    scores: dict[str, list[float]],
) -> None:
    assert len(scores["redrawn"]) == 140
    found = recompute_auroc(scores["redrawn"], scores["redrawn again"])
    assert found == pytest.approx(0.5, abs=0.03)


@pytest.mark.req("D-3.2")
def test_planting_leaves_no_softness_by_which_drawings_are_found(
    scores: dict[str, list[float]],
) -> None:
    """With the greys that interpolation leaves this was .81: softness alone passed for jitter."""
    assert recompute_auroc(scores["untouched"], scores["redrawn"]) < 0.55

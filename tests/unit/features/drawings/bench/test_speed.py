from collections.abc import Sequence

import numpy as np
import pytest
import torch

from deepmed.features.drawings.bench.collection import Image
from deepmed.features.drawings.bench.speed import BATCH, SCAN_SIDE, SINGLES, scans, speed
from deepmed.learning.encoders import EncoderIdentity


class Clockwork:
    """An encoder whose embedding takes a known time, and the clock that shows it."""

    identity = EncoderIdentity("clockwork", "1", "0" * 64, "none", "fp32", 1)

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[int] = []

    def embed(self, images: Sequence[Image]) -> np.ndarray:
        self.calls.append(len(images))
        # The first call warms up, and every second round is disturbed.
        slow = 3.0 if len(self.calls) % 2 else 1.0
        self.now += 0.002 * len(images) * slow if len(images) > 1 else 0.005
        return np.zeros((len(images), 1), np.float32)


@pytest.mark.req("D-24.1")
def test_the_best_of_several_repetitions_is_the_figure() -> None:
    encoder = Clockwork()
    pages = [np.zeros((2, 2, 3), np.uint8)] * (BATCH + 5)
    (found,) = speed(encoder, pages, repeats=3, clock=lambda: encoder.now)  # type: ignore[arg-type] # as much of an encoder as is timed
    assert found["batched_ms"]["best"] == pytest.approx(2.0)
    assert found["batched_ms"]["worst"] == pytest.approx(6.0)
    assert found["single_ms"]["best"] == pytest.approx(5.0)
    assert encoder.calls == [BATCH] * 4 + [1] * 3 * SINGLES
    assert (found["batch_size"], found["threads"], found["longest_side"]) == (BATCH, 1, 2)


@pytest.mark.req("D-5.1")
def test_pages_of_the_size_of_scans_are_timed_too() -> None:
    pages = [np.full((4, 4, 3), shade, np.uint8) for shade in range(3)]
    made = scans(pages)
    assert len(made) == BATCH
    assert {page.shape for page in made} == {(SCAN_SIDE, SCAN_SIDE, 3)}
    assert [int(page[0, 0, 0]) for page in made[:4]] == [0, 1, 2, 0]


@pytest.mark.req("D-24.1")
def test_one_thread_and_all_threads_are_timed_and_the_setting_is_kept() -> None:
    encoder = Clockwork()
    torch.set_num_threads(2)
    pages = [np.zeros((2, 2, 3), np.uint8)] * BATCH
    rows = speed(encoder, pages, repeats=1, clock=lambda: encoder.now)  # type: ignore[arg-type] # as above
    assert [row["threads"] for row in rows] == [1, 2]
    assert torch.get_num_threads() == 2

"""What is measured is loading and computing, and nothing else."""

import time
from pathlib import Path

import pytest
import torch
from torch import nn

from deepmed.learning.imaging import DataSettings, LoadingFigures, measure_loading


class Waiting(nn.Module):
    """A small network that takes at least so long a batch."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.layer = nn.Linear(3 * 64 * 64, 1)
        self.batches = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        assert images.shape[1:] == (3, 64, 64)
        self.batches += 1
        time.sleep(self.seconds)
        logits: torch.Tensor = self.layer(images.flatten(1))
        return logits


def measure(folder: Path, network: nn.Module, workers: int = 0) -> LoadingFigures:
    settings = DataSettings(batch_size=4, workers=workers)
    return measure_loading(folder, lambda: network, images=8, settings=settings, repeats=1)


def test_seconds_of_an_epoch_are_those_of_its_batches(tmp_path: Path) -> None:
    network = Waiting(0.2)
    figures = measure(tmp_path, network)
    assert network.batches == 1 + 2 + 2  # to begin with, an epoch, and its batches from memory
    assert figures.compute_seconds >= 0.4
    assert figures.epoch_seconds >= 0.4
    assert figures.epoch_ratio == pytest.approx(figures.epoch_seconds / figures.compute_seconds)
    assert figures.processor_ratio is not None


def test_processor_time_of_other_processes_is_not_claimed(tmp_path: Path) -> None:
    figures = measure(tmp_path, Waiting(0), workers=1).to_json()
    assert figures["workers"] == 1
    assert figures["processor_ms_per_image"] is None
    assert figures["processor_ratio"] is None
    assert figures["loader_images_per_second"] > 0

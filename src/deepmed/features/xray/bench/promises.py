"""What was promised of the figures, and whether it was kept."""

from collections.abc import Mapping, Sequence
from typing import Any

AUROC, ACCURACY = 0.97, 0.90
SECONDS = 600.0
IMAGES_A_SECOND = 400.0
EPOCH_RATIO = 1.2
PUBLISHED = (
    {
        "name": "ResNet-18 at 28x28, as published",
        "auroc": 0.944,
        "accuracy": 0.854,
        "source": "Yang et al., MedMNIST v2, Scientific Data 10 (2023) 41",
    },
)
"""Measured by others on the same test part; not measured again here."""


def promises(
    seeds: Sequence[Mapping[str, Any]],
    spread: Mapping[str, Mapping[str, Any]],
    loading: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Each promise with the figure; `passed` is null where it was not measured."""
    seconds = [row["timing"]["seconds"] for row in seeds]
    slowest = None if None in seconds else max(seconds)
    return [
        _promise("AUROC on the test part, mean over seeds", spread["auroc"]["mean"], AUROC),
        _promise(
            "accuracy at 0.5 after temperature scaling, mean over seeds",
            spread["accuracy"]["mean"],
            ACCURACY,
        ),
        _promise("seconds of the slowest seed", slowest, SECONDS, at_least=False),
        _promise(
            "images a second from the warm cache at 256x256",
            loading["loader_images_per_second"],
            IMAGES_A_SECOND,
        ),
        _promise(
            "an epoch over bare forward and backward, ResNet-18 at 64x64",
            loading["epoch_ratio"],
            EPOCH_RATIO,
            at_least=False,
        ),
    ]


def _promise(
    what: str, value: float | None, limit: float, *, at_least: bool = True
) -> dict[str, Any]:
    kept = None if value is None else value >= limit if at_least else value <= limit
    return {"promise": what, "value": value, "limit": limit, "at_least": at_least, "passed": kept}

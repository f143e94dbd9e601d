"""What a run has stored, as its figures are counted again from it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from deepmed.features.drawings.models.file_names import ITEMS_FILE
from deepmed.kit import seeds
from deepmed.learning.reference.files import HEADER

Item = dict[str, Any]
Pairs = list[tuple[int, float]]
"""(child, score) of each drawing."""


@dataclass(frozen=True)
class Record:
    """A run's figures, and what they rest on.

    Attributes:
        metrics: the stored figures.
        header: who calibrates, with scores, and who was fitted on.
        items: sets of scored drawings.
        recipe: settings, and who took which part.
        detector: name of the detector that was fitted.
    """

    metrics: Mapping[str, Any]
    header: Mapping[str, Any]
    items: Mapping[str, list[Item]]
    recipe: Mapping[str, Any]
    detector: str

    @classmethod
    def of(
        cls, files: Mapping[str, bytes], metrics: Mapping[str, Any], recipe: Mapping[str, Any]
    ) -> Self:
        return cls(
            metrics,
            json.loads(files[HEADER]),
            json.loads(files[ITEMS_FILE]),
            recipe,
            json.loads(files["model.detector.json"])["detector"],
        )

    @property
    def percentile(self) -> float:
        """The one that the training was told; the stored figures name it too."""
        return float(self.recipe["config"]["percentile"])

    def seed(self, *names: str) -> int:
        """Seed of a stream of the run."""
        return seeds.derive(self.recipe["config"]["seed"], *names)

    @cached_property
    def calibration(self) -> Pairs:
        return [(row["child"], row["score"]) for row in self.header["model"]]

    def pairs(
        self, name: str, wanted: Callable[[Item], bool] = lambda _: True, score: str = "score"
    ) -> Pairs:
        """Child and score of a set's items; none where the set is missing."""
        return [(row["child"], row[score]) for row in self.items.get(name, []) if wanted(row)]

    def forgot(self, *sets: str) -> bool:
        """Whether drawings of these sets were deleted, so that their figures stand for good."""
        return bool({*self.metrics.get("forgotten", [])} & {*sets})


def held_out(item: Item) -> bool:
    """Whether the model was not fitted on the item's child."""
    return bool(item["role"] != "fit")

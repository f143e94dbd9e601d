"""Planted anomalies made from the owner's own drawings, embedded (D-15)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepmed.features.drawings.embeddings.service import EmbeddingService
from deepmed.kit import seeds
from deepmed.learning.planting import PlantedKind, plant_set
from deepmed.learning.reference import Rows
from deepmed.learning.reference.evaluation import PlantedRows

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class PlantedDrawings:
    """Planted pictures with their vectors, and the pictures of their sources."""

    planted: PlantedRows
    images: list[Image]
    originals: Rows
    original_images: list[Image]


class PlantedMaker:
    """Makes planted anomalies of chosen drawings; pictures are read once."""

    def __init__(self, service: EmbeddingService, files: dict[int, str], seed: int) -> None:
        self.service = service
        self.files = files
        self.seed = seed
        self._pictures: dict[int, Image] = {}

    def make(self, own: Rows, donors: Rows, limit: int, part: str) -> PlantedDrawings:
        """Planted versions of up to `limit` of the drawings, chosen at random by the seed.

        Args:
            own: the drawings to plant into.
            donors: drawings of other groups, for the kind that takes another group's drawing.
            limit: most source drawings.
            part: name of the stream of random numbers.
        """
        if not len(own):
            return PlantedDrawings(PlantedRows(own, ()), [], own, [])
        random = seeds.generator(self.seed, "planted", part)
        sources = own.take(np.sort(random.permutation(len(own))[:limit]))
        lent = donors.take(np.sort(random.permutation(len(donors))[:limit]))
        images = [self.picture(drawing) for drawing in sources.drawings.tolist()]
        made = plant_set(
            images + [self.picture(drawing) for drawing in lent.drawings.tolist()],
            [*sources.children.tolist(), *lent.children.tolist()],
            ["own"] * len(sources) + ["other"] * len(lent),
            seeds.derive(self.seed, "planted", part),
            kinds=list(PlantedKind),
            sources=range(len(sources)),
        )
        index = np.array([item.source for item in made if item.source is not None], dtype=np.int64)
        pictures = [item.image for item in made]
        vectors = self._embed(pictures, own.vectors.shape[1])
        rows = sources.take(index).with_vectors(vectors)
        kinds = tuple(item.kind.value for item in made)
        return PlantedDrawings(PlantedRows(rows, kinds), pictures, sources, images)

    def picture(self, drawing: int) -> Image:
        if drawing not in self._pictures:
            self._pictures[drawing] = self.service.picture(self.files[drawing])
        return self._pictures[drawing]

    def _embed(self, pictures: Sequence[Image], dimension: int) -> NDArray[np.float32]:
        if not pictures:
            return np.zeros((0, dimension), dtype=np.float32)
        vectors: NDArray[np.float32] = self.service.encoder.embed(pictures)
        return vectors

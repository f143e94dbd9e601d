"""Planted anomalies made from the owner's own drawings, embedded (D-15)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from deepmed.features.drawings.embeddings.service import EmbeddingService
from deepmed.kit import seeds
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.planting import Planted, PlantedKind, plant_set
from deepmed.learning.reference import Rows, join
from deepmed.learning.reference.evaluation import PlantedRows

Image = NDArray[np.uint8]

LONGEST_SIDE = 512
"""Larger pictures are reduced to this: planting into a photograph as it came takes a minute. The
encoders see 224 pixels, so their vectors hardly move."""
SPARE = 1.25
"""So many more sources than wanted: some drawings cannot be altered within the tolerance."""


@dataclass(frozen=True)
class PlantedDrawings:
    """Planted pictures with their vectors, and the drawings that they were made from."""

    planted: PlantedRows
    images: list[Image]
    originals: Rows


class PlantedMaker:
    """Makes planted anomalies of chosen drawings; pictures are read once."""

    def __init__(self, service: EmbeddingService, files: dict[int, str], seed: int) -> None:
        self.service = service
        self.files = files
        self.seed = seed
        self._pictures: dict[int, Image] = {}

    def make(
        self,
        own: Rows,
        donors: Rows,
        limit: int,
        part: str,
        kinds: Sequence[PlantedKind] = tuple(PlantedKind),
    ) -> PlantedDrawings:
        """Planted versions of up to `limit` of the drawings, chosen at random by the seed.

        Args:
            own: the drawings to plant into.
            donors: drawings of other groups, for the kind that takes another group's drawing.
            limit: most source drawings.
            part: name of the stream of random numbers.
            kinds: what is planted into each.
        """
        random = seeds.generator(self.seed, "planted", part)
        sources = own.take(np.sort(random.permutation(len(own))[:limit]))
        lent = donors.take(np.sort(random.permutation(len(donors))[:limit]))
        made = self._plant(sources, lent, part, kinds)
        index = np.array([item.source for item in made if item.source is not None], dtype=np.int64)
        pictures = [item.image for item in made]
        vectors = self._embed(pictures, own.vectors.shape[1])
        rows = sources.take(index).with_vectors(vectors)
        kind_names = tuple(item.kind.value for item in made)
        return PlantedDrawings(PlantedRows(rows, kind_names), pictures, sources)

    def make_one_each(self, own: Rows, donors: Rows, count: int, part: str) -> PlantedRows:
        """About `count` of the drawings, each with one planted version, the kinds in turn."""
        random = seeds.generator(self.seed, "planted one each", part)
        order = random.permutation(len(own))[: round(SPARE * count)]
        made = []
        for kind, share in zip(PlantedKind, np.array_split(order, len(PlantedKind)), strict=True):
            sources = own.take(np.sort(share))
            stream = f"{part} {kind.value}"
            made.append(self.make(sources, donors, len(sources), stream, [kind]).planted)
        return PlantedRows(
            join([item.rows for item in made]), tuple(name for item in made for name in item.kinds)
        )

    def picture(self, drawing: int) -> Image:
        if drawing not in self._pictures:
            self._pictures[drawing] = _reduced(self.service.picture(self.files[drawing]))
        return self._pictures[drawing]

    def forget_pictures(self) -> None:
        """Free the memory of the pictures; they are read again when they are needed."""
        self._pictures.clear()

    def _plant(
        self, sources: Rows, lent: Rows, part: str, kinds: Sequence[PlantedKind]
    ) -> list[Planted]:
        drawings = [*sources.drawings.tolist(), *lent.drawings.tolist()]
        try:
            return plant_set(
                [self.picture(drawing) for drawing in drawings],
                [*sources.children.tolist(), *lent.children.tolist()],
                ["own"] * len(sources) + ["other"] * len(lent),
                seeds.derive(self.seed, "planted", part),
                kinds=kinds,
                sources=range(len(sources)),
            )
        except InsufficientDataError:
            return []  # the report then says that nothing was planted; the model does not need it

    def _embed(self, pictures: Sequence[Image], dimension: int) -> NDArray[np.float32]:
        if not pictures:
            return np.zeros((0, dimension), dtype=np.float32)
        vectors: NDArray[np.float32] = self.service.encoder.embed(pictures)
        return vectors


def _reduced(image: Image) -> Image:
    share = LONGEST_SIDE / max(image.shape[:2])
    if share >= 1:
        return image
    height, width = (max(1, round(share * side)) for side in image.shape[:2])
    smaller = Pillow.fromarray(image).resize((width, height), Pillow.Resampling.BOX)
    return np.array(smaller)

"""From a map to a few boxes on the drawing (D-18)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw
from scipy import ndimage

from deepmed.learning.encoders import Image
from deepmed.learning.saliency.maps import SaliencyMap, patch_order
from deepmed.learning.saliency.places import Box, box_in_words, page_box
from deepmed.learning.saliency.score import FloatArray

Colour = tuple[int, int, int]
HIGHLIGHT: Colour = (176, 32, 96)


@dataclass(frozen=True)
class Region:
    """A place on the drawing that raises the score.

    Attributes:
        region_id: `region-1` is the one with the largest share.
        bounding_box: x0, y0, x1, y1 in pixels of the original, right and bottom exclusive.
        importance_score: the region's share of all that raises the score, 0 to 1.
        spatial_location: where the middle of the box lies on the page, in words.
        patches: row and column of each patch that belongs to it.

    Example:
        >>> Region("region-1", (0, 0, 9, 9), 0.4, "centre", ((1, 1),)).to_dict()["importance_score"]
        0.4
    """

    region_id: str
    bounding_box: Box
    importance_score: float
    spatial_location: str
    patches: tuple[tuple[int, int], ...]

    def to_dict(self) -> dict[str, Any]:
        """All fields, for JSON."""
        return asdict(self)


class ImportanceRegionDetector:
    """Finds the places that carry most of a map.

    Args:
        share: how much of what raises the score the patches of all regions carry together; the
            fewest patches that do are taken.
        most: regions at most; the largest shares are kept.

    Example:
        >>> values = np.zeros((14, 14))
        >>> values[2:4, 1:3] = 1.0
        >>> made = SaliencyMap(values, "occlusion", 1.0, "edges", "paper", (0, 0, 140, 140))
        >>> found = ImportanceRegionDetector(share=1.0).detect_bounding_boxes(made, (200, 140))
        >>> [(region.bounding_box, region.importance_score) for region in found]
        [((10, 20, 30, 40), 1.0)]
    """

    def __init__(self, share: float = 0.5, most: int = 5) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"The share lies above 0 and at most at 1, not at {share}.")
        self.share = share
        self.most = most

    def detect_bounding_boxes(
        self, saliency_map: SaliencyMap, image_size: tuple[int, int]
    ) -> list[Region]:
        """The regions of a map, the largest share first.

        Args:
            saliency_map: what raises the score, with its frame.
            image_size: width and height of the original in pixels.

        Returns:
            Regions within the page; none where nothing raises the score.
        """
        shares = saliency_map.shares
        # Patches that touch at a corner stay two regions: a box around both would be mostly empty.
        labels, count = ndimage.label(self._core(shares))
        found = [
            _measured(labels == number, shares, saliency_map, image_size)
            for number in range(1, count + 1)
        ]
        ranked = sorted((item for item in found if item), key=lambda item: -item.importance_score)
        return [_named(region, place) for place, region in enumerate(ranked[: self.most], 1)]

    def create_region_highlights(
        self, image: Image, regions: Sequence[Region], colour: Colour = HIGHLIGHT
    ) -> Image:
        """The drawing with a numbered frame around each region.

        Args:
            image: (H, W, 3) uint8, the original.
            regions: what `detect_bounding_boxes` found on it.
            colour: of the frames, RGB.

        Returns:
            (H, W, 3) uint8, a copy.
        """
        picture = Pillow.fromarray(image)
        pen = ImageDraw.Draw(picture)
        width = max(1, round(max(picture.size) / 200))
        for number, region in enumerate(regions, 1):
            x0, y0, x1, y1 = region.bounding_box
            pen.rectangle((x0, y0, x1 - 1, y1 - 1), outline=colour, width=width)
            pen.text((x0 + width + 1, y0 + width), str(number), fill=colour)
        return np.array(picture)

    def _core(self, shares: FloatArray) -> NDArray[np.bool_]:
        """The fewest patches that carry the wanted share."""
        order = patch_order(shares, seed=0)
        carried = np.cumsum(shares.ravel()[order])
        wanted = self.share * carried[-1] * (1 - 1e-12)
        core = np.zeros(shares.size, dtype=bool)
        core[order[: int(np.searchsorted(carried, wanted)) + 1]] = True
        return core.reshape(shares.shape) & (shares > 0)


def _measured(
    mask: NDArray[np.bool_], shares: FloatArray, made: SaliencyMap, page: tuple[int, int]
) -> Region | None:
    rows, columns = np.nonzero(mask)
    block = (int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1)
    box = page_box(block, (mask.shape[0], mask.shape[1]), made.frame, page)
    if box is None:
        return None
    patches = tuple(zip(rows.tolist(), columns.tolist(), strict=True))
    return Region("", box, float(shares[mask].sum()), box_in_words(box, page), patches)


def _named(region: Region, place: int) -> Region:
    return Region(
        f"region-{place}",
        region.bounding_box,
        region.importance_score,
        region.spatial_location,
        region.patches,
    )

"""Measured facts of a drawing, each beside those of typical drawings (D-18).

Facts are about ink on paper. They say nothing of what is drawn, and nothing of the child.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy import ndimage

from deepmed.learning.encoders import Image
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.planting import InkBox
from deepmed.learning.planting.ink import box_of, darkness, ink_depth
from deepmed.learning.saliency.places import Box, place_in_words
from deepmed.learning.saliency.regions import Region

Dark = NDArray[np.float32]

# Lines are counted at one size, so that a scan of many pixels is not more strokes.
_SIDE = 512
# Fewer touching pixels than this are dust.
_LEAST_STROKE = 3
_TOUCHING = np.ones((3, 3), dtype=int)

UNITS = {
    "ink_coverage": "share of the page",
    "line_darkness": "0 paper to 1 black",
    "box_width": "share of the page's width",
    "box_height": "share of the page's height",
    "centre_x": "share of the width, from the left",
    "centre_y": "share of the height, from the top",
    "strokes": "separate connected lines",
    "symmetry": "overlap with the drawing mirrored left to right, 0 to 1",
}


@dataclass(frozen=True)
class MeasuredFact:
    """One fact and where it stands among typical drawings.

    Attributes:
        name: a key of `UNITS`.
        value: in that unit.
        unit: in words.
        rank: share of the typical drawings with a smaller value, 0 to 1; None without any.
        compared: how many typical drawings that is.

    Example:
        >>> MeasuredFact("strokes", 3.0, UNITS["strokes"], 0.25, 40).rank
        0.25
    """

    name: str
    value: float
    unit: str
    rank: float | None
    compared: int


@dataclass(frozen=True)
class DrawingContent:
    """What was measured of a drawing.

    Attributes:
        facts: by name; a blank page has `ink_coverage` and `strokes` alone.
        box: of the ink, x0, y0, x1, y1 in pixels of the original; None on a blank page.
        placement: where the ink's centre of mass lies, in words; None on a blank page.

    Example:
        >>> DrawingContent({}, None, None).to_dict()
        {'facts': {}, 'box': None, 'placement': None}
    """

    facts: dict[str, MeasuredFact]
    box: Box | None
    placement: str | None

    def to_dict(self) -> dict[str, Any]:
        """All fields, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class RegionContent:
    """What was measured inside a region.

    Attributes:
        region: the region.
        ink_coverage: share of its box that is ink; 0 where the map points at an empty place.
        ink_share: share of the drawing's ink that lies in its box.
        strokes: separate connected lines inside the box.

    Example:
        >>> RegionContent(Region("region-1", (0, 0, 9, 9), 0.4, "centre", ()), 0.0, 0.0, 0).empty
        True
    """

    region: Region
    ink_coverage: float
    ink_share: float
    strokes: int

    @property
    def empty(self) -> bool:
        """Whether there is no ink: then it is the lack of it that raises the score."""
        return self.ink_coverage == 0

    def to_dict(self) -> dict[str, Any]:
        """All fields, for JSON."""
        return {**asdict(self), "empty": self.empty}


class VisualFeatureIdentifier:
    """Measures drawings and compares them with typical ones.

    Args:
        typical: (H, W, 3) uint8 drawings to compare with; may be empty, then nothing is ranked.

    Example:
        >>> sheet = np.full((100, 100, 3), 255, np.uint8)
        >>> sheet[40:60, 40:60] = 0
        >>> content = VisualFeatureIdentifier([]).analyze_drawing_content(sheet)
        >>> content.facts["ink_coverage"].value, content.facts["strokes"].value, content.placement
        (0.04, 1.0, 'centre')
    """

    def __init__(self, typical: Sequence[Image]) -> None:
        self._typical = [measure(image) for image in typical]

    def analyze_drawing_content(self, image: Image) -> DrawingContent:
        """The facts of a drawing.

        Args:
            image: (H, W, 3) uint8.
        """
        values = measure(image)
        facts = {name: self._fact(name, value) for name, value in values.items()}
        dark = _page_darkness(image)
        box = _box(dark)
        placed = "centre_x" in values
        return DrawingContent(
            facts=facts,
            box=None if box is None else _full_size(box, image),
            placement=place_in_words(values["centre_x"], values["centre_y"]) if placed else None,
        )

    def identify_important_regions(
        self, image: Image, regions: Sequence[Region]
    ) -> list[RegionContent]:
        """What lies in the regions of a map.

        Args:
            image: (H, W, 3) uint8, the drawing that the regions are of.
            regions: what `ImportanceRegionDetector` found.
        """
        dark = darkness(ink_depth(image))
        return [_region_content(dark, region) for region in regions]

    def _fact(self, name: str, value: float) -> MeasuredFact:
        others = [facts[name] for facts in self._typical if name in facts]
        rank = float(np.mean(np.array(others) < value)) if others else None
        return MeasuredFact(name, value, UNITS[name], rank, len(others))


def measure(image: Image) -> dict[str, float]:
    """The facts of a drawing as numbers; their units are in `UNITS`.

    Args:
        image: (H, W, 3) uint8.

    Returns:
        By name; of a blank page the coverage and the strokes alone, because there is no place.

    Example:
        >>> measure(np.full((40, 40, 3), 255, np.uint8))
        {'ink_coverage': 0.0, 'strokes': 0.0}
    """
    dark = _page_darkness(image)
    facts = {"ink_coverage": float((dark > 0).mean()), "strokes": float(_strokes(dark))}
    box = _box(dark)
    if box is None:
        return facts
    height, width = dark.shape
    total = float(dark.sum(dtype=np.float64))
    across, down = dark.sum(axis=0, dtype=np.float64), dark.sum(axis=1, dtype=np.float64)
    return facts | {
        "line_darkness": total / float((dark > 0).sum()),
        "box_width": box.width / width,
        "box_height": box.height / height,
        "centre_x": float(across @ (np.arange(width) + 0.5)) / total / width,
        "centre_y": float(down @ (np.arange(height) + 0.5)) / total / height,
        "symmetry": _symmetry(dark[box.slices]),
    }


def _page_darkness(image: Image) -> Dark:
    page = Pillow.fromarray(image)
    factor = max(1, max(page.size) // _SIDE)
    return darkness(ink_depth(np.asarray(page.reduce(factor) if factor > 1 else page)))


def _box(dark: Dark) -> InkBox | None:
    try:
        return box_of(dark)
    except InsufficientDataError:
        return None


def _full_size(box: InkBox, image: Image) -> Box:
    factor = max(1, max(image.shape[:2]) // _SIDE)
    right, bottom = (
        min(box.right * factor, image.shape[1]),
        min(box.bottom * factor, image.shape[0]),
    )
    return box.left * factor, box.top * factor, right, bottom


def _strokes(dark: Dark) -> int:
    labels, _ = ndimage.label(dark > 0, structure=_TOUCHING)
    return int((np.bincount(labels.ravel())[1:] >= _LEAST_STROKE).sum())


def _symmetry(crop: Dark) -> float:
    mirrored = crop[:, ::-1]
    return float(np.minimum(crop, mirrored).sum() / np.maximum(crop, mirrored).sum())


def _region_content(dark: Dark, region: Region) -> RegionContent:
    x0, y0, x1, y1 = region.bounding_box
    part = dark[y0:y1, x0:x1]
    total = float(dark.sum(dtype=np.float64))
    return RegionContent(
        region=region,
        ink_coverage=float((part > 0).mean()),
        ink_share=float(part.sum(dtype=np.float64)) / total if total > 0 else 0.0,
        strokes=_strokes(part),
    )

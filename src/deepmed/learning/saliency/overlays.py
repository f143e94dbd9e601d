"""A map laid over its drawing, with its numbers beside the picture (D-18)."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy import ndimage

from deepmed.learning.encoders import Image
from deepmed.learning.saliency.colours import colours
from deepmed.learning.saliency.maps import Frame, SaliencyMap
from deepmed.learning.saliency.regions import HIGHLIGHT, Colour
from deepmed.learning.saliency.score import FloatArray

FieldArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Overlay:
    """A picture and the numbers that it shows.

    Attributes:
        picture: (H, W, 3) uint8.
        kind: `heatmap`, `contour`, `masked` or `side_by_side`.
        method: of the map.
        values: (rows, columns), the map's own values, signed.
        frame: x0, y0, x1, y1 of the map in pixels of the original; beyond it there is no value.

    Example:
        >>> Overlay(np.zeros((2, 2, 3), np.uint8), "heatmap", "occlusion", np.zeros((1, 1)),
        ...         (0, 0, 2, 2)).data()["values"]
        [[0.0]]
    """

    picture: Image
    kind: str
    method: str
    values: FloatArray
    frame: Frame

    def data(self) -> dict[str, Any]:
        """What the picture shows, for JSON."""
        return {
            "kind": self.kind,
            "method": self.method,
            "values": self.values.tolist(),
            "frame": list(self.frame),
        }


def value_field(values: FloatArray, frame: Frame, page: tuple[int, int]) -> FieldArray:
    """A map drawn out smoothly over the page.

    Values stand in the middle of their patches and are joined linearly; towards the edge of the
    frame they stay as they are.

    Args:
        values: (rows, columns).
        frame: x0, y0, x1, y1 of the map in pixels of the page.
        page: width and height in pixels.

    Returns:
        (H, W) float32, NaN outside the frame.

    Example:
        >>> value_field(np.array([[1.0]]), (0, 0, 2, 1), (3, 1)).tolist()
        [[1.0, 1.0, nan]]
    """
    down, rows = _weights(frame[1], frame[3], page[1], values.shape[0])
    across, columns = _weights(frame[0], frame[2], page[0], values.shape[1])
    field = np.asarray(down @ values.astype(np.float32) @ across.T)
    field[~rows], field[:, ~columns] = np.nan, np.nan
    return field


def _weights(
    start: float, end: float, pixels: int, patches: int
) -> tuple[FieldArray, NDArray[np.bool_]]:
    """(pixels, patches) of linear interpolation along one side, and which pixels are in frame."""
    centres = np.arange(pixels) + 0.5
    place = np.clip((centres - start) / (end - start) * patches - 0.5, 0, patches - 1)
    near = 1 - np.abs(place[:, None] - np.arange(patches))
    return np.maximum(near, 0.0).astype(np.float32), (centres >= start) & (centres <= end)


class SaliencyOverlayGenerator:
    """Draws maps over drawings. What raises the score is shown, in shares of the largest patch.

    Args:
        colourmap: see `colours`.

    Example:
        >>> sheet = np.full((28, 28, 3), 255, np.uint8)
        >>> values = np.zeros((14, 14))
        >>> values[0, 0] = 2.0
        >>> made = SaliencyMap(values, "occlusion", 1.0, "edges", "paper", (0, 0, 28, 28))
        >>> shown = SaliencyOverlayGenerator().create_heatmap_overlay(sheet, made)
        >>> shown.picture[0, 0].tolist() != [255] * 3, shown.picture[20, 20].tolist() == [255] * 3
        (True, True)
    """

    def __init__(self, colourmap: str = "ember") -> None:
        self.colourmap = colourmap

    def create_heatmap_overlay(
        self,
        original_image: Image,
        saliency_map: SaliencyMap,
        alpha: float = 0.75,
        colormap: str | None = None,
    ) -> Overlay:
        """Colours that cover the more the larger the value, so that zero leaves the drawing bare.

        Args:
            original_image: (H, W, 3) uint8.
            saliency_map: the drawing's map.
            alpha: how much the largest value covers, 0 to 1.
            colormap: another colour map than this generator's.
        """
        field = _shown_field(original_image, saliency_map)
        cover = (alpha * field)[..., None]
        tint = colours(field.astype(np.float64), colormap or self.colourmap)
        return _overlay("heatmap", original_image * (1 - cover) + tint * cover, saliency_map)

    def create_heatmap_layer(
        self, page: tuple[int, int], saliency_map: SaliencyMap, colormap: str | None = None
    ) -> Overlay:
        """The colours alone, (H, W, 4) with alpha: to be laid over the drawing by whoever shows it.

        Args:
            page: width and height of the drawing in pixels.
            saliency_map: the drawing's map.
            colormap: another colour map than this generator's.
        """
        field = _field_on(page, saliency_map)
        tint = colours(field.astype(np.float64), colormap or self.colourmap)
        layer = np.concatenate([tint, 255 * field[..., None]], axis=2)
        return _overlay("heatmap layer", layer, saliency_map)

    def create_contour_overlay(
        self,
        original_image: Image,
        saliency_map: SaliencyMap,
        threshold: float = 0.5,
        contour_color: Colour = HIGHLIGHT,
        line_width: int | None = None,
    ) -> Overlay:
        """A line around what reaches a share of the largest value.

        Args:
            original_image: (H, W, 3) uint8.
            saliency_map: the drawing's map.
            threshold: share of the largest value, 0 to 1.
            contour_color: of the line, RGB.
            line_width: in pixels; by the size of the picture if None.
        """
        inside = _shown_field(original_image, saliency_map) >= threshold
        width = line_width or max(1, round(max(inside.shape) / 200))
        # The picture's edge is no border of the map: a line along it would be seen as part of it.
        core = ndimage.binary_erosion(inside, iterations=width, border_value=1)
        picture = original_image.copy()
        picture[inside & ~core] = contour_color
        return _overlay("contour", picture, saliency_map)

    def create_masked_overlay(
        self,
        original_image: Image,
        saliency_map: SaliencyMap,
        threshold: float = 0.5,
        highlight_color: Colour = HIGHLIGHT,
        alpha: float = 0.35,
    ) -> Overlay:
        """A tint over what reaches a share of the largest value; the rest stays as it is.

        Args:
            original_image: (H, W, 3) uint8.
            saliency_map: the drawing's map.
            threshold: share of the largest value, 0 to 1.
            highlight_color: of the tint, RGB.
            alpha: how much the tint covers, 0 to 1.
        """
        inside = _shown_field(original_image, saliency_map) >= threshold
        picture = original_image.astype(np.float32)
        picture[inside] = picture[inside] * (1 - alpha) + np.array(highlight_color) * alpha
        return _overlay("masked", picture, saliency_map)

    def create_side_by_side_comparison(
        self, original_image: Image, saliency_map: SaliencyMap, overlay_type: str = "heatmap"
    ) -> Overlay:
        """The drawing on the left, and the same with its map on the right.

        Args:
            original_image: (H, W, 3) uint8.
            saliency_map: the drawing's map.
            overlay_type: `heatmap`, `contour` or `masked`.

        Returns:
            An overlay of (H, 2 * W + gap, 3).

        Raises:
            ValueError: there is no such overlay.
        """
        if overlay_type == "side_by_side":
            raise ValueError("The right half must be a single overlay, not two halves again.")
        right = self.create_overlay(overlay_type, original_image, saliency_map).picture
        gap = np.full((len(right), max(2, right.shape[1] // 40), 3), 128, np.uint8)
        picture = np.concatenate([original_image, gap, right], axis=1)
        return _overlay("side_by_side", picture, saliency_map)

    def create_overlay(
        self, kind: str, original_image: Image, saliency_map: SaliencyMap
    ) -> Overlay:
        """The overlay of a kind with its usual settings.

        Args:
            kind: `heatmap`, `contour`, `masked` or `side_by_side`.
            original_image: (H, W, 3) uint8.
            saliency_map: the drawing's map.

        Raises:
            ValueError: there is no such overlay.
        """
        makers: dict[str, Callable[[Image, SaliencyMap], Overlay]] = {
            "heatmap": self.create_heatmap_overlay,
            "contour": self.create_contour_overlay,
            "masked": self.create_masked_overlay,
            "side_by_side": self.create_side_by_side_comparison,
        }
        if kind not in makers:
            raise ValueError(f"There is no overlay {kind!r}; there are: {', '.join(makers)}.")
        return makers[kind](original_image, saliency_map)

    def save_overlay(self, overlay: Overlay) -> bytes:
        """The picture as a PNG without metadata."""
        buffer = io.BytesIO()
        Pillow.fromarray(overlay.picture).save(buffer, format="PNG")
        return buffer.getvalue()


def _shown_field(image: Image, made: SaliencyMap) -> FieldArray:
    """(H, W), 0 to 1, 0 where the map has no value."""
    return _field_on((image.shape[1], image.shape[0]), made)


def _field_on(page: tuple[int, int], made: SaliencyMap) -> FieldArray:
    return np.nan_to_num(value_field(made.scaled, made.frame, page), nan=0.0)


def _overlay(kind: str, picture: NDArray[Any], made: SaliencyMap) -> Overlay:
    pixels = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return Overlay(pixels, kind, made.method, made.values, made.frame)

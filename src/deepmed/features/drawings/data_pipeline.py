"""One picture from outside: is it one, and what does it look like to a model?"""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydantic import BaseModel

from deepmed.features.drawings.errors import ImagePreprocessingError
from deepmed.features.drawings.metadata import DrawingMetadata, extract_metadata
from deepmed.features.drawings.schemas.common import (
    ImageFormat,
    ImageValidationRequest,
    ValidationErrorDetail,
)
from deepmed.kit.errors import ImageProcessingError
from deepmed.kit.pictures import (
    DEFAULT_LIMITS,
    Picture,
    PictureLimits,
    Pixels,
    ink_coverage,
    is_blank,
    read_picture,
)

DEFAULT_SIZE = (224, 224)

__all__ = [
    "DataPipelineService",
    "DrawingMetadata",
    "ImagePreprocessingError",
    "ValidationResult",
]


class ValidationResult(BaseModel):
    """What a file turned out to be; `errors` says why it cannot be used."""

    is_valid: bool
    filename: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    file_size: int
    ink_coverage: float | None = None
    is_blank: bool | None = None
    errors: list[str] = []
    warnings: list[str] = []
    details: list[ValidationErrorDetail] = []
    """What of the demands is not met, where some were made."""


class DataPipelineService:
    """Checks pictures by content and brings them to a common size.

    `target_size` is width and height of the pictures that `preprocess_image` returns.
    """

    def __init__(
        self, target_size: tuple[int, int] = DEFAULT_SIZE, limits: PictureLimits = DEFAULT_LIMITS
    ) -> None:
        self.target_size = target_size
        self.limits = limits

    def validate_image(
        self,
        image_data: bytes,
        filename: str | None = None,
        demands: ImageValidationRequest | None = None,
    ) -> ValidationResult:
        """Never raises for a bad picture: the result says what is wrong with it.

        Args:
            image_data: the file.
            filename: as it is called; nothing is concluded from it.
            demands: what the picture must keep to besides the limits of this service.
        """
        try:
            picture = read_picture(image_data, self.limits)
        except ImageProcessingError as error:
            return ValidationResult(
                is_valid=False,
                filename=filename,
                file_size=len(image_data),
                errors=[error.message],
            )
        blank = is_blank(picture.pixels)
        details = [] if demands is None else list(_unmet(demands, picture, len(image_data)))
        return ValidationResult(
            is_valid=not details,
            filename=filename,
            format=picture.format,
            width=picture.width,
            height=picture.height,
            file_size=len(image_data),
            ink_coverage=ink_coverage(picture.pixels),
            is_blank=blank,
            errors=[detail.message for detail in details],
            warnings=[*picture.notes, *(["the page is nearly blank"] if blank else [])],
            details=details,
        )

    def preprocess_image(
        self, image_data: bytes, target_size: tuple[int, int] | None = None
    ) -> npt.NDArray[np.float32]:
        """(height, width, 3) float32 in [0, 1], the whole picture centred on white.

        Raises:
            ImageProcessingError: the picture cannot be read.
        """
        pixels = read_picture(image_data, self.limits).pixels
        fitted = _fit(pixels, target_size or self.target_size)
        return np.divide(fitted, 255, dtype=np.float32)

    def extract_metadata(self, upload_data: Mapping[str, object]) -> DrawingMetadata:
        """Raises ValidationError, naming each wrong field."""
        return extract_metadata(upload_data)

    def validate_and_preprocess(
        self, image_data: bytes, metadata: Mapping[str, object]
    ) -> tuple[npt.NDArray[np.float32], DrawingMetadata]:
        """Both at once; raises ValidationError or ImageProcessingError."""
        checked = self.extract_metadata(metadata)
        return self.preprocess_image(image_data), checked


def _unmet(
    demands: ImageValidationRequest, picture: Picture, size: int
) -> Iterator[ValidationErrorDetail]:
    allowed = {"jpeg" if name is ImageFormat.JPG else str(name) for name in demands.allowed_formats}
    if picture.format.lower() not in allowed:
        yield ValidationErrorDetail(
            field="format",
            message=f"The picture is a {picture.format}.",
            invalid_value=picture.format,
            constraint=f"one of {', '.join(demands.allowed_formats)}",
        )
    bounds = {
        "file_size": (size, 0, demands.max_file_size),
        "width": (picture.width, demands.min_width, demands.max_width),
        "height": (picture.height, demands.min_height, demands.max_height),
    }
    for field, (value, least, greatest) in bounds.items():
        if not least <= value <= greatest:
            yield ValidationErrorDetail(
                field=field,
                message=f"The {field.replace('_', ' ')} is {value}.",
                invalid_value=value,
                constraint=f"{least} to {greatest}",
            )


def _fit(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Shrunk or grown to fit without distortion, and centred on a white page."""
    image = Image.fromarray(pixels)
    scale = min(size[0] / image.width, size[1] / image.height)
    inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    page = Image.new("RGB", size, "white")
    corner = ((size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2)
    page.paste(image.resize(inner, Image.Resampling.LANCZOS), corner)
    return np.array(page)

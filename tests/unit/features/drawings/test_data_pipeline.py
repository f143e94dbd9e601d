import io

import numpy as np
import pytest
from PIL import Image

from deepmed.features.drawings.data_pipeline import DataPipelineService
from deepmed.features.drawings.schemas.common import ImageFormat, ImageValidationRequest
from deepmed.kit.errors import ImageProcessingError, ValidationError
from deepmed.kit.pictures import PictureLimits, encode_png


def page(height: int = 60, width: int = 90) -> np.ndarray:
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[20:30, 10:80] = (200, 0, 0)
    return pixels


@pytest.mark.req("D-1.2")
def test_a_picture_is_judged_by_its_content() -> None:
    result = DataPipelineService().validate_image(encode_png(page()), "called.txt")
    assert result.is_valid
    assert (result.format, result.width, result.height) == ("PNG", 90, 60)
    assert result.is_blank is False
    assert result.ink_coverage == pytest.approx(700 / 5400)
    wrong = DataPipelineService().validate_image(b"words", "called.png")
    assert not wrong.is_valid
    assert "no picture" in wrong.errors[0]


@pytest.mark.req("D-1.3")
def test_a_blank_page_is_valid_and_marked() -> None:
    result = DataPipelineService().validate_image(encode_png(np.full((50, 50, 3), 255, np.uint8)))
    assert result.is_valid
    assert result.is_blank
    assert result.warnings == ["the page is nearly blank"]


def test_limits_are_kept() -> None:
    service = DataPipelineService(limits=PictureLimits(max_pixels=100))
    assert not service.validate_image(encode_png(page())).is_valid


def test_the_whole_picture_is_fitted_on_white_without_distortion() -> None:
    array = DataPipelineService().preprocess_image(encode_png(page()), (180, 180))
    assert array.shape == (180, 180, 3)
    assert array.dtype == np.float32
    assert array.min() >= 0
    assert array.max() == 1
    assert (array[:30] == 1).all()  # 60 of 90 rows at twice the size leave 30 above and below
    assert (array[-30:] == 1).all()
    red = np.argwhere(array[..., 1] < 0.5)
    assert np.abs(red.min(axis=0) - (70, 20)).max() <= 1
    assert np.abs(red.max(axis=0) - (89, 159)).max() <= 1
    assert DataPipelineService().preprocess_image(encode_png(page())).shape == (224, 224, 3)


def test_picture_and_metadata_together() -> None:
    service = DataPipelineService()
    array, metadata = service.validate_and_preprocess(encode_png(page()), {"age_years": "6y 4m"})
    assert array.shape == (224, 224, 3)
    assert metadata.age_precision == "month"
    with pytest.raises(ValidationError, match="age"):
        service.validate_and_preprocess(encode_png(page()), {})
    with pytest.raises(ImageProcessingError):
        service.validate_and_preprocess(b"", {"age_years": 6})


def test_demands_are_told_one_by_one() -> None:
    data = encode_png(page())
    service = DataPipelineService()
    assert service.validate_image(data, demands=ImageValidationRequest()).is_valid
    wanted = ImageValidationRequest(
        allowed_formats=[ImageFormat.JPG], max_file_size=10, min_width=91, max_height=59
    )
    found = service.validate_image(data, demands=wanted)
    assert not found.is_valid
    told = {detail.field: (detail.invalid_value, detail.constraint) for detail in found.details}
    assert told == {
        "format": ("PNG", "one of jpg"),
        "file_size": (len(data), "0 to 10"),
        "width": (90, "91 to 4096"),
        "height": (60, "32 to 59"),
    }
    assert len(found.errors) == len(found.details)
    assert not service.validate_image(b"words", demands=wanted).is_valid


def test_jpg_and_jpeg_are_one_format() -> None:
    kept = io.BytesIO()
    Image.fromarray(page()).save(kept, "JPEG")
    for name in (ImageFormat.JPG, ImageFormat.JPEG):
        demands = ImageValidationRequest(allowed_formats=[name])
        assert DataPipelineService().validate_image(kept.getvalue(), demands=demands).is_valid

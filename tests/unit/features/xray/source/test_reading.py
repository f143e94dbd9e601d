"""One X-ray of any kind of file."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepmed.features.xray.source import ReadingRules, SourceOptions, XrayReader
from deepmed.kit.errors import ImageProcessingError
from deepmed.kit.settings import load
from deepmed.kit.sizes import MIB
from factories.films import dicom, film


def saved(pixels: NDArray[np.generic], kind: str) -> bytes:
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, kind, **({"quality": 95} if kind == "JPEG" else {}))
    return written.getvalue()


@pytest.mark.req("X-1.1")
@pytest.mark.parametrize(("kind", "nearly"), [("PNG", 0), ("BMP", 0), ("TIFF", 0), ("JPEG", 12)])
def test_pictures_of_each_kind_are_read(kind: str, nearly: int) -> None:
    pixels = np.asarray(Image.fromarray(film(3, 8)).resize((64, 64), Image.Resampling.BICUBIC))
    with XrayReader() as reader:
        found = reader.read(saved(pixels, kind)).pixels
    assert found.shape == (64, 64, 3)
    assert np.abs(found[..., 1].astype(int) - pixels).max() <= nearly


@pytest.mark.req("X-1.1")
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_twelve_bits_in_a_picture_of_sixteen_are_not_dark(kind: str) -> None:
    levels = np.linspace(0, 4095, 64 * 64).astype(np.uint16).reshape(64, 64)
    with XrayReader() as reader:
        image = reader.read(saved(levels, kind))
    assert np.abs(image.pixels[..., 0] - levels / 4095 * 255).max() <= 0.51
    assert image.notes == ("scaled from 12 to 8 bits",)


@pytest.mark.req("X-1.1")
@pytest.mark.parametrize("preamble", [b"II*\0\x08\0\0\0", b"\x89PNG\r\n\x1a\n"])
def test_the_preamble_of_a_dicom_file_may_be_that_of_a_picture(preamble: bytes) -> None:
    """As of the files CT_small and MR_small that come with pydicom."""
    plain = dicom(film(3, 64))
    with XrayReader() as reader:
        found = reader.read(preamble + plain[len(preamble) :])
        assert np.array_equal(found.pixels, reader.read(plain).pixels)


@pytest.mark.parametrize("data", [b"", b"hello", b"%PDF-1.7", saved(film(1), "PNG")[:200]])
def test_what_is_no_image_is_refused_with_the_reason(data: bytes) -> None:
    with XrayReader() as reader, pytest.raises(ImageProcessingError):
        reader.read(data)


def test_who_sends_no_image_hears_that_dicom_is_read() -> None:
    with XrayReader() as reader, pytest.raises(ImageProcessingError, match="DICOM is read"):
        reader.read(b"hello")


def test_the_settings_limits_hold_and_films_may_be_larger_than_drawings() -> None:
    settings = load(max_file_bytes=5 * MIB, max_pixels=1_000, max_archive_bytes=7 * MIB)
    options = SourceOptions.of(settings)
    assert options.reading == ReadingRules.of(settings)
    assert options.reading.picture.max_bytes == 5 * MIB
    assert options.limits.max_bytes == 7 * MIB
    assert options.limits.max_entry_bytes == options.reading.max_dicom_bytes == 96 * MIB
    with (
        XrayReader(options.reading) as reader,
        pytest.raises(ImageProcessingError, match="40 x 40"),
    ):
        reader.read(saved(film(1, 40), "PNG"))

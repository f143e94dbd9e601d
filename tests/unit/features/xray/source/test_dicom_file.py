"""What a DICOM file shows, against the formulas of the standard and another implementation."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_windowing

from deepmed.features.xray.source import dicom_file
from deepmed.features.xray.source.dicom_file import read_dicom
from deepmed.features.xray.source.dicom_grey import window
from deepmed.features.xray.source.dicom_image import DicomImage
from deepmed.kit.errors import ImageProcessingError
from deepmed.kit.pictures import PictureLimits
from factories.films import dicom, film, png

LIMITS = PictureLimits(min_side=16)
TWELVE = np.random.default_rng(3).integers(0, 4096, (32, 24)).astype(np.uint16)


def shown(data: bytes, **options: Any) -> NDArray[np.uint8]:
    return read_dicom(data, LIMITS, **options).pixels


def bundled(name: str) -> bytes:
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    return Path(path).read_bytes()


def twelve(**tags: Any) -> bytes:
    return dicom(TWELVE, **{"BitsStored": 12, "HighBit": 11, **tags})


def table_of(levels: NDArray[Any]) -> Dataset:
    table = Dataset()
    table.LUTDescriptor = [len(levels), 0, 16]
    table.LUTData = levels.astype("<u2").tobytes()
    return table


@pytest.mark.req("X-1.1")
def test_eight_bits_that_fill_their_range_are_shown_as_they_are() -> None:
    pixels = film(1)
    pixels[0, :2] = 0, 255
    assert np.array_equal(shown(dicom(pixels)), pixels)


@pytest.mark.req("X-1.1")
def test_monochrome_1_is_turned_round() -> None:
    bright = shown(twelve())
    dark = shown(twelve(PhotometricInterpretation="MONOCHROME1"))
    assert np.abs(255 - bright.astype(int) - dark).max() <= 1  # both are rounded


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(("center", "width"), [(2048.0, 1024.0), (100.5, 7.0), (4000.0, 4096.0)])
def test_windows_equal_another_implementation(function: str, center: float, width: float) -> None:
    dataset = pydicom.dcmread(io.BytesIO(twelve()))
    dataset.WindowCenter, dataset.WindowWidth, dataset.VOILUTFunction = center, width, function
    other = apply_windowing(TWELVE, dataset) / 4095
    assert np.abs(window(TWELVE, center, width, function) - other).max() < 1e-5


@pytest.mark.req("X-1.1")
def test_a_window_is_applied_after_the_rescale() -> None:
    found = shown(
        twelve(
            RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=[3000, 9], WindowWidth=[2001, 9]
        )
    )
    levels = TWELVE * 2.0 - 1000
    expected = np.clip((levels - 2999.5) / 2000 + 0.5, 0, 1) * 255
    assert np.abs(found - expected).max() <= 0.51


def test_without_window_all_levels_between_least_and_greatest_are_shown() -> None:
    found = shown(twelve())
    low, high = float(TWELVE.min()), float(TWELVE.max())
    assert np.abs(found - 255 * (TWELVE - low) / (high - low)).max() <= 0.51


def test_padding_does_not_count() -> None:
    levels = np.full((32, 32), 65_000, np.uint16)
    levels[8:24, 8:24] = np.arange(100, 356).reshape(16, 16)
    found = shown(dicom(levels, PixelPaddingValue=65_000))
    assert found[8, 8] == 0
    assert found[23, 23] == 255
    assert np.array_equal(found[8:24, 8:24].ravel(), np.arange(256))


@pytest.mark.req("X-1.1")
def test_a_voi_table_wins_over_a_window() -> None:
    table = table_of(65_535 * (np.arange(4096) / 4095) ** 2)
    found = shown(twelve(VOILUTSequence=[table], WindowCenter=10, WindowWidth=5))
    assert np.abs(found - 255 * (TWELVE / 4095.0) ** 2).max() <= 0.52


def test_a_modality_table_is_applied() -> None:
    table = table_of(4095 - np.arange(4096))
    table.ModalityLUTType = "US"
    found = shown(twelve(ModalityLUTSequence=[table]))
    assert np.abs(255 - found.astype(int) - shown(twelve())).max() <= 1


def test_a_window_that_shows_nothing_is_told_and_all_levels_are_shown() -> None:
    image = read_dicom(twelve(WindowCenter=60_000, WindowWidth=2), LIMITS)
    assert image.pixels.max() == 255
    assert "its window shows nothing, so all of its levels were shown" in image.facts.notes


def test_a_window_of_no_width_is_told_and_not_used() -> None:
    image = read_dicom(twelve(WindowCenter=2000, WindowWidth=0), LIMITS)
    assert image.facts.notes == ("its window cannot be used",)


def test_signed_levels_keep_their_order() -> None:
    levels = (TWELVE.astype(np.int32) - 2048).astype(np.int16)
    assert np.array_equal(shown(dicom(levels)), shown(twelve()))


def test_bits_above_the_stored_ones_are_no_levels() -> None:
    with_overlay = TWELVE.copy()
    with_overlay[::2] |= 0x8000
    assert np.array_equal(shown(dicom(with_overlay, BitsStored=12, HighBit=11)), shown(twelve()))


def test_colours_and_a_palette_are_shown() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (20, 18, 3), dtype=np.uint8)
    assert np.array_equal(shown(dicom(colours)), colours)
    palette = shown(bundled("examples_palette.dcm"))
    assert palette.shape == (350, 800, 3)
    assert palette.max() > 200


@pytest.mark.req("X-1.1")
@pytest.mark.parametrize(
    "name",
    [
        "MR_small_RLE.dcm",
        "MR_small_bigendian.dcm",
        "MR_small_expb.dcm",
        "MR_small_implicit.dcm",
        "MR_small_jp2klossless.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "MR_small_padded.dcm",
    ],
)
def test_without_loss_every_way_of_packing_shows_the_same(name: str) -> None:
    assert np.array_equal(shown(bundled(name)), shown(bundled("MR_small.dcm")))


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("JPEG2000.dcm", (1024, 256)),
        ("SC_rgb_jpeg_dcmtk.dcm", (100, 100, 3)),
        ("SC_rgb_jls_lossy_line.dcm", (100, 100, 3)),
        ("image_dfl.dcm", (512, 512)),
    ],
)
def test_packed_pixels_are_read(name: str, shape: tuple[int, ...]) -> None:
    assert shown(bundled(name)).shape == shape


@pytest.mark.req("X-1.1")
def test_several_frames_are_refused_unless_one_is_asked_for() -> None:
    data = bundled("examples_ybr_color.dcm")
    with pytest.raises(ImageProcessingError, match="30 frames"):
        shown(data)
    first, middle = read_dicom(data, LIMITS, "first"), read_dicom(data, LIMITS, "middle")
    assert first.facts.notes[0] == "frame 1 of 30 was taken"
    assert middle.facts.notes[0] == "frame 16 of 30 was taken"
    assert not np.array_equal(first.pixels, middle.pixels)


@pytest.mark.parametrize("samples", [0, 2, 4, 60_000])
def test_a_pixel_has_one_value_or_three_and_nothing_is_decoded_for_more(
    samples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dicom_file, "pixel_array", lambda *_, **__: pytest.fail("decoded"))
    with pytest.raises(ImageProcessingError, match=f"has {samples} values"):
        read_dicom(dicom(film(1), SamplesPerPixel=samples), LIMITS)


@pytest.mark.parametrize(
    "tag", ["Rows", "BitsStored", "PixelRepresentation", "PhotometricInterpretation"]
)
def test_without_what_says_how_to_show_it_nothing_is_guessed(tag: str) -> None:
    with pytest.raises(ImageProcessingError, match=f"lacks {tag},"):
        shown(twelve(**{tag: None}))


def test_preamble_and_file_meta_may_be_missing() -> None:
    data = twelve()
    dataset = pydicom.dcmread(io.BytesIO(data))
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    bare = io.BytesIO()
    dataset.save_as(bare)
    headless = bare.getvalue()[bare.getvalue().index(b"\x08\0\x16\0") :]
    assert np.array_equal(shown(headless), shown(data))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "neither a picture nor"),
        (b"hello" * 50, "neither a picture nor"),
        (png(film(0)), "neither a picture nor|damaged"),
        (bundled("rtplan.dcm"), "holds no picture"),
        (bundled("MR_truncated.dcm"), "damaged"),
        (bundled("JPEG2000-embedded-sequence-delimiter.dcm"), "damaged, or compressed"),
        (twelve(Rows=40_000, Columns=40_000), "million"),
        (twelve(Rows=65_535), "damaged"),
        (dicom(film(0, 8)), "at least 16"),
        (twelve(RescaleSlope="1e400", RescaleIntercept="0"), "damaged|no numbers"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_the_reason(data: bytes, message: str) -> None:
    with pytest.raises(ImageProcessingError, match=message):
        shown(data)


def test_the_size_is_looked_at_before_anything_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "deepmed.features.xray.source.dicom_file.pixel_array",
        lambda *_, **__: pytest.fail("it was decoded"),
    )
    for tags in ({"Rows": 40_000, "Columns": 40_000}, {"NumberOfFrames": 9}):
        with pytest.raises(ImageProcessingError):
            shown(twelve(**tags))


def facts_of(**tags: Any) -> DicomImage:
    return read_dicom(twelve(**tags), LIMITS)


def test_facts_that_are_kept_and_flags() -> None:
    facts = facts_of(
        PatientSex="F", PatientAge="071Y", ViewPosition="PA", BurnedInAnnotation="NO"
    ).facts
    assert (facts.sex, facts.age, facts.view, facts.burned_in) == ("F", "071Y", "PA", "NO")
    assert not facts.captured
    assert facts_of(ConversionType="WSD").facts.captured
    assert facts_of(Modality="CT").facts.notes == ("it is no radiograph (its modality is CT)",)
    raw = facts_of(PresentationIntentType="FOR PROCESSING").facts
    assert raw.notes == ("it is raw (for processing), not as people see it",)

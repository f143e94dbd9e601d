"""Kinds of pictures beyond the three that every program writes."""

import io
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepmed.kit import picture_formats
from deepmed.kit.errors import ImageProcessingError
from deepmed.kit.picture_formats import format_of, readable_in_words
from deepmed.kit.pictures import PictureLimits, looks_like_picture, read_picture

HEIC_HEAD = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
STAND_IN = """
import io
from PIL import Image, ImageFile

class HeifImageFile(ImageFile.ImageFile):
    format = "HEIF"

    def _open(self):
        self.inner = Image.open(io.BytesIO(self.fp.read()[24:]))
        self._mode, self._size = self.inner.mode, self.inner.size
        self.tile = []

    def load(self):
        self.im = self.inner.convert(self.mode).im
        return super().load()

def register_heif_opener(thumbnails=True):
    Image.register_open("HEIF", HeifImageFile, lambda head: head[4:12] == b"ftypheic")
"""
KINDS = {"TIFF": "TIFF", "WEBP": "WebP", "AVIF": "AVIF"}
LOSSLESS = {"TIFF": {}, "WEBP": {"lossless": True}, "AVIF": {"quality": 100}}


def page() -> np.ndarray:
    found = np.full((40, 56, 3), 255, np.uint8)
    found[6:9, 4:30] = 60
    found[20:34, 40:44] = 0
    return found


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def reason(data: bytes) -> str:
    with pytest.raises(ImageProcessingError) as refusal:
        read_picture(data)
    return refusal.value.message


def raw_tiff(values: np.ndarray, tags: dict[int, tuple[int, int]]) -> bytes:
    """A TIFF of one strip written by hand: tag to (type, value), one value each."""
    data = values.astype(values.dtype.newbyteorder("<")).tobytes()
    known = {
        256: (4, values.shape[1]),
        257: (4, values.shape[0]),
        258: (3, values.dtype.itemsize * 8),
        259: (3, 1),
        262: (3, 1),
        273: (4, 8),
        277: (3, 1),
        278: (4, values.shape[0]),
        279: (4, len(data)),
        **tags,
    }
    entries = b"".join(
        struct.pack("<HHII", tag, kind, 1, value) for tag, (kind, value) in sorted(known.items())
    )
    directory = struct.pack("<H", len(known)) + entries + struct.pack("<I", 0)
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory


@pytest.fixture
def _without_heif() -> Iterator[None]:
    picture_formats._can_open_heif.cache_clear()
    yield
    picture_formats._can_open_heif.cache_clear()


@pytest.mark.req("D-1.1")
@pytest.mark.parametrize("kind", KINDS)
def test_they_are_read_by_content(kind: str) -> None:
    data = saved(Image.fromarray(page()), kind, **LOSSLESS[kind])
    assert looks_like_picture(data[:32])
    picture = read_picture(data)
    assert picture.format == KINDS[kind]
    assert np.abs(picture.pixels.astype(int) - page()).max() <= 2


@pytest.mark.req("D-1.2")
@pytest.mark.parametrize("kind", KINDS)
def test_several_pictures_in_one_file_are_refused(kind: str) -> None:
    image = Image.fromarray(page())
    data = saved(image, kind, save_all=True, append_images=[image.rotate(180)])
    assert "several pictures" in reason(data)


@pytest.mark.req("D-1.2")
def test_an_endless_chain_of_pages_is_not_followed() -> None:
    """Its second page names itself as the next; only the step to the second is taken."""
    data = bytearray(raw_tiff(np.full((40, 40), 200, np.uint8), {}))
    start = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, start)[0]
    struct.pack_into("<I", data, start + 2 + 12 * count, len(data))
    second = data[start : start + 2 + 12 * count] + struct.pack("<I", len(data))
    assert "several pictures" in reason(bytes(data + second))


@pytest.mark.req("D-1.2")
@pytest.mark.parametrize("kind", KINDS)
def test_they_stand_upright_and_on_white(kind: str) -> None:
    upright = Image.fromarray(page())
    exif = Image.Exif()
    exif[0x112] = 6
    turned = saved(upright.transpose(Image.Transpose.ROTATE_90), kind, exif=exif, **LOSSLESS[kind])
    assert np.abs(read_picture(turned).pixels.astype(int) - page()).max() <= 2
    clear = upright.convert("RGBA")
    clear.putalpha(Image.fromarray(np.where(page()[..., 1] == 255, 0, 255).astype(np.uint8)))
    flat = read_picture(saved(clear, kind, **LOSSLESS[kind]))
    assert np.abs(flat.pixels.astype(int) - page()).max() <= 4


@pytest.mark.req("D-1.2")
@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_one_is_refused_wherever_it_was_cut(kind: str) -> None:
    whole = saved(Image.fromarray(page()), kind, **LOSSLESS[kind])
    for length in range(13, len(whole) - 2, max(1, len(whole) // 40)):
        with pytest.raises(ImageProcessingError):
            read_picture(whole[:length])


@pytest.mark.req("D-1.2")
@pytest.mark.parametrize("kind", KINDS)
def test_limits_hold_for_them(kind: str) -> None:
    data = saved(Image.fromarray(page()), kind)
    with pytest.raises(ImageProcessingError, match="at most"):
        read_picture(data, PictureLimits(max_pixels=1000))
    with pytest.raises(ImageProcessingError, match="at least"):
        read_picture(data, PictureLimits(min_side=50))


@pytest.mark.req("D-1.2")
def test_too_many_pixels_of_a_tiff_are_refused_from_the_header() -> None:
    data = raw_tiff(np.full((40, 40), 200, np.uint8), {256: (4, 90_000), 257: (4, 90_000)})
    assert "million are allowed" in reason(data) or "far too large" in reason(data)


@pytest.mark.req("D-1.2")
@pytest.mark.parametrize(("photometric", "expected"), [(1, [0, 128, 255]), (0, [255, 127, 0])])
def test_sixteen_bits_are_scaled_whether_zero_is_black_or_white(
    photometric: int, expected: list[int]
) -> None:
    values = np.repeat(np.array([[0, 32_896, 65_535]], np.uint16), 40, axis=0).repeat(20, axis=1)
    found = read_picture(raw_tiff(values, {262: (3, photometric)})).pixels
    assert found[0, ::20, 0].tolist() == expected
    assert found.shape == (40, 60, 3)


@pytest.mark.req("D-1.2")
@pytest.mark.parametrize(
    ("values", "tags"),
    [
        (np.full((40, 40), 7, np.uint32), {}),
        (np.full((40, 40), 0.5, np.float32), {339: (3, 3)}),
        (np.full((40, 40), -7, np.int16), {339: (3, 2)}),
    ],
    ids=["32 bits", "fractions", "signed"],
)
def test_measurements_are_refused_rather_than_guessed_at(
    values: np.ndarray, tags: dict[int, tuple[int, int]]
) -> None:
    assert "8 or 16 bits" in reason(raw_tiff(values, tags))


@pytest.mark.req("D-1.2")
@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "LA"])
def test_colours_of_a_tiff_are_converted_right(mode: str) -> None:
    black_and_white = np.where(page() < 200, 0, 255).astype(np.uint8)
    black_and_white[..., :] = black_and_white.min(axis=2, keepdims=True)
    image = Image.fromarray(black_and_white).convert(mode)
    found = read_picture(saved(image, "TIFF")).pixels
    assert np.abs(found.astype(int) - black_and_white).max() <= 2


@pytest.mark.req("D-1.1")
@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\0\0\0\x20ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x20ftypavif\0\0\0\0avifmif1", "AVIF"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif", "AVIF"),
        (b"MM\0*\0\0\0\x08", "TIFF"),
        (b"RIFF\0\0\0\0WEBPVP8X", "WebP"),
    ],
)
def test_the_first_bytes_tell_the_kind(head: bytes, name: str) -> None:
    kind = format_of(head)
    assert kind is not None
    assert kind.name == name


@pytest.mark.parametrize(
    "head",
    [b"RIFF\0\0\0\0WAVEfmt ", b"\0\0\0\x18ftypmp42\0\0\0\0isom", b"II*", b"", b"RIFF", b"ftypheic"],
)
def test_films_sounds_and_stumps_are_no_pictures(head: bytes) -> None:
    assert format_of(head) is None
    assert not looks_like_picture(head)


@pytest.mark.req("D-1.1")
@pytest.mark.usefixtures("_without_heif")
def test_what_this_installation_does_not_read_is_named_with_what_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(picture_formats, "find_spec", lambda _name: None)
    head = b"\0\0\0\x20ftypheic\0\0\0\0mif1heic" + bytes(40)
    assert not looks_like_picture(head)
    said = reason(head)
    assert "kind HEIC, which this installation does not read (pip install pillow-heif)" in said
    assert f"{readable_in_words()} are read here" in said
    assert "HEIC" not in readable_in_words()


@pytest.mark.req("D-1.1")
@pytest.mark.usefixtures("_without_heif")
def test_heic_is_read_where_its_package_is_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A package of that name that makes itself known to Pillow in the same way stands in."""
    (tmp_path / "pillow_heif.py").write_text(STAND_IN, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pillow_heif", raising=False)
    monkeypatch.setattr(Image, "OPEN", dict(Image.OPEN))
    monkeypatch.setattr(Image, "ID", list(Image.ID))
    assert "HEIC" in readable_in_words()
    picture = read_picture(HEIC_HEAD + saved(Image.fromarray(page()), "PNG"))
    assert picture.format == "HEIC"
    assert np.array_equal(picture.pixels, page())


def test_names_make_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_formats, "FORMATS", picture_formats.FORMATS[:3])
    assert readable_in_words("or") == "PNG, JPEG or BMP"

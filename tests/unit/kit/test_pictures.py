"""Every kind of picture that a user may bring, and every kind that must be refused."""

import io
import random
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from deepmed.kit.errors import ImageProcessingError, IntegrityError
from deepmed.kit.pictures import (
    PictureLimits,
    encode_png,
    ink_coverage,
    is_blank,
    looks_like_picture,
    pixel_hash,
    read_picture,
    read_stored,
)

SIDE = 40


def drawing(seed: int = 0, side: int = SIDE) -> np.ndarray:
    """A page with strokes, without any symmetry."""
    page = np.full((side, side + 8, 3), 255, np.uint8)
    for _ in range(6):
        generator = np.random.default_rng(seed := seed + 1)
        top, left = generator.integers(0, side - 10, 2)
        page[top : top + 3, left : left + 10] = generator.integers(0, 200, 3)
    return page


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + checksum


def raw_png(rows: np.ndarray, depth: int, colour: int, extra: bytes = b"") -> bytes:
    """A PNG written by hand, so that the reader is not tested against its own library."""
    height, width = rows.shape[:2]
    body = rows.astype(">u2" if depth == 16 else "u1").reshape(height, -1)
    lines = b"".join(b"\0" + line.tobytes() for line in body)
    head = struct.pack(
        ">IIBBBBB", width * (8 // depth if depth < 8 else 1), height, depth, colour, 0, 0, 0
    )
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + extra
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


def reason(data: bytes, **limits: int) -> str:
    with pytest.raises(ImageProcessingError) as refusal:
        read_picture(data, PictureLimits(**limits))
    return refusal.value.message


@pytest.mark.req("D-1.1")
@pytest.mark.parametrize("kind", ["PNG", "BMP", "JPEG"])
def test_the_three_formats_are_read(kind: str) -> None:
    page = drawing()
    picture = read_picture(saved(Image.fromarray(page), kind))
    assert (picture.format, picture.width, picture.height) == (kind, SIDE + 8, SIDE)
    assert picture.pixels.dtype == np.uint8
    if kind == "JPEG":
        assert np.abs(picture.pixels.astype(int) - page).mean() < 12
    else:
        assert np.array_equal(picture.pixels, page)


@pytest.mark.req("D-1.2")
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"a plain text that somebody called drawing.png", "no picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "SVG"),
        (b"<!doctype html><script>alert(1)</script>", "web page"),
        (b"GIF89a" + bytes(40), "GIF"),
        (b"%PDF-1.7" + bytes(40), "PDF"),
        (b"PK\x03\x04" + bytes(40), "archive"),
        (b"BMI,age,height and other words of a table", "no picture"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (b"\xff\xd8\xff\xe0", "damaged"),
    ],
)
def test_what_is_no_picture_is_refused_with_its_reason(data: bytes, words: str) -> None:
    with pytest.raises(ImageProcessingError, match=words):
        read_picture(data)


@pytest.mark.req("S-8.1")
def test_a_picture_that_is_an_archive_too_is_refused_and_four_stray_bytes_are_none() -> None:
    page = encode_png(np.full((64, 64, 3), 200, dtype=np.uint8))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("evil.html", "<script>")
    with pytest.raises(ImageProcessingError, match="an archive as well"):
        read_picture(page + packed.getvalue())
    assert read_picture(page + b"PK\5\6" + bytes(30)).width == 64


@pytest.mark.req("D-1.2")
@pytest.mark.parametrize("kind", ["PNG", "BMP", "JPEG"])
def test_a_truncated_file_is_refused_wherever_it_was_cut(kind: str) -> None:
    whole = saved(Image.fromarray(drawing()), kind)
    assert looks_like_picture(whole[:32])
    for length in range(1, len(whole) - 2, 7):
        words = "damaged" if looks_like_picture(whole[:length]) else "no picture"
        with pytest.raises(ImageProcessingError, match=words):
            read_picture(whole[:length])


@pytest.mark.req("D-1.2")
def test_a_png_with_a_changed_byte_is_refused() -> None:
    whole = bytearray(saved(Image.fromarray(drawing())))
    whole[len(whole) // 2] ^= 0x10
    assert "damaged" in reason(bytes(whole))


@pytest.mark.req("D-1.2")
@pytest.mark.parametrize("side", [50_000, 9_000])
def test_too_many_pixels_are_refused_from_the_header(side: int) -> None:
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    # There is nothing behind the header: a reader that decoded first would speak of damage.
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"")
    assert "large" in reason(bomb) or "million" in reason(bomb)


@pytest.mark.req("D-1.2")
def test_limits_on_bytes_pixels_and_size() -> None:
    data = saved(Image.fromarray(drawing()))
    assert "MiB" in reason(data, max_bytes=len(data) - 1)
    assert "million" in reason(data, max_pixels=SIDE * (SIDE + 8) - 1)
    assert read_picture(data, PictureLimits(len(data), SIDE * (SIDE + 8))).width == SIDE + 8
    small = saved(Image.new("RGB", (200, 31)))
    assert "at least 32" in reason(small)


@pytest.mark.req("D-1.2")
def test_an_animated_picture_is_refused() -> None:
    frames = [Image.fromarray(drawing(seed)) for seed in (1, 20)]
    data = saved(frames[0], save_all=True, append_images=frames[1:])
    assert "animated" in reason(data)


@pytest.mark.req("D-1.2")
def test_a_photograph_with_a_depth_map_is_no_animation() -> None:
    first, second = (Image.fromarray(drawing(seed)) for seed in (1, 20))
    data = saved(first, "MPO", save_all=True, append_images=[second], quality=95)
    picture = read_picture(data)
    assert picture.format == "JPEG"
    assert np.abs(picture.pixels.astype(int) - drawing(1)).mean() < 12


@pytest.mark.req("D-1.2")
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int, kind: str) -> None:
    upright = np.kron(
        np.array([[0, 90, 255], [200, 30, 60]], np.uint8), np.ones((40, 40), np.uint8)
    )
    # How a camera stores the upright picture under each orientation, by NumPy alone.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).T,
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(Image.fromarray(np.ascontiguousarray(stored)), kind, exif=exif)
    picture = read_picture(data)
    assert picture.pixels.shape == (80, 120, 3)
    assert np.abs(picture.pixels[..., 0].astype(int) - upright).mean() < 3
    assert any("upright" in note for note in picture.notes) == (orientation != 1)


@pytest.mark.req("D-1.2")
def test_damaged_exif_costs_only_the_orientation() -> None:
    data = saved(Image.fromarray(drawing()), "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff broken")
    assert np.array_equal(read_picture(data).pixels, drawing())


def on_white(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    weight = alpha[..., None].astype(float) / 255
    return np.rint(colour * weight + 255 * (1 - weight)).astype(np.uint8)


@pytest.mark.req("D-23.3")
@pytest.mark.req("D-1.2")
@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "P"])
def test_transparency_equals_the_flattened_copy(mode: str) -> None:
    generator = np.random.default_rng(3)
    alpha = generator.choice([0, 1, 127, 128, 254, 255], (SIDE, SIDE)).astype(np.uint8)
    if mode == "LA":
        grey = generator.integers(0, 256, (SIDE, SIDE), dtype=np.uint8)
        colour = np.repeat(grey[..., None], 3, axis=2)
        image = Image.merge("LA", [Image.fromarray(grey), Image.fromarray(alpha)])
    elif mode == "RGBA":
        colour = generator.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        image = Image.fromarray(np.dstack([colour, alpha]))
    else:
        index = generator.integers(0, 6, (SIDE, SIDE), dtype=np.uint8)
        palette = generator.integers(0, 256, (6, 3), dtype=np.uint8)
        levels = np.array([0, 1, 127, 128, 254, 255], np.uint8)
        colour, alpha = palette[index], levels[index]
        image = Image.new("P", (SIDE, SIDE))
        image.putpalette(palette.tobytes())
        image.putdata(index.ravel().tolist())
        image.info["transparency"] = levels.tobytes()
    flat = on_white(colour, alpha)
    picture = read_picture(saved(image))
    assert np.array_equal(picture.pixels, flat)
    copy = read_picture(saved(Image.fromarray(flat)))
    assert pixel_hash(copy.pixels) == pixel_hash(picture.pixels)


@pytest.mark.req("D-1.2")
@pytest.mark.parametrize(
    ("depth", "colour", "sample", "key"),
    [
        (8, 0, 77, (77,)),
        (16, 0, 77 * 257, (77 * 257,)),
        (8, 2, 77, (77,) * 3),
        (16, 2, 77 * 257, (77 * 257,) * 3),
    ],
)
def test_the_one_transparent_colour_of_a_png_becomes_paper(
    depth: int, colour: int, sample: int, key: tuple[int, ...]
) -> None:
    rows = np.full((SIDE, SIDE) if colour == 0 else (SIDE, SIDE, 3), sample, np.uint16)
    rows[:5] = 0
    data = raw_png(rows, depth, colour, chunk(b"tRNS", struct.pack(f">{len(key)}H", *key)))
    pixels = read_picture(data).pixels
    assert (pixels[5:] == 255).all()
    assert (pixels[:5] == 0).all()


@pytest.mark.req("D-1.2")
def test_the_transparent_colour_of_a_four_bit_png_is_found() -> None:
    packed = np.full((SIDE, SIDE), 0x77, np.uint8)
    packed[:5] = 0x33
    pixels = read_picture(raw_png(packed, 4, 0, chunk(b"tRNS", struct.pack(">H", 7)))).pixels
    assert (pixels[5:] == 255).all()
    assert (pixels[:5] == 0x33).all()


@pytest.mark.req("D-1.2")
def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    generator = np.random.default_rng(1)
    eight = generator.integers(0, 256, (SIDE, SIDE), dtype=np.uint16)
    grey = read_picture(raw_png(eight * 257, 16, 0)).pixels
    assert np.array_equal(grey[..., 1], eight)
    colour = generator.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint16)
    assert np.array_equal(read_picture(raw_png(colour * 257, 16, 2)).pixels, colour)


@pytest.mark.parametrize(("most", "bits"), [(65_535, 16), (4095, 12), (1023, 10), (200, 8), (0, 8)])
def test_measured_levels_are_scaled_by_the_bits_that_they_use(most: int, bits: int) -> None:
    levels = np.linspace(0, most, SIDE * SIDE).astype(np.uint16).reshape(SIDE, SIDE)
    picture = read_picture(raw_png(levels, 16, 0), measured=True)
    assert np.abs(picture.pixels[..., 0] - levels / (2**bits - 1) * 255).max() <= 0.51
    assert picture.notes == (f"scaled from {bits} to 8 bits",)


@pytest.mark.req("D-1.2")
@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_grey_and_palette_are_converted(mode: str) -> None:
    image = Image.fromarray(drawing()).convert(mode)
    expected = np.array(image.convert("RGB"))
    assert np.array_equal(read_picture(saved(image)).pixels, expected)


def without_adobe_marker(data: bytes) -> bytes:
    start = data.index(b"\xff\xee")
    length = struct.unpack(">H", data[start + 2 : start + 4])[0]
    return data[:start] + data[start + 2 + length :]


@pytest.mark.req("D-1.2")
@pytest.mark.parametrize("adobe", [True, False])
def test_cmyk_is_converted_with_and_without_adobes_inversion(*, adobe: bool) -> None:
    inks = np.zeros((64, 64, 4), np.uint8)
    inks[:, :32] = (255, 0, 0, 0)  # cyan on the left, a half black on the right
    inks[:, 32:] = (0, 0, 0, 128)
    stored = inks if adobe else 255 - inks  # Pillow always writes inverted, as Adobe does
    data = saved(Image.frombytes("CMYK", (64, 64), stored.tobytes()), "JPEG", quality=95)
    pixels = read_picture(data if adobe else without_adobe_marker(data)).pixels.astype(int)
    light = 1 - inks.astype(float) / 255
    expected = 255 * light[..., :3] * light[..., 3:]
    assert np.abs(pixels - expected).max() < 12


@pytest.mark.req("D-1.3")
@pytest.mark.parametrize(
    ("page", "blank"),
    [
        (np.full((100, 100, 3), 255, np.uint8), True),
        (np.full((100, 100, 3), 240, np.uint8), True),
        (np.zeros((100, 100, 3), np.uint8), True),
        (drawing(0, 100), False),
    ],
)
def test_a_page_without_marks_is_blank(page: np.ndarray, *, blank: bool) -> None:
    assert is_blank(page) is blank


@pytest.mark.req("D-1.3")
def test_a_fully_transparent_page_is_blank_whatever_lies_under_it() -> None:
    image = Image.fromarray(np.dstack([drawing(), np.zeros((SIDE, SIDE + 8), np.uint8)]))
    picture = read_picture(saved(image))
    assert (picture.pixels == 255).all()
    assert is_blank(picture.pixels)


@pytest.mark.req("D-1.3")
def test_dust_is_blank_and_a_tiny_mark_is_not() -> None:
    page = np.full((200, 200, 3), 255, np.uint8)
    page[50, 50:60] = 0  # 10 of 40,000 pixels
    assert is_blank(page)
    page[52:57, 50:60] = 0
    assert not is_blank(page)


def test_ink_coverage_counts_marks_on_white_and_on_grey_paper() -> None:
    page = np.full((100, 100, 3), 255, np.uint8)
    page[:25] = (200, 30, 30)
    assert ink_coverage(page) == pytest.approx(0.25)
    page[25:] = 190
    assert ink_coverage(page) == pytest.approx(0.25)
    page[:99] = (0, 0, 200)
    assert ink_coverage(page) == pytest.approx(0.99)


@pytest.mark.req("D-30.1")
def test_a_picture_is_encoded_again_without_metadata_and_always_alike() -> None:
    exif = Image.Exif()
    exif[0x010E] = "Maria Example, 12 Elm Street"
    data = saved(Image.fromarray(drawing()), "PNG", exif=exif, dpi=(300, 300))
    again = encode_png(read_picture(data).pixels)
    assert b"Maria" in data
    assert b"Maria" not in again
    names = [again[i + 4 : i + 8] for i in chunk_starts(again)]
    assert set(names) == {b"IHDR", b"IDAT", b"IEND"}
    assert encode_png(drawing()) == again


def chunk_starts(data: bytes) -> list[int]:
    starts, at = [], 8
    while at < len(data):
        starts.append(at)
        at += 12 + struct.unpack(">I", data[at : at + 4])[0]
    return starts


def test_a_stored_picture_comes_back_as_it_was() -> None:
    page = drawing()
    assert np.array_equal(read_stored(encode_png(page)), page)


@pytest.mark.parametrize(
    "spoil", [lambda data: data[:-30], lambda _: saved(Image.new("L", (9, 9)))]
)
def test_a_stored_picture_that_was_changed_is_told(spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(IntegrityError):
        read_stored(spoil(encode_png(drawing())))


def test_the_pixel_hash_knows_the_shape() -> None:
    page = np.zeros((40, 50, 3), np.uint8)
    assert pixel_hash(page) != pixel_hash(page.transpose(1, 0, 2))
    assert pixel_hash(page) == pixel_hash(page.copy())


def test_bytes_at_random_never_raise_anything_else_and_never_warn() -> None:
    generator = random.Random(5)
    originals = [
        saved(Image.fromarray(drawing()), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0"),
        saved(Image.fromarray(drawing()), "BMP"),
        saved(Image.fromarray(drawing()).convert("P"), "PNG", transparency=b"\0\x80"),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for turn in range(300):
            data = bytearray(generator.choice(originals))
            for _ in range(turn % 6 + 1):
                data[generator.randrange(len(data))] = generator.randrange(256)
            try:
                read_picture(bytes(data))
            except ImageProcessingError:
                continue

"""From bytes of unknown origin to an upright RGB picture on white, or a reason why not."""

import hashlib
import io
import threading
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from deepmed.kit.errors import ImageProcessingError, IntegrityError
from deepmed.kit.picture_formats import format_of, openers, readable_in_words
from deepmed.kit.sizes import MIB

if TYPE_CHECKING:  # a process that only decodes begins for each intake, and has no settings
    from deepmed.kit.settings import Settings

Pixels = npt.NDArray[np.uint8]
"""(height, width, 3), red, green, blue, 255 = full."""

INK_LEVELS = 32
"""How much darker than the paper, or other than the page, a pixel must be to count as a mark."""
BLANK_SHARE = 0.0005
"""A page on which a smaller share of the pixels is marked counts as nearly blank."""

_ORIENTATION_TAG = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_FOREIGN = (
    (b"GIF8", "a GIF"),
    (b"RIFF", "a sound, a film or another RIFF file"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "an archive or an office document"),
    (b"<", "a web page, an SVG or another text of marks"),
)
HEAD_BYTES = 64
_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339
_WHITE_IS_ZERO, _SIGNED, _EIGHT_BITS, _MOST_BITS = 0, 2, 8, 16
_WIDE_MODES = {"F"}
"""Of numbers with a fraction; how bright the brightest is they do not say."""
_ARCHIVE_END_BYTES = 22 + 65_535
# Python keeps one list of warning filters for all threads, so they decode one at a time.
_decoding = threading.Lock()


@dataclass(frozen=True)
class PictureLimits:
    max_bytes: int = 10 * MIB
    max_pixels: int = 40_000_000
    min_side: int = 32

    @classmethod
    def of(cls, settings: "Settings") -> Self:
        return cls(max_bytes=settings.max_file_bytes, max_pixels=settings.max_pixels)


DEFAULT_LIMITS = PictureLimits()


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded picture; `notes` says in words what was changed on the way."""

    pixels: Pixels
    format: str
    width: int
    height: int
    notes: tuple[str, ...] = ()


def read_picture(
    data: bytes, limits: PictureLimits = DEFAULT_LIMITS, *, measured: bool = False
) -> Picture:
    """Decode a picture by content, whatever the file is called.

    Which kinds can be read `picture_formats` says. Turned as its EXIF orientation says,
    transparency set on white, grey, palette, 16-bit and CMYK converted to eight bits of red,
    green and blue. The number of pixels is read from the header and checked before anything is
    decoded.

    Args:
        data: the file.
        limits: of its bytes and pixels.
        measured: 16-bit levels come from a device of fewer bits, whose numbers were stored as they
            are: white is the most that the bits in use can hold, not the most of sixteen.

    Raises:
        ImageProcessingError: empty, truncated, no picture, another format, several pictures in
            one file, too large or too small; the message tells a person which.
    """
    if not data:
        raise ImageProcessingError("The file is empty.")
    if len(data) > limits.max_bytes:
        raise ImageProcessingError(
            f"The file has {len(data) / MIB:.1f} MiB; at most "
            f"{limits.max_bytes / MIB:.1f} MiB are allowed."
        )
    if not looks_like_picture(data):
        raise _foreign(data)
    if _holds_archive(data):
        raise ImageProcessingError(
            "The picture is an archive as well; save or export it again as a picture alone."
        )
    with _contained():
        with _open(data) as image:
            _check_header(image, limits)
            image.verify()  # the checksums of a PNG; afterwards it must be opened anew
        with _open(data) as image:
            notes: list[str] = []
            image.load()
            pixels = _to_rgb(_upright(image, notes), data, notes, measured=measured)
    _check_size(pixels.shape[1], pixels.shape[0], limits)
    kind = format_of(data[:HEAD_BYTES])
    name = kind.name if kind else str(image.format)
    return Picture(pixels, name, pixels.shape[1], pixels.shape[0], tuple(notes))


def looks_like_picture(head: bytes) -> bool:
    """Whether the first bytes of a file (64 are enough) begin a picture that can be read here."""
    kind = format_of(head[:HEAD_BYTES])
    return kind is not None and kind.readable()


def read_stored(data: bytes) -> Pixels:
    """The pixels of a PNG that `encode_png` wrote: no conversion, so the hash stays the same.

    Raises:
        IntegrityError: the stored file is not what was written.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            pixels = np.array(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise IntegrityError("A stored picture is damaged; restore it from a backup.") from error
    if image.mode != "RGB":
        raise IntegrityError("A stored picture was replaced by something else; restore it.")
    return pixels


def encode_png(pixels: Pixels) -> bytes:
    """PNG without any metadata; the same pixels always give the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def pixel_hash(pixels: Pixels) -> str:
    """SHA-256 of the picture itself, whatever file it came in."""
    digest = hashlib.sha256(f"{pixels.shape[0]}x{pixels.shape[1]}:".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def ink_coverage(pixels: Pixels) -> float:
    """Share of the pixels that are clearly darker than the paper, 0 to 1.

    The paper is the brightest that the page shows: the 99th percentile of each channel, at
    least middle grey. So a photograph's greyish paper counts as paper, and a page that is
    filled with crayon counts as ink.
    """
    paper = [max(level, 128) for level in _levels(pixels, 0.99)]
    return _share_outside(pixels, [(level - INK_LEVELS, 255) for level in paper])


def is_blank(pixels: Pixels) -> bool:
    """Whether the page is (nearly) of one colour: fewer than 5 in 10,000 pixels are marked.

    A mark is a pixel that differs from the page's median colour by more than 32 of 255 levels
    in some channel. A page of one dark colour holds no drawing either, so it is blank too.
    """
    page = _levels(pixels, 0.5)
    near = [(level - INK_LEVELS, level + INK_LEVELS) for level in page]
    return _share_outside(pixels, near) < BLANK_SHARE


def _levels(pixels: Pixels, share: float) -> list[int]:
    """The level at or below which `share` of the pixels lie, for each channel."""
    counts = np.array(Image.fromarray(pixels).histogram()).reshape(3, 256)
    target = share * pixels.shape[0] * pixels.shape[1]
    return [int(np.searchsorted(np.cumsum(count), target)) for count in counts]


def _share_outside(pixels: Pixels, ranges: Sequence[tuple[int, int]]) -> float:
    """Share of the pixels of which some channel lies outside its range."""
    outside = np.zeros(pixels.shape[:2], dtype=np.bool_)
    for channel, (low, high) in enumerate(ranges):
        levels = pixels[..., channel]
        outside |= (levels < max(low, 0)) | (levels > min(high, 255))
    return float(np.count_nonzero(outside) / outside.size)


@contextmanager
def _contained() -> Iterator[None]:
    """Turn whatever a decoder does with arbitrary bytes into one error, and keep it quiet."""
    try:
        with _decoding, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except ImageProcessingError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageProcessingError("The picture is far too large to be read safely.") from error
    except Exception as error:  # a decoder fed with arbitrary bytes raises anything
        raise ImageProcessingError(
            "The picture is damaged or cut off and cannot be read; save or export it again."
        ) from error


def _open(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=openers())


def _foreign(data: bytes) -> ImageProcessingError:
    here = f"{readable_in_words()} are read here, whatever the file's name says."
    kind = format_of(data[:HEAD_BYTES])
    if kind is not None:
        return ImageProcessingError(
            f"It is a picture of the kind {kind.name}, which this installation does not read "
            f"({kind.remedy}); {here} Save or export it as PNG."
        )
    start = data[:64].lstrip()
    found = next((name for magic, name in _FOREIGN if start.startswith(magic)), None)
    what = f"It is {found}" if found else "Its content is no picture that is known here"
    return ImageProcessingError(f"{what}; {here}")


def _holds_archive(data: bytes) -> bool:
    """Whether programs that unpack archives would find one in it: they begin at a file's end."""
    if b"PK\5\6" not in data[-_ARCHIVE_END_BYTES:]:
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return bool(archive.infolist())
    except Exception:  # noqa: BLE001 - four bytes that happened to be there
        return False


def _check_header(image: Image.Image, limits: PictureLimits) -> None:
    _check_size(image.width, image.height, limits)
    if _holds_several(image):
        raise ImageProcessingError(
            "The file holds several pictures: it is animated, or has several pages. Save the one "
            "that is meant as PNG."
        )
    if image.mode in _WIDE_MODES or _bits(image) > _MOST_BITS:
        raise ImageProcessingError(
            "The picture has more than 16 bits or signed numbers a colour, as measurements have; "
            "save it with 8 or 16 bits a colour."
        )


def _holds_several(image: Image.Image) -> bool:
    # A photograph's depth map or HDR layer (MPO) is no animation: the picture itself is first.
    if image.format == "MPO":
        return False
    if image.format != "TIFF":
        return getattr(image, "n_frames", 1) > 1
    try:
        image.seek(1)  # counting them would read the whole chain of pages
    except EOFError:
        return False
    return True


def _bits(image: Image.Image) -> int:
    """Bits a colour where the format tells them apart, and 0 elsewhere."""
    if image.format != "TIFF":
        return 0
    signed = max(image.tag_v2.get(_SAMPLE_FORMAT, (1,))) == _SIGNED  # type: ignore[attr-defined]  # a TIFF has tags
    return 99 if signed else max(image.tag_v2.get(_BITS, (1,)))  # type: ignore[attr-defined]  # likewise


def _check_size(width: int, height: int, limits: PictureLimits) -> None:
    if width * height > limits.max_pixels:
        raise ImageProcessingError(
            f"The picture has {width} x {height} pixels; at most "
            f"{limits.max_pixels / 1e6:g} million are allowed."
        )
    if min(width, height) < limits.min_side:
        raise ImageProcessingError(
            f"The picture has {width} x {height} pixels; it must be at least "
            f"{limits.min_side} x {limits.min_side}."
        )


def _upright(image: Image.Image, notes: list[str]) -> Image.Image:
    try:
        orientation = image.getexif().get(_ORIENTATION_TAG, 1)
        turn = _TURNS.get(orientation)
    except Exception:  # noqa: BLE001 - camera makers' data; the picture itself was readable
        notes.append("its EXIF data is damaged and was ignored")
        return image
    if turn is None:
        return image
    notes.append(f"turned upright (EXIF orientation {orientation})")
    turned = image.transpose(turn)
    turned.info = image.info
    return turned


def _to_rgb(image: Image.Image, data: bytes, notes: list[str], *, measured: bool) -> Pixels:
    if "icc_profile" in image.info:
        notes.append("its colour profile was not applied")
    if image.mode.startswith("I"):
        return _from_sixteen_bits(image, notes, measured=measured)
    if image.mode == "CMYK":
        return _from_cmyk(image, notes, inverted=data.startswith(b"\xff\xd8"))
    if image.has_transparency_data:
        return _on_white(image, data, notes)
    if image.mode not in {"1", "L", "P", "RGB", "RGBX", "YCbCr"}:
        raise ImageProcessingError(f"The picture's kind of pixels ({image.mode}) is not supported.")
    return np.array(image.convert("RGB"))


def _from_sixteen_bits(image: Image.Image, notes: list[str], *, measured: bool) -> Pixels:
    wide = np.asarray(image).astype(np.uint32)
    bits = max(_EIGHT_BITS, int(wide.max()).bit_length()) if measured else _MOST_BITS
    notes.append(f"scaled from {bits} to 8 bits")
    most = 2**bits - 1
    if image.format == "TIFF" and image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:  # type: ignore[attr-defined]  # a TIFF has tags
        wide = most - wide  # of sixteen bits Pillow leaves this to us
    grey = ((wide * 255 + most // 2) // most).astype(np.uint8)
    transparent = image.info.get("transparency")
    if transparent is not None:
        notes.append("transparent parts set on white")
        grey[wide == transparent] = 255
    return np.repeat(grey[..., None], 3, axis=2)


def _from_cmyk(image: Image.Image, notes: list[str], *, inverted: bool) -> Pixels:
    """`inverted`: whether Pillow has turned the inks round, as it does in JPEG alone."""
    notes.append("converted from CMYK")
    if inverted and "adobe" not in image.info:
        # Pillow takes every CMYK JPEG for Adobe's, which stores the inks inverted.
        inks = 255 - np.asarray(image)
        image = Image.frombytes("CMYK", image.size, inks.tobytes())
    return np.array(image.convert("RGB"))


def _on_white(image: Image.Image, data: bytes, notes: list[str]) -> Pixels:
    notes.append("transparent parts set on white")
    _mend_transparent_colour(image, data)
    layers = np.asarray(image.convert("RGBA"))
    flat = np.empty_like(layers[..., :3])
    step = max(1, 1_000_000 // layers.shape[1])
    for start in range(0, layers.shape[0], step):  # wider numbers must not fill the memory
        band = slice(start, start + step)
        alpha = layers[band, :, 3:].astype(np.uint16)
        # At most 255 * 255 + 127, so 16 bits hold it; the result is rounded, not cut.
        flat[band] = (layers[band, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return flat


def _mend_transparent_colour(image: Image.Image, data: bytes) -> None:
    """Bring a PNG's one transparent colour to the eight bits to which Pillow brought the pixels."""
    colour = image.info.get("transparency")
    if image.format != "PNG" and not data.startswith(b"\x89PNG"):
        return
    depth = data[24]
    if image.mode == "L" and isinstance(colour, int) and depth < 8:
        image.info["transparency"] = colour * 255 // (2**depth - 1)
    elif image.mode == "RGB" and isinstance(colour, tuple) and depth == 16:
        image.info["transparency"] = tuple(level >> 8 for level in colour)

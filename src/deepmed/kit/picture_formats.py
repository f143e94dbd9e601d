"""Which kinds of pictures there are, known by their first bytes, and which can be read here.

PNG, JPEG, BMP and TIFF always can; WebP and AVIF where Pillow was built with them, HEIC where the
package pillow-heif is installed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from PIL import features

_BMP_HEADER_SIZES = {12, 16, 40, 52, 56, 64, 108, 124}
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_HEIF_PACKAGE = "pillow_heif"


@dataclass(frozen=True)
class PictureFormat:
    """A kind of pictures.

    Attributes:
        name: as people write it.
        opener: Pillow's name of it.
        endings: of files' names, with their dots; only for people, contents decide.
        begins: whether a file's first bytes are of this kind.
        readable: whether it can be read here.
        remedy: what makes it readable where it is not.
    """

    name: str
    opener: str
    endings: tuple[str, ...]
    begins: Callable[[bytes], bool]
    readable: Callable[[], bool]
    remedy: str = ""


def format_of(head: bytes) -> PictureFormat | None:
    """The kind that a file's first bytes (64 are enough) begin, readable here or not.

    >>> format_of(b"II*" + bytes(29)).name
    'TIFF'
    """
    return next((kind for kind in FORMATS if kind.begins(head)), None)


def readable_formats() -> list[PictureFormat]:
    """Those that can be read here."""
    return [kind for kind in FORMATS if kind.readable()]


def readable_in_words(last: str = "and") -> str:
    """Their names in a sentence.

    >>> readable_in_words().startswith("PNG, JPEG, BMP")
    True
    """
    *names, final = [kind.name for kind in readable_formats()]
    return f"{', '.join(names)} {last} {final}"


def openers() -> tuple[str, ...]:
    """Pillow's names of what may be opened, each ready to be."""
    return tuple(kind.opener for kind in readable_formats())


def _starts(*beginnings: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(beginnings)


def _is_bmp(head: bytes) -> bool:
    """`BM` begins many texts too; a BMP goes on with the size of its next header."""
    return head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES


def _is_webp(head: bytes) -> bool:
    return head.startswith(b"RIFF") and head[8:12] == b"WEBP"


def _brands(head: bytes) -> set[bytes]:
    """What an ISO media file says it may be read as; its main brand first, then others."""
    if head[4:8] != b"ftyp":
        return set()
    size = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[start : start + 4] for start in range(16, size, 4))}


def _is_avif(head: bytes) -> bool:
    return bool(_brands(head) & _AVIF_BRANDS)


def _is_heif(head: bytes) -> bool:
    return bool(_brands(head) & _HEIF_BRANDS)


def _always() -> bool:
    return True


def _built_in(feature: str) -> Callable[[], bool]:
    return lambda: bool(features.check(feature))


@cache
def _can_open_heif() -> bool:
    """Looked up once, as the package must first make itself known to Pillow."""
    if find_spec(_HEIF_PACKAGE) is None:
        return False
    import_module(_HEIF_PACKAGE).register_heif_opener(thumbnails=False)
    return True


FORMATS = (
    PictureFormat("PNG", "PNG", (".png",), _starts(b"\x89PNG"), _always),
    PictureFormat("JPEG", "JPEG", (".jpg", ".jpeg"), _starts(b"\xff\xd8\xff"), _always),
    PictureFormat("BMP", "BMP", (".bmp",), _is_bmp, _always),
    PictureFormat("TIFF", "TIFF", (".tif", ".tiff"), _starts(b"II*\0", b"MM\0*"), _always),
    PictureFormat(
        "WebP",
        "WEBP",
        (".webp",),
        _is_webp,
        _built_in("webp"),
        "install a Pillow that was built with WebP",
    ),
    PictureFormat(
        "AVIF",
        "AVIF",
        (".avif",),
        _is_avif,
        _built_in("avif"),
        "install a Pillow that was built with AVIF",
    ),
    PictureFormat(
        "HEIC", "HEIF", (".heic", ".heif"), _is_heif, _can_open_heif, "pip install pillow-heif"
    ),
)
"""In the order in which they are named and looked for."""

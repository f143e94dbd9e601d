"""What is had of a DICOM file. Reading one needs a large library, and a process of its own."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

FrameRule = Literal["refuse", "first", "middle"]

_FIRST_ELEMENTS = {b"\2\0\0\0", b"\2\0\1\0", b"\2\0\2\0", b"\2\0\x10\0"} | {
    b"\x08\0" + bytes([low, 0]) for low in (0, 1, 5, 8, 0x12, 0x13, 0x16, 0x18)
}


@dataclass(frozen=True)
class DicomFacts:
    """All that is taken from a file's header; nothing else of it leaves the process.

    `patient_id` is replaced by a pseudonym before anything is stored.
    """

    patient_id: str = ""
    sex: str = ""
    age: str = ""
    view: str = ""
    burned_in: str = ""
    """What the file says of text in the picture: `YES`, `NO` or nothing."""
    captured: bool = False
    """Copied from a screen or scanned, which is how text gets into a picture."""
    notes: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, eq=False)
class DicomImage:
    """`pixels` are (height, width) grey or (height, width, 3) red, green and blue."""

    pixels: npt.NDArray[np.uint8]
    facts: DicomFacts


def looks_like_dicom(head: bytes) -> bool:
    """Whether the first bytes of a file (160 are enough) are those of DICOM.

    Behind a preamble stands a mark; old files lack both and begin with an element of the group 2
    or 8, little end first. The preamble may be the beginning of another format, mostly TIFF, so
    that a viewer of that finds the same picture: the mark counts.
    """
    return head[128:132] == b"DICM" or head[:4] in _FIRST_ELEMENTS

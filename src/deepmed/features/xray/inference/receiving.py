"""Images as a browser or a script sends them: names are labels, and nothing is stored."""

import unicodedata
from pathlib import PurePosixPath
from typing import BinaryIO

from deepmed.features.xray.inference.errors import UnreadableUploadError
from deepmed.features.xray.source import ReadingRules
from deepmed.kit.errors import TooLargeError
from deepmed.kit.settings import Settings
from deepmed.kit.sizes import MIB

_LONGEST = 200


def label_of(name: str | None) -> str:
    """What a file is called in answers: `../a/b.png` is `b.png`."""
    last = PurePosixPath((name or "").replace("\\", "/")).name
    shown = "".join(each for each in last if unicodedata.category(each)[0] != "C").strip()
    return shown[:_LONGEST] or "image"


def content_of(file: BinaryIO, settings: Settings) -> bytes:
    """The bytes of an upload, read only where they are as few as allowed.

    Raises:
        TooLargeError: there are more.
        UnreadableUploadError: there are none.
    """
    most = ReadingRules.of(settings).max_dicom_bytes
    if file.seek(0, 2) > most:
        raise TooLargeError(
            f"The file has more than the {most / MIB:.0f} MiB that an image may have; nothing was "
            "predicted. Scale the image down."
        )
    file.seek(0)
    content = file.read()
    if not content:
        raise UnreadableUploadError("The file is empty. Nothing was predicted.")
    return content

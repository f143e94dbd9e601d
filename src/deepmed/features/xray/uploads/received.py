"""A ZIP that somebody sends to be trained on: kept where its directory shows nothing against it."""

from pathlib import PurePosixPath
from typing import BinaryIO

from deepmed.core.home import Home
from deepmed.features.xray.source.options import SourceOptions
from deepmed.features.xray.uploads.stored import Upload, Uploads
from deepmed.kit.archives import ArchiveLimits, names_in
from deepmed.kit.errors import ValidationError
from deepmed.kit.picture_formats import readable_formats

_DICOM = {".dcm", ".dicom", ".ima", ""}
"""DICOM files often have no ending."""


def receive_archive(home: Home, name: str | None, content: BinaryIO) -> Upload:
    """Take a ZIP in; what only unpacking tells, its training finds.

    Raises:
        TooLargeError: it has more bytes than an upload or all of this owner's may have.
        StorageError: the disk is full.
        ValidationError: it is no ZIP, is unsafe, or holds no image. Nothing is kept of it.
    """
    uploads = Uploads(home)
    upload = uploads.receive(name, content)
    try:
        _refuse_imageless(upload, SourceOptions.of(home.settings).limits)
    except BaseException:
        uploads.delete(upload.uid)
        raise
    return upload


def _refuse_imageless(upload: Upload, limits: ArchiveLimits) -> None:
    endings = {ending for kind in readable_formats() for ending in kind.endings} | _DICOM
    names = names_in(upload.path, limits)
    if not any(PurePosixPath(name).suffix.lower() in endings for name in names):
        raise ValidationError(
            f"Among the {len(names)} files of the ZIP is no image; nothing of it was stored. Pack "
            "the images and their table of labels, or one folder a class, into a ZIP."
        )

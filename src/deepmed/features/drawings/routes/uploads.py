"""Many files at once: checked as a whole in the request, and stored in the background."""

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from fastapi import File, Form, UploadFile

from deepmed.core.jobs.ledger import JobLedger
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.importing.plan import plan_import, refuse_pictureless
from deepmed.features.drawings.importing.received import (
    METADATA,
    is_archive,
    label_of,
    receive,
    refuse_doubled,
    source_of,
)
from deepmed.features.drawings.importing.sources import open_source
from deepmed.features.drawings.importing.staging import Staging
from deepmed.features.drawings.jobs import ImportPayload
from deepmed.features.drawings.schemas.common import FileUploadResponse
from deepmed.kit import clock
from deepmed.kit.errors import ValidationError
from deepmed.kit.ids import new_uid

MOST_FILES = 50
_STARTS = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"BM": "image/bmp",
    b"PK\x03\x04": "application/zip",
}
Files = Annotated[list[UploadFile], File(description="Pictures, or one ZIP, and their table")]
Metadata = Annotated[
    str | None, Form(description="JSON: a list of objects with `filename` and `age_years`")
]
NamePattern = Annotated[
    str | None, Form(description="Metadata in file names, as {subject}_age{age}_{child_id}")
]


@dataclass(frozen=True)
class Taken:
    """Files that were received and will be stored."""

    uid: str
    planned: int
    job_id: int
    files: list[FileUploadResponse]

    @property
    def progress_url(self) -> str:
        return f"/api/v1/drawings/upload/progress/{self.uid}"


def take(
    desk: Desk,
    ledger: JobLedger,
    files: list[UploadFile],
    metadata: str | None,
    name_pattern: str | None,
) -> Taken:
    """Check the metadata of all files, and let them be stored in the background.

    Raises:
        BatchRefusedError: a drawing has no age of its own; nothing was stored.
        ValidationError: too many files, none that is a picture, or a table that cannot be read.
    """
    if len(files) > MOST_FILES:
        raise ValidationError(
            f"{len(files)} files were sent and {MOST_FILES} are the most; nothing was stored. "
            "Send a ZIP instead, or import the folder with `deepmed drawings import`."
        )
    uid = new_uid()
    with TemporaryDirectory() as name:
        folder = Path(name)
        names = _receive_all(desk, folder, files, metadata)
        path, table = source_of(folder, names)
        with open_source(path, desk.home.settings) as source:
            plan = plan_import(source, name_pattern=name_pattern, metadata=table)
        refuse_pictureless(plan)
        received = _received(folder, names)
        Staging(desk.home.storage, uid).put(folder, names)
    planned = len(plan.drawings)
    desk.importer.progress.announce(uid, f"upload {uid[:8]}", planned)
    payload = ImportPayload(upload_id=uid, files=len(files), name_pattern=name_pattern)
    return Taken(uid, planned, ledger.submit("drawings.import", payload).id, received)


def _receive_all(
    desk: Desk, folder: Path, files: list[UploadFile], metadata: str | None
) -> list[str]:
    sent = [file.filename for file in files]
    refuse_doubled(sent if metadata is None else [*sent, METADATA])
    settings = desk.home.settings
    alone = is_archive([label_of(name) for name in sent])
    limit = settings.max_archive_bytes if alone else settings.max_file_bytes
    names = [receive(folder, file.filename, file.file, limit).name for file in files]
    if metadata is not None:
        (folder / METADATA).write_text(metadata, encoding="utf-8")
        names.append(METADATA)
    return names


def _received(folder: Path, names: Sequence[str]) -> list[FileUploadResponse]:
    moment = clock.now()
    return [
        FileUploadResponse(
            filename=name,
            file_size=(folder / name).stat().st_size,
            content_type=_kind(folder / name),
            upload_timestamp=moment,
        )
        for name in names
    ]


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4)
    found = next((kind for start, kind in _STARTS.items() if head.startswith(start)), None)
    return found or mimetypes.guess_type(path.name)[0] or "application/octet-stream"

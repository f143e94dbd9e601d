"""What lies in a ZIP, told before a training begins: its labels, its files and some of its images.

The labels and names of all files are looked at, and a few images are decoded. What only decoding
all of them tells (damage, a patient's name in a DICOM header) the run's own report says.
"""

import io
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from PIL import Image

from deepmed.features.xray.configuration import XrayConfig
from deepmed.features.xray.configuration.settings import source_options
from deepmed.features.xray.errors import SourceRefusedError
from deepmed.features.xray.source.checks import refuse_too_few
from deepmed.features.xray.source.options import SourceOptions
from deepmed.features.xray.source.placing import PlacedImage
from deepmed.features.xray.source.planning import SourcePlan, plan_source
from deepmed.features.xray.source.reading import XrayReader
from deepmed.features.xray.turns import TURNS
from deepmed.features.xray.uploads.stored import Upload
from deepmed.kit.archives import ArchiveRefusedError
from deepmed.kit.digests import json_digest
from deepmed.kit.errors import ImageProcessingError, ResourceError
from deepmed.kit.files import write_atomically
from deepmed.kit.pictures import Pixels
from deepmed.kit.settings import Settings
from deepmed.kit.sources import Source, open_source

MOST_NAMED = 200
"""Files that are named of each kind; all are counted."""
SAMPLES, SAMPLE_SIDE = 3, 512
"""Images of each class, and the longer side of what is shown of them."""
_MOST_CLASSES = 12
_MOST_LOOKS = 5
"""Ways of reading one upload that are kept."""
_LOCK, _WAIT_SECONDS = "look.lock", 120.0
_VERSION = 4


@dataclass(frozen=True)
class ClassFound:
    """Images and patients of a class by what table and folders say."""

    name: str
    images: int
    patients: int
    unknown: int
    """Images of which neither says whose they are; a DICOM file may."""


@dataclass(frozen=True)
class Sample:
    """An image that is shown, under its place among all that are."""

    name: str
    class_name: str


@dataclass(frozen=True)
class Look:
    """`refused` is why no training can start from it, and `problems` each file or row of that."""

    layout: str = ""
    table: str | None = None
    found: int = 0
    classes: tuple[ClassFound, ...] = ()
    parts: tuple[tuple[str, int], ...] = ()
    """Images of each part of a published split, if there is one."""
    without_file: tuple[str, ...] = ()
    without_files: int = 0
    unlabelled: tuple[str, ...] = ()
    unlabelled_files: int = 0
    notes: tuple[str, ...] = ()
    samples: tuple[Sample, ...] = ()
    refused: str | None = None
    problems: tuple[dict[str, Any], ...] = ()
    problems_found: int = 0
    """Of which the first are listed."""

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Look":
        lists = {name: tuple(value) for name, value in found.items() if isinstance(value, list)}
        return cls(
            **{
                **found,
                **lists,
                "classes": tuple(ClassFound(**each) for each in found["classes"]),
                "parts": tuple((name, count) for name, count in found["parts"]),
                "samples": tuple(Sample(**each) for each in found["samples"]),
            }
        )


def look_into(
    upload: Upload, csv_filename: str | None, config: XrayConfig, settings: Settings
) -> Look:
    """What a training with this configuration would find there.

    It is worked out once for each way of reading the table, by one request at a time, and kept
    beside the ZIP; of many ways the last ones are.

    Raises:
        ResourceError: others are looking into it and take long.
    """
    options = source_options(config, settings)
    kept = _folder(upload, csv_filename, options) / "look.json"
    found = _before(kept)
    return found or _look_afresh(upload, csv_filename, options, kept)


def _before(kept: Path) -> Look | None:
    try:
        return Look.from_json(json.loads(kept.read_bytes()))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _look_afresh(
    upload: Upload, csv_filename: str | None, options: SourceOptions, kept: Path
) -> Look:
    try:
        with FileLock(upload.path.parent / _LOCK, timeout=_WAIT_SECONDS):
            found = _before(kept)  # of somebody who was faster
            if found is not None:
                return found
            look = _looked(upload, csv_filename, options, kept.parent)
            write_atomically(kept, json.dumps(asdict(look)).encode())
            _forget_oldest(upload.path.parent)
            return look
    except Timeout as error:
        raise ResourceError(
            f"Others are looking into {upload.name}, and it takes long; nothing was done. Try "
            "again in a few minutes."
        ) from error


def _forget_oldest(folder: Path) -> None:
    looks = sorted(folder.glob("look-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in looks[_MOST_LOOKS:]:
        shutil.rmtree(path, ignore_errors=True)


def sample(upload: Upload, number: int) -> Path | None:
    """The file of an image that the last look showed, by its place."""
    found = [path for path in upload.path.parent.glob(f"look-*/{number}.png") if path.is_file()]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def samples(upload: Upload) -> list[Pixels]:
    """All images that looks have shown, each once."""
    import numpy as np  # noqa: PLC0415 - with what it is for

    shown = []
    for number in range(SAMPLES * _MOST_CLASSES):
        path = sample(upload, number)
        if path is None:
            break
        with Image.open(path, formats=("PNG",)) as image:
            shown.append(np.array(image.convert("RGB")))
    return shown


def _looked(upload: Upload, csv_filename: str | None, options: SourceOptions, folder: Path) -> Look:
    try:
        with open_source(upload.path, options.limits) as source:
            plan = plan_source(source, csv_filename, options)
            refusal = _too_few(plan, options)
            shown = tuple(_shown(source, plan, options, folder))
    except ArchiveRefusedError as error:
        return Look(refused=error.message)
    except SourceRefusedError as error:
        return Look(refused=error.message, problems=_listed(error), problems_found=_number(error))
    return _told(plan, shown, refusal)


def _too_few(plan: SourcePlan, options: SourceOptions) -> SourceRefusedError | None:
    told = [(one.image.label, one.image.patient or one.file.name) for one in plan.images]
    published = any(one.image.part for one in plan.images)
    try:
        refuse_too_few(told, plan.classes, options, published=published)
    except SourceRefusedError as error:
        return error
    return None


def _told(plan: SourcePlan, shown: tuple[Sample, ...], refusal: SourceRefusedError | None) -> Look:
    images = Counter(one.image.label for one in plan.images)
    unknown = Counter(one.image.label for one in plan.images if not one.image.patient)
    patients: dict[int, set[str]] = defaultdict(set)
    for one in plan.images:
        if one.image.patient:
            patients[one.image.label].add(one.image.patient)
    parts = Counter(one.image.part for one in plan.images if one.image.part)
    return Look(
        layout=plan.layout,
        table=plan.table,
        found=plan.found,
        classes=tuple(
            ClassFound(name, images[label], len(patients[label]), unknown[label])
            for label, name in enumerate(plan.classes)
        ),
        parts=tuple(parts.items()),
        without_file=tuple(map(str, plan.without_file[:MOST_NAMED])),
        without_files=len(plan.without_file),
        unlabelled=plan.unlabelled[:MOST_NAMED],
        unlabelled_files=len(plan.unlabelled),
        notes=plan.notes,
        samples=shown,
        refused=None if refusal is None else refusal.message,
    )


def _listed(error: SourceRefusedError) -> tuple[dict[str, Any], ...]:
    return tuple(error.details.get("problems", ())[:MOST_NAMED])


def _number(error: SourceRefusedError) -> int:
    return len(error.details.get("problems", ()))


def _shown(
    source: Source, plan: SourcePlan, options: SourceOptions, folder: Path
) -> Iterator[Sample]:
    """Some images of each class that can be read, spread over all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    with XrayReader(options.reading) as reader:
        for label, name in enumerate(plan.classes[:_MOST_CLASSES]):
            of_class = [one for one in plan.images if one.image.label == label]
            step = max(1, len(of_class) // SAMPLES)
            for one in of_class[::step][:SAMPLES]:
                if _kept(reader, source, one, folder / f"{number}.png"):
                    yield Sample(one.file.name, name)
                    number += 1


def _kept(reader: XrayReader, source: Source, one: PlacedImage, path: Path) -> bool:
    if one.file.problem is not None:
        return False
    try:
        with TURNS.turn(before_waiting=reader.close):
            pixels = reader.read(source.read(one.file)).pixels
    except ImageProcessingError:
        return False  # the run's report names it with all others
    image = Image.fromarray(pixels)
    image.thumbnail((SAMPLE_SIDE, SAMPLE_SIDE))
    content = io.BytesIO()
    image.save(content, "PNG")
    write_atomically(path, content.getvalue())
    return True


def _folder(upload: Upload, csv_filename: str | None, options: SourceOptions) -> Path:
    how = json_digest([_VERSION, csv_filename, repr(options)])
    return upload.path.parent / f"look-{how[:12]}"

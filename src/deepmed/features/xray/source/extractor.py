"""From a ZIP or a folder to images that may be trained on (X-1)."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from deepmed.features.xray.errors import Rejection
from deepmed.features.xray.source.checks import refuse_too_few, refuse_unreadable
from deepmed.features.xray.source.data_source import MANIFEST, DataSource
from deepmed.features.xray.source.naming import stored_names
from deepmed.features.xray.source.options import SourceOptions
from deepmed.features.xray.source.patients import Claim, patients_of
from deepmed.features.xray.source.planning import SourcePlan, plan_source
from deepmed.features.xray.source.pseudonyms import Pseudonyms
from deepmed.features.xray.source.report import IntakeReport, flags_of
from deepmed.features.xray.source.taking import Progress, TakenImage, take_images
from deepmed.kit.digests import json_digest
from deepmed.kit.errors import IntegrityError
from deepmed.kit.sources import open_source
from deepmed.learning.imaging.rows import ImageRow

_IMAGES = "images"


class DataSourceExtractor:
    """Takes sources into a folder of ours.

    Only pixels, labels, pseudonyms and the attributes of `attributes.py` are kept: of a DICOM
    header nothing else, which is stricter than the basic profile of PS3.15 Annex E, and neither
    EXIF nor comments of other files. Images keep the names of their files, by which people know
    them, unless these tell whose they are, see `naming.py`.

    Args:
        folder: of the run; it is made.
        pseudonyms: the installation's.
        options: see there.
        progress: told after each image; what it raises ends the work.
    """

    def __init__(
        self,
        folder: Path,
        pseudonyms: Pseudonyms,
        options: SourceOptions | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._folder = folder
        self._pseudonyms = pseudonyms
        self._options = options or SourceOptions()
        self._progress = progress

    def extract_and_validate(self, source: Path, csv_filename: str | None = None) -> DataSource:
        """Read labels and images, refuse what cannot be trained on, and keep the rest.

        Args:
            source: a ZIP or a folder: a table of labels with images, one wrapping folder or more
                around them, or one folder a class. Nothing in it is changed.
            csv_filename: the table's; where it is not there any CSV with the columns is taken,
                else the folders of classes.

        Returns:
            What was taken in; it also lies in the folder as `source.json`. Called again for the
            same source, as after a crash, it answers from there.

        Raises:
            ArchiveRefusedError: the ZIP leads out of itself, links, or is a bomb or too large.
            SourceRefusedError: labels that are missing, wrong or contradict each other, too few
                images or patients, one class alone, or most images unreadable.
            ValidationError: there is nothing at that path.
        """
        with open_source(source, self._options.limits) as opened:
            origin = self._origin(source, [file.name for file in opened.files], csv_filename)
            kept = self._kept(origin)
            if kept is not None:
                return kept
            plan = plan_source(opened, csv_filename, self._options)
            self._check_plan(plan)
            taken, rejected = take_images(
                opened, plan.images, self._folder / _IMAGES, self._options, self._progress
            )
        refuse_unreadable(len(plan.images), rejected, self._options)
        found = replace(self._rows(plan, taken, rejected), origin=origin)
        self._check_rows(found, rejected)
        found.save()
        return found

    def _check_plan(self, plan: SourcePlan) -> None:
        """Before an hour is spent on decoding; headers may still bind patients together."""
        told = [
            (placed.image.label, placed.image.patient or placed.file.name) for placed in plan.images
        ]
        why = f" {len(plan.without_file)} rows have no file." if plan.without_file else ""
        published = any(placed.image.part for placed in plan.images)
        refuse_too_few(told, plan.classes, self._options, published=published, why=why)

    def _check_rows(self, found: DataSource, rejected: Sequence[Rejection]) -> None:
        told = [(row.label, row.patient) for row in found.rows]
        why = f" {len(rejected)} images cannot be read." if rejected else ""
        published = bool(found.published)
        refuse_too_few(told, found.classes, self._options, published=published, why=why)

    def _rows(
        self, plan: SourcePlan, taken: Sequence[TakenImage], rejected: Sequence[Rejection]
    ) -> DataSource:
        claims = [
            Claim(one.placed.file.name, one.placed.image.patient, one.patient_id) for one in taken
        ]
        patients, notes = patients_of(claims, self._pseudonyms)
        names = stored_names((one.placed, one.digest) for one in taken)
        rows = tuple(map(_row, taken, names, patients))
        report = IntakeReport(
            found=plan.found,
            taken=len(rows),
            rejected=tuple(rejected),
            without_file=plan.without_file,
            unlabelled=plan.unlabelled,
            flagged=flags_of((one.placed.file.name, one.notes) for one in taken),
            notes=(*plan.notes, *notes),
        )
        published = {
            name: one.placed.image.part
            for name, one in zip(names, taken, strict=True)
            if one.placed.image.part
        }
        files = {
            name: one.placed.file.name
            for name, one in zip(names, taken, strict=True)
            if name != one.placed.file.name
        }
        return DataSource(
            self._folder, plan.classes, rows, published, report, plan.layout, files=files
        )

    def _origin(self, source: Path, names: Sequence[str], csv_filename: str | None) -> str:
        files = [source] if source.is_file() else [source / name for name in names]
        seen = [_seen(path) for path in files]
        how = repr(replace(self._options, workers=1))
        return json_digest([source.name, names, seen, csv_filename, how])

    def _kept(self, origin: str) -> DataSource | None:
        if not (self._folder / MANIFEST).exists():
            return None
        try:
            kept = DataSource.load(self._folder)
        except IntegrityError:
            return None  # it is taken in again
        return kept if kept.origin == origin else None


def _seen(path: Path) -> list[int]:
    """What changes when a file does."""
    try:
        facts = path.lstat()
    except OSError:  # a name that cannot be written as text; it is a problem of its own
        return []
    return [facts.st_size, facts.st_mtime_ns]


def _row(taken: TakenImage, name: str, patient: str) -> ImageRow:
    return ImageRow(
        image_id=name,
        path=taken.path,
        patient=patient,
        label=taken.placed.image.label,
        digest=taken.digest,
        attributes={**taken.attributes, **taken.placed.image.attributes},
    )

"""What a source is made of, decided before any image is decoded: its layout, labels and files."""

from collections.abc import Sequence
from dataclasses import dataclass

from deepmed.features.xray.errors import Rejection, SourceRefusedError
from deepmed.features.xray.source.class_folders import read_class_folders
from deepmed.features.xray.source.dicom_image import looks_like_dicom
from deepmed.features.xray.source.label_rows import LabelTable, MissingColumnError, read_labels
from deepmed.features.xray.source.labels import merge_rows
from deepmed.features.xray.source.options import SourceOptions
from deepmed.features.xray.source.placing import PlacedImage, place_images
from deepmed.kit.errors import ImageProcessingError
from deepmed.kit.picture_formats import FORMATS
from deepmed.kit.sources import Source, SourceFile

_DICOM_ENDINGS = (".dcm", ".dicom", ".dic", ".ima")
_IMAGE_ENDINGS = (*_DICOM_ENDINGS, *(ending for kind in FORMATS for ending in kind.endings))
_TABLE_ENDINGS = (".csv", ".tsv")
_NO_IMAGES = {"DICOMDIR", "LICENSE", "README", "VERSION"}


@dataclass(frozen=True)
class SourcePlan:
    """`layout` is `table` or `folders`; `found` counts files that are images or claim to be."""

    layout: str
    classes: tuple[str, ...]
    images: tuple[PlacedImage, ...]
    found: int
    without_file: tuple[Rejection, ...] = ()
    unlabelled: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    table: str | None = None


def plan_source(source: Source, csv_filename: str | None, options: SourceOptions) -> SourcePlan:
    """Labels and files of a source: the named table, else any table with the columns, else folders.

    Raises:
        SourceRefusedError: no images, no labels, a table that cannot be used, several that could.
    """
    if len(source.files) > options.limits.max_entries:
        raise SourceRefusedError(
            f"No training was started: {source.name} has {len(source.files)} files; at most "
            f"{options.limits.max_entries} are allowed."
        )
    images = [file for file in source.files if _claims_image(file)]
    if not images:
        raise SourceRefusedError(f"No training was started: there are no images in {source.name}.")
    named = _named_table(source, csv_filename)
    if named is not None:
        return _by_table(named, _read(source, named, options), images, options)
    found, problem = _usable_table(source, options)
    if found is not None:
        return _by_table(*found, images, options)
    plan = _by_folders(source, images, options)
    if plan is not None:
        return plan
    raise problem or SourceRefusedError(
        f"No training was started: {source.name} has no table of labels, and its images do not lie "
        "in two or more folders of classes. Add a CSV with the columns "
        f"{options.columns.patient!r} and {options.columns.target!r}, or put the images of each "
        "class into a folder of its own."
    )


def _claims_image(file: SourceFile) -> bool:
    base = file.name.rpartition("/")[2]
    if file.is_picture or (looks_like_dicom(file.head) and base != "DICOMDIR"):
        return True
    return base.lower().endswith(_IMAGE_ENDINGS) or ("." not in base and base not in _NO_IMAGES)


def _named_table(source: Source, name: str | None) -> SourceFile | None:
    """The table of that name that lies least deep; its path may be given instead."""
    if not name:
        return None
    wanted = name.replace("\\", "/").removeprefix("./")
    fits = [
        file
        for file in source.files
        if file.name == wanted or file.name.rpartition("/")[2] == wanted
    ]
    fits.sort(key=lambda file: file.name.count("/"))
    if not fits:
        return None
    if len(fits) > 1 and fits[0].name.count("/") == fits[1].name.count("/"):
        raise _several([file.name for file in fits])
    return fits[0]


def _usable_table(
    source: Source, options: SourceOptions
) -> tuple[tuple[SourceFile, LabelTable] | None, MissingColumnError | None]:
    """The one table that has the columns, or why the first one is none."""
    usable: list[tuple[SourceFile, LabelTable]] = []
    problem = None
    for file in source.files:
        if file.problem is None and file.name.lower().endswith(_TABLE_ENDINGS):
            try:
                usable.append((file, _read(source, file, options)))
            except MissingColumnError as error:
                problem = problem or error
    if len(usable) > 1:
        raise _several([file.name for file, _ in usable])
    return (usable[0] if usable else None), problem


def _several(names: Sequence[str]) -> SourceRefusedError:
    return SourceRefusedError(
        f"No training was started: several tables may hold the labels ({', '.join(names[:5])}). "
        "Name the one that is meant."
    )


def _read(source: Source, file: SourceFile, options: SourceOptions) -> LabelTable:
    if file.problem is not None:
        raise _unreadable(file, file.problem)
    try:
        data = source.read(file)
    except ImageProcessingError as error:
        raise _unreadable(file, error.message) from error
    return read_labels(data, file.name, options.columns)


def _unreadable(file: SourceFile, reason: str) -> SourceRefusedError:
    return SourceRefusedError(
        f"No training was started: the table {file.name} cannot be read: {reason}"
    )


def _by_table(
    file: SourceFile, table: LabelTable, images: Sequence[SourceFile], options: SourceOptions
) -> SourcePlan:
    placing = place_images(merge_rows(table), images)
    notes = [f"counted as the finding: {options.class_names[1]}, the label 1 of {file.name}"]
    if not table.encoding.startswith("utf-8"):
        notes.append(f"{file.name} was read as {table.encoding}")
    return SourcePlan(
        "table",
        options.class_names,
        tuple(placing.images),
        len(images),
        tuple(placing.without_file),
        tuple(placing.unlabelled),
        tuple(notes),
        file.name,
    )


def _by_folders(
    source: Source, images: Sequence[SourceFile], options: SourceOptions
) -> SourcePlan | None:
    folders = read_class_folders(images, options.patient_pattern, options.positive_class)
    if folders is None:
        return None
    tables = [file.name for file in source.files if file.name.lower().endswith(_TABLE_ENDINGS)]
    notes = [*folders.notes, *(f"{name} has no labels and was not used" for name in tables)]
    return SourcePlan(
        "folders",
        folders.classes,
        folders.images,
        len(images),
        unlabelled=folders.unplaced,
        notes=tuple(notes),
    )

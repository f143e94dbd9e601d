"""One row an image: what a split is made of, and what a data set reads."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class ImageRow:
    """One image of a data set, its class and whose it is.

    Attributes:
        image_id: The image's name in its data set, unique there.
        path: The file that is read.
        patient: Whose image it is; splits are made by it.
        label: Index of the class, from 0 (of two classes: 1 is the finding).
        digest: SHA-256 of the file's bytes in hex, as `file_digest` gives it. A file that has
            another one when it is decoded is refused, and decoded pixels are kept under it.
        attributes: What else is known, for example sex, age group or view, for subgroups.

    Example:
        >>> row = ImageRow("a", Path("a.png"), "patient-1", 1, "0" * 64, {"sex": "F"})
        >>> row.label, row.attributes["sex"]
        (1, 'F')
    """

    image_id: str
    path: Path
    patient: str
    label: int
    digest: str
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)


def file_digest(path: Path) -> str:
    """SHA-256 in hex of a file's bytes.

    Raises:
        OSError: The file cannot be read.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "a").write_bytes(b"abc")
        ...     file_digest(Path(folder) / "a")[:8]
        'ba7816bf'
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def class_counts(rows: Iterable[ImageRow], classes: int) -> tuple[int, ...]:
    """How many rows each class has, in the order of the classes; for weights of a loss.

    Args:
        rows: Of the training part alone: the others must not weigh anything.
        classes: How many classes there are, 2 for a yes or no.

    Raises:
        ValueError: A label lies outside the classes.

    Example:
        >>> rows = [ImageRow(str(n), Path("a"), str(n), n % 3, "") for n in range(7)]
        >>> class_counts(rows, 4)
        (3, 2, 2, 0)
    """
    counts = [0] * classes
    for row in rows:
        if not 0 <= row.label < classes:
            raise ValueError(f"{row.image_id} has class {row.label}; there are {classes} classes.")
        counts[row.label] += 1
    return tuple(counts)

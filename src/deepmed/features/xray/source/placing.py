"""Which file is which image of the table. Names are looked up among the files, never opened."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from deepmed.features.xray.errors import Rejection, SourceRefusedError
from deepmed.features.xray.source.labels import LabelledImage
from deepmed.kit.sources import SourceFile

_MOST_NAMED = 3


@dataclass(frozen=True)
class PlacedImage:
    """A file to be read and what is known of it."""

    file: SourceFile
    image: LabelledImage


@dataclass
class Placing:
    images: list[PlacedImage] = field(default_factory=list)
    without_file: list[Rejection] = field(default_factory=list)
    unlabelled: list[str] = field(default_factory=list)


def place_images(images: Sequence[LabelledImage], files: Sequence[SourceFile]) -> Placing:
    """Give each image of a table its file: by path, by file name, or by name without ending.

    An image that is called like its patient may also be a folder of that name: all files in it are
    that patient's.

    Raises:
        SourceRefusedError: a name fits several files, or two images have the same file.
    """
    index = _Index(files)
    placing = Placing()
    problems: list[Rejection] = []
    taken: dict[str, LabelledImage] = {}
    for image in images:
        found = index.find(image)
        row = image.rows[0] if image.rows else None
        if not found:
            placing.without_file.append(Rejection(image.name, "there is no such file", row))
        elif len(found) > 1 and found != index.folder(image):
            problems.append(Rejection(image.name, _several(found), row))
        else:
            problems += _add(placing, taken, image, found)
    if problems:
        raise SourceRefusedError.of(
            problems, "Add a column with each image's file name, or remove the other files."
        )
    placing.unlabelled = [file.name for file in files if file.name not in taken]
    return placing


def _add(
    placing: Placing,
    taken: dict[str, LabelledImage],
    image: LabelledImage,
    found: Sequence[SourceFile],
) -> list[Rejection]:
    problems = []
    for file in found:
        other = taken.setdefault(file.name, image)
        if other is image:
            placing.images.append(PlacedImage(file, image))
        else:
            row = image.rows[0] if image.rows else None
            reason = f"its file {file.name} is also that of {other.name}"
            problems.append(Rejection(image.name, reason, row))
    return problems


def _several(found: Sequence[SourceFile]) -> str:
    named = ", ".join(file.name for file in found[:_MOST_NAMED])
    return f"the name fits {len(found)} files: {named}"


class _Index:
    """Files by all that a table may call them; what is written exactly so comes first."""

    def __init__(self, files: Sequence[SourceFile]) -> None:
        self._exact = [_by(key, files) for key in (_whole, _base, stem_of)]
        self._folded = [_by(key, files, str.lower) for key in (_whole, _base, stem_of)]
        self._folders = _by(_folder, files)

    def find(self, image: LabelledImage) -> list[SourceFile]:
        name = image.name.removeprefix("./")
        ways = [*((by, name) for by in self._exact), *((by, name.lower()) for by in self._folded)]
        found = next((by[wanted] for by, wanted in ways if wanted in by), [])
        return found or self._ending(name) or (self.folder(image))

    def folder(self, image: LabelledImage) -> list[SourceFile]:
        return self._folders.get(image.name, []) if image.by_patient else []

    def _ending(self, name: str) -> list[SourceFile]:
        """Files whose path ends as a path in the table: the table may lie below the root."""
        if "/" not in name:
            return []
        candidates = self._exact[1].get(name.rpartition("/")[2], [])
        return [file for file in candidates if file.name.endswith("/" + name)]


def _by(
    key: Callable[[str], str],
    files: Iterable[SourceFile],
    fold: Callable[[str], str] = str,
) -> dict[str, list[SourceFile]]:
    found: dict[str, list[SourceFile]] = defaultdict(list)
    for file in files:
        found[fold(key(file.name))].append(file)
    return found


def _whole(name: str) -> str:
    return name


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def stem_of(name: str) -> str:
    """Without its ending; `a.nii.gz` and names with points in the id lose the last alone."""
    base = _base(name)
    return base.rpartition(".")[0] or base


def _folder(name: str) -> str:
    return name.rpartition("/")[0].rpartition("/")[2]

"""Where a training's drawings lie: below the operator's folder, or at a path of the command line.

A request names folders and files; what it names is looked up inside the operator's folder and
nowhere else (S-16).
"""

from dataclasses import dataclass
from pathlib import Path

from deepmed.features.drawings.training.errors import DatasetRefusedError
from deepmed.kit.errors import PathRefusedError
from deepmed.kit.settings import Settings
from deepmed.kit.storage import check_key

_HOW = (
    "Nothing was trained. Requests may train on the folders inside the one that the operator names "
    "in DEEPMED_DATASETS_DIR. Or upload the drawings with POST /api/v1/drawings/batch/upload and "
    "train on them with POST /api/v1/models/train."
)


@dataclass(frozen=True)
class Dataset:
    """A folder of drawings with its table; both as they were asked for, for people and the log."""

    name: str
    metadata_name: str
    by_path: bool = False

    def find(self, settings: Settings) -> "DatasetPlace":
        """Where it is now.

        Raises:
            DatasetRefusedError: the operator named no folder, or this one is not there.
            PathRefusedError: the name is no plain one, or leads out of the operator's folder.
        """
        if self.by_path:
            folder = Path(self.name)
            return DatasetPlace(_folder(folder, self.name), _table(folder, self, folder.parent))
        root = _root(settings)
        folder = _inside(root, self.name)
        return DatasetPlace(_folder(folder, self.name), _table(folder, self, root))


@dataclass(frozen=True)
class DatasetPlace:
    folder: Path
    metadata: Path


def _root(settings: Settings) -> Path:
    if settings.datasets_dir is None:
        raise DatasetRefusedError(f"This installation has no folder of datasets. {_HOW}")
    root = settings.datasets_dir.expanduser()
    if not root.is_dir():
        raise DatasetRefusedError(f"The operator's folder of datasets is not there. {_HOW}")
    return root.resolve()


def _inside(root: Path, name: str) -> Path:
    """The path of a plain name below the root; links may not lead out of it."""
    check_key(name)
    found = (root / name).resolve()
    if not found.is_relative_to(root):
        raise PathRefusedError(f"{name!r} leads out of the folder of datasets through a link.")
    return found


def _folder(path: Path, name: str) -> Path:
    if not path.is_dir():
        raise DatasetRefusedError(f"There is no folder {name!r} with drawings. {_HOW}")
    return path


def _table(folder: Path, dataset: Dataset, root: Path) -> Path:
    """The metadata file: in the folder itself, or beside it below the same root."""
    name = dataset.metadata_name
    if dataset.by_path:
        candidates = [folder / name, Path(name)]
    else:
        candidates = [_inside(root, f"{dataset.name}/{name}"), _inside(root, name)]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        raise DatasetRefusedError(
            f"There is no metadata file {name!r} in {dataset.name!r}. Nothing was trained. It is a "
            "CSV or JSON that names each picture's file and the child's age in years."
        )
    return found

"""From a folder with a table to drawings that may train, split so that no child is in two parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deepmed.features.drawings.importing.plan import ImportPlan, Rejection, plan_import
from deepmed.features.drawings.importing.sources import Source, open_source
from deepmed.features.drawings.metadata import DrawingMetadata
from deepmed.features.drawings.metadata_files import MetadataFormat
from deepmed.kit import seeds
from deepmed.kit.errors import ImageProcessingError, ValidationError
from deepmed.kit.pictures import PictureLimits, read_picture
from deepmed.kit.settings import Settings, current

MINIMUM_DRAWINGS = 10
RECOMMENDED_DRAWINGS = 50

__all__ = [
    "DatasetPreparationService",
    "DatasetSplit",
    "FolderDataset",
    "MetadataFormat",
    "SplitConfig",
]


@dataclass(frozen=True)
class FolderDataset:
    """Readable pictures with their metadata, in the same order, and what was left out."""

    files: list[Path]
    metadata: list[DrawingMetadata]
    rejected: list[Rejection] = field(default_factory=list)
    unknown_files: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SplitConfig:
    """Shares of the drawings; they are met as nearly as whole children allow.

    Raises:
        ValidationError: a share out of its range, or shares that do not add up to 1.
    """

    train_split: float = 0.7
    validation_split: float = 0.2
    test_split: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        shares = self.shares
        if any(not 0 <= share <= 1 for share in shares.values()) or self.train_split == 0:
            raise ValidationError("The shares of a split lie between 0 and 1, and some must train.")
        if abs(sum(shares.values()) - 1) > 0.01:
            raise ValidationError(f"The shares of a split add up to 1, not {sum(shares.values())}.")

    @property
    def shares(self) -> dict[str, float]:
        return {
            "train": self.train_split,
            "validation": self.validation_split,
            "test": self.test_split,
        }


@dataclass(frozen=True)
class DatasetSplit:
    train_files: list[Path]
    train_metadata: list[DrawingMetadata]
    validation_files: list[Path]
    validation_metadata: list[DrawingMetadata]
    test_files: list[Path]
    test_metadata: list[DrawingMetadata]

    @property
    def train_count(self) -> int:
        return len(self.train_files)

    @property
    def validation_count(self) -> int:
        return len(self.validation_files)

    @property
    def test_count(self) -> int:
        return len(self.test_files)

    @property
    def total_count(self) -> int:
        return self.train_count + self.validation_count + self.test_count


class DatasetPreparationService:
    """Looks at folders on disk; nothing is stored (for that see `DrawingImporter`)."""

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or current()

    def load_dataset_from_folder(
        self,
        dataset_folder: Path,
        metadata_file: Path | str | None = None,
        name_pattern: str | None = None,
    ) -> FolderDataset:
        """Read each picture of a folder and give it its metadata.

        The table is a CSV or JSON; a row belongs to the file of its full name, else to the one
        of its name without ending.

        Raises:
            BatchRefusedError: a picture without an age, or with metadata that cannot be used.
            ValidationError: no folder, no picture, or a table that cannot be used.
        """
        if not dataset_folder.is_dir():
            raise ValidationError(f"There is no folder {dataset_folder}.")
        with open_source(dataset_folder, self._settings) as source:
            plan = plan_import(source, name_pattern=name_pattern, metadata=metadata_file)
            return self._readable(dataset_folder, source, plan)

    def create_dataset_splits(
        self,
        files: Sequence[Path],
        metadata: Sequence[DrawingMetadata],
        split_config: SplitConfig | None = None,
    ) -> DatasetSplit:
        """Split by child: all drawings of one go to the same part.

        Drawings without a child id count as separate children. The same seed gives the same
        split, whatever the order of the files.
        """
        config = split_config or SplitConfig()
        groups = _by_child(files, metadata)
        order = seeds.generator(config.seed, "dataset-split").permutation(sorted(groups))
        parts: dict[str, list[int]] = {name: [] for name in config.shares}
        for child in order:
            # To the part that is furthest behind its share.
            behind = {
                name: share * len(files) - len(parts[name]) for name, share in config.shares.items()
            }
            parts[max(behind, key=lambda name: behind[name])] += groups[str(child)]
        chosen = {
            f"{name}_{kind}": [values[index] for index in sorted(indexes)]
            for name, indexes in parts.items()
            for kind, values in (("files", files), ("metadata", metadata))
        }
        return DatasetSplit(**chosen)  # type: ignore[arg-type] # the names say which list is which

    def prepare_dataset(
        self,
        dataset_folder: Path,
        metadata_file: Path | str | None = None,
        split_config: SplitConfig | None = None,
    ) -> DatasetSplit:
        """Load and split."""
        dataset = self.load_dataset_from_folder(dataset_folder, metadata_file)
        return self.create_dataset_splits(dataset.files, dataset.metadata, split_config)

    def validate_dataset_for_training(self, dataset_split: DatasetSplit) -> dict[str, Any]:
        """`is_valid`, `errors`, `warnings` and `statistics` of a split."""
        errors = _leaks(dataset_split)
        warnings = []
        count = dataset_split.train_count
        if count < MINIMUM_DRAWINGS:
            errors.append(f"{count} drawings to train on; at least {MINIMUM_DRAWINGS} are needed")
        elif count < RECOMMENDED_DRAWINGS:
            warnings.append(f"{count} drawings to train on; {RECOMMENDED_DRAWINGS} are recommended")
        metadata = _all_metadata(dataset_split)
        unknown = sum(each.child_id is None for each in metadata)
        if unknown:
            warnings.append(f"{unknown} drawings without a child id count as separate children")
        return {
            "is_valid": not errors,
            "errors": errors,
            "warnings": warnings,
            "statistics": _statistics(dataset_split, metadata),
        }

    def _readable(self, folder: Path, source: Source, plan: ImportPlan) -> FolderDataset:
        dataset = FolderDataset([], [], list(plan.rejected), plan.unknown_files, plan.notes)
        for planned in plan.drawings:
            try:
                read_picture(source.read(planned.file), PictureLimits.of(self._settings))
            except ImageProcessingError as error:
                dataset.rejected.append(Rejection(planned.file.name, error.message, planned.row))
                continue
            if planned.metadata is not None:
                dataset.files.append(folder / planned.file.name)
                dataset.metadata.append(planned.metadata)
        return dataset


def _by_child(
    files: Sequence[Path], metadata: Sequence[DrawingMetadata]
) -> Mapping[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for index, (file, each) in enumerate(zip(files, metadata, strict=True)):
        child = f"file {file.as_posix()}" if each.child_id is None else f"child {each.child_id}"
        groups.setdefault(child, []).append(index)
    return groups


def _all_metadata(split: DatasetSplit) -> list[DrawingMetadata]:
    return [*split.train_metadata, *split.validation_metadata, *split.test_metadata]


def _leaks(split: DatasetSplit) -> list[str]:
    parts = {
        "train": split.train_metadata,
        "validation": split.validation_metadata,
        "test": split.test_metadata,
    }
    seen: dict[str, str] = {}
    leaks = []
    for part, metadata in parts.items():
        for child in sorted({each.child_id for each in metadata if each.child_id is not None}):
            if child in seen:
                leaks.append(f"child {child} is in {seen[child]} and in {part}")
            seen.setdefault(child, part)
    return leaks


def _statistics(split: DatasetSplit, metadata: Sequence[DrawingMetadata]) -> dict[str, Any]:
    ages = [each.age_years for each in metadata]
    children = {each.child_id for each in metadata if each.child_id is not None}
    return {
        "train_count": split.train_count,
        "validation_count": split.validation_count,
        "test_count": split.test_count,
        "total_count": split.total_count,
        "children": len(children) + sum(each.child_id is None for each in metadata),
        "age_min": min(ages, default=None),
        "age_max": max(ages, default=None),
    }

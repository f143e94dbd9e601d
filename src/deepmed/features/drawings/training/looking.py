"""A folder of drawings before anything of it is decoded: ages, labels, and who goes where."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deepmed.features.drawings.dataset_preparation import (
    MINIMUM_DRAWINGS,
    DatasetPreparationService,
    DatasetSplit,
    SplitConfig,
)
from deepmed.features.drawings.importing.plan import ImportPlan, PlannedDrawing, plan_import
from deepmed.features.drawings.importing.sources import Source, open_source
from deepmed.features.drawings.metadata import DrawingMetadata, ExpertLabel
from deepmed.features.drawings.training.config.models import DataConfig
from deepmed.features.drawings.training.datasets import DatasetPlace
from deepmed.features.drawings.training.errors import DatasetRefusedError
from deepmed.kit.errors import ValidationError
from deepmed.kit.settings import Settings


def check_dataset(place: DatasetPlace, settings: Settings, config: DataConfig, seed: int) -> int:
    """Look at a folder without decoding a picture; returns how many drawings it has.

    Raises:
        DatasetRefusedError: ages are missing, or too few drawings for the parts.
    """
    with opened(place, settings) as (_, plan):
        planned = [one for one in plan.drawings if one.metadata is not None]
        typical = [one for one in planned if is_typical(one.metadata)]
        split_of(
            [Path(one.file.name) for one in typical],
            [known_of(one) for one in typical],
            config,
            seed,
        )
        return len(planned)


@contextmanager
def opened(place: DatasetPlace, settings: Settings) -> Iterator[tuple[Source, ImportPlan]]:
    """The folder and what is known of each picture in it.

    Raises:
        DatasetRefusedError: the folder or its table cannot be used.
    """
    try:
        with open_source(place.folder, settings) as source:
            plan = plan_import(source, metadata=place.metadata)
            yield source, plan
    except DatasetRefusedError:
        raise
    except ValidationError as error:
        told = error.message.replace("nothing was stored", "nothing was trained")
        raise DatasetRefusedError(told, **error.details) from error


def split_of(
    files: Sequence[Path], metadata: Sequence[DrawingMetadata], config: DataConfig, seed: int
) -> DatasetSplit:
    """Split by child.

    Raises:
        DatasetRefusedError: a part would be too small, or a child would be in two.
    """
    service = DatasetPreparationService()
    shares = SplitConfig(config.train_split, config.validation_split, config.test_split, seed)
    split = service.create_dataset_splits(files, metadata, shares)
    errors = service.validate_dataset_for_training(split)["errors"]
    empty = [
        name
        for name, count in (("validation", split.validation_count), ("test", split.test_count))
        if not count
    ]
    errors += [f"no drawing for {name}" for name in empty]
    if errors:
        raise DatasetRefusedError(
            f"These drawings cannot be trained on: {'; '.join(errors)}. Nothing was trained. At "
            f"least {MINIMUM_DRAWINGS} drawings must train, others watch and test, and a child's "
            "drawings stay together."
        )
    return split


def is_typical(metadata: DrawingMetadata | None) -> bool:
    return metadata is None or metadata.expert_label in {None, ExpertLabel.NORMAL}


def known_of(planned: PlannedDrawing) -> DrawingMetadata:
    if planned.metadata is None:
        raise DatasetRefusedError(f"{planned.file.name} has no metadata. Nothing was trained.")
    return planned.metadata

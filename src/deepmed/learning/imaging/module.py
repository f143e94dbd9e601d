"""The data of a run as Lightning takes it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from monai.transforms import Compose
from torch.utils.data import DataLoader

from deepmed.kit.digests import json_digest
from deepmed.kit.seeds import derive
from deepmed.learning.imaging.dataset import CustomImageDataset, Progress, Sample
from deepmed.learning.imaging.errors import ImagingError
from deepmed.learning.imaging.pixel_cache import PixelCache
from deepmed.learning.imaging.pixel_store import MemoryBudget, PixelStore, Read
from deepmed.learning.imaging.preprocessing import Preprocessing
from deepmed.learning.imaging.rejections import Minimum, RejectionReport
from deepmed.learning.imaging.rows import ImageRow, class_counts
from deepmed.learning.imaging.sampling import EpochSampler
from deepmed.learning.imaging.settings import DataSettings
from deepmed.learning.imaging.transforms import TransformBuilder

Loader = DataLoader[Sample]


@dataclass(frozen=True)
class _Parts:
    training: CustomImageDataset
    validation: CustomImageDataset
    test: CustomImageDataset | None

    @property
    def all(self) -> tuple[CustomImageDataset, ...]:
        several = (self.training, self.validation)
        return several if self.test is None else (*several, self.test)


class XRayDataModule(LightningDataModule):  # type: ignore[misc] # Lightning's types are not read
    """Training, validation and test images, decoded once and loaded in an order that repeats.

    Batches are images float32 (B, C, H, W), labels int64 (B,) and int64 (B,), the places of the
    images among the rows of their part. The order of an epoch and what augmentation does to each
    image follow from seed and epoch alone; how many processes load changes neither.

    With several processes that train, each takes its share of the order, of validation as well; a
    trainer with `use_distributed_sampler=True` changes nothing about it. For scores that are kept
    there is `scoring_dataloader`, which leaves nothing to others.

    Args:
        train: Rows of the training part.
        validation: Of the validation part.
        test: Of the test part. Its files are looked through like the others, so that a run does
            not end before a broken file; a loader for it exists when it is asked for.
        preprocessing: Of validation, test and use; training varies the image before its end.
        settings: How to load.
        read: From a file to uint8 (height, width, 3), red, green, blue.
        progress: Told how far the first look at all files is, over all parts.

    Example:
        >>> import numpy as np
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from deepmed.learning.imaging import file_digest
        >>> def read(path):
        ...     return np.full((8, 8, 3), path.read_bytes()[0], np.uint8)
        >>> with TemporaryDirectory() as folder:
        ...     rows = []
        ...     for number in range(8):
        ...         file = Path(folder) / f"{number}"
        ...         _ = file.write_bytes(bytes([number]))
        ...         rows.append(ImageRow(f"{number}", file, "p", number % 2, file_digest(file)))
        ...     settings = DataSettings(batch_size=4)
        ...     parts = rows[:6], rows[6:], None
        ...     data = XRayDataModule(*parts, Preprocessing((8, 8)), settings, read)
        ...     data.setup()
        ...     images, labels, places = next(iter(data.train_dataloader()))
        >>> images.shape, data.class_counts
        (torch.Size([4, 3, 8, 8]), (3, 3))
    """

    def __init__(  # noqa: PLR0917 - the parts and how to read them, in the order of a sentence
        self,
        train: Sequence[ImageRow],
        validation: Sequence[ImageRow],
        test: Sequence[ImageRow] | None,
        preprocessing: Preprocessing,
        settings: DataSettings,
        read: Read,
        *,
        progress: Progress | None = None,
    ) -> None:
        super().__init__()
        self.preprocessing = preprocessing
        self.settings = settings
        self.transform_builder = TransformBuilder(
            preprocessing,
            augmentation_strength=settings.augmentation_strength,
            may_flip=settings.may_flip,
            variation=settings.variation,
        )
        self._rows = (tuple(train), tuple(validation), None if test is None else tuple(test))
        self._read = read
        self._progress = progress
        self._made: _Parts | None = None

    def prepare_data(self) -> None:
        """Look through all images and fill the cache.

        Raises:
            InsufficientDataError: Too much of a part cannot be read, or its classes are too few.
        """
        _ = self._parts

    def setup(self, stage: str | None = None) -> None:  # noqa: ARG002 - Lightning calls it so
        """The same where `prepare_data` ran in another process; else nothing is left to do."""
        _ = self._parts

    @property
    def train_dataset(self) -> CustomImageDataset:
        """The training part."""
        return self._parts.training

    @property
    def val_dataset(self) -> CustomImageDataset:
        """The validation part."""
        return self._parts.validation

    @property
    def test_dataset(self) -> CustomImageDataset:
        """The test part.

        Raises:
            ImagingError: There is none.
        """
        if self._parts.test is None:
            raise ImagingError("This run has no test part; split the data set with one.")
        return self._parts.test

    @property
    def class_counts(self) -> tuple[int, ...]:
        """Readable training images of each class, for weights of a loss; at least two classes."""
        labels = [row.label for rows in self._rows for row in rows or ()]
        training = self.train_dataset
        readable = (training.rows[index] for index in training.valid_indices)
        return class_counts(readable, max(2, max(labels) + 1))

    @property
    def rejection_reports(self) -> tuple[RejectionReport, ...]:
        """What cannot be read, of each part."""
        return tuple(part.rejections for part in self._parts.all)

    def train_dataloader(self) -> Loader:
        """Batches of the training part, in an order of the current epoch."""
        return self._loader(self.train_dataset, shuffle=True)

    def val_dataloader(self) -> Loader:
        """Batches of the validation part, in the order of its rows."""
        return self._loader(self.val_dataset, shuffle=False)

    def test_dataloader(self) -> Loader:
        """Batches of all of the test part, in the order of its rows."""
        return self.scoring_dataloader(self.test_dataset)

    def scoring_dataloader(self, part: CustomImageDataset) -> Loader:
        """Batches of all readable images of a part, in order, also after several processes trained.

        Args:
            part: One of this module's.
        """
        return self._loader(part, shuffle=False, shared=False)

    def state_dict(self) -> dict[str, str]:
        """What a checkpoint keeps, so that a run is not resumed on other images."""
        return {"images": self._images_digest}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Make sure that a checkpoint's run saw these images in this order.

        Raises:
            ImagingError: It saw others.
        """
        if state_dict.get("images") != self._images_digest:
            raise ImagingError(
                "The checkpoint is of a run with other images, another seed, preprocessing or "
                "batch size, or with images that could be read then. Nothing was changed; restore "
                "them, or start a new run."
            )

    @property
    def _images_digest(self) -> str:
        parts = [
            [(part.rows[index].digest, part.rows[index].label) for index in part.valid_indices]
            for part in (self.train_dataset, self.val_dataset)
        ]
        drawn = (
            self.settings.seed,
            self.settings.batch_size,
            self.settings.augmentation_strength,
            self.settings.may_flip,
            asdict(self.settings.variation),
        )
        return json_digest([parts, drawn, self.preprocessing.to_json()])

    @property
    def _parts(self) -> _Parts:
        if self._made is None:
            self._made = self._make()
        return self._made

    def _make(self) -> _Parts:
        training, validation, test = self._rows
        rows = [*training, *validation, *(test or ())]
        store = PixelStore(
            self.preprocessing,
            self._read,
            self._cache(rows),
            MemoryBudget(self.settings.memory_limit_bytes),
        )
        told = _Told(self._progress, len(rows))
        varied = self.transform_builder.build_train_transforms()
        exact = self.transform_builder.build_val_transforms()
        least, other = self.settings.training_minimum, self.settings.other_minimum
        part = partial(self._part, store=store, told=told)
        return _Parts(
            part("training", training, transform=varied, minimum=least),
            part("validation", validation, transform=exact, minimum=other),
            None if test is None else part("test", test, transform=exact, minimum=other),
        )

    def _part(
        self,
        name: str,
        rows: Sequence[ImageRow],
        *,
        store: PixelStore,
        transform: Compose,
        minimum: Minimum,
        told: "_Told",
    ) -> CustomImageDataset:
        return CustomImageDataset(
            rows,
            store,
            transform,
            part=name,
            seed=self.settings.seed,
            minimum=minimum,
            workers=self.settings.workers,
            progress=told.after(len(rows)),
        )

    def _cache(self, rows: Sequence[ImageRow]) -> PixelCache | None:
        folder = self.settings.cache_folder
        if folder is None:
            return None
        key = json_digest([self.preprocessing.pixels_key, self.settings.reader])
        limit = self.settings.cache_limit_bytes
        cache = PixelCache(folder, key, self.preprocessing.size, limit)
        cache.make_room({row.digest for row in rows}, self.preprocessing.channels)
        return cache

    def _loader(self, data: CustomImageDataset, *, shuffle: bool, shared: bool = True) -> Loader:
        settings = self.settings
        replicas, rank = self._share() if shared else (1, 0)
        sampler = EpochSampler(
            data, seed=settings.seed, shuffle=shuffle, replicas=replicas, rank=rank
        )
        return DataLoader(
            data,
            batch_size=settings.batch_size,
            sampler=sampler,
            # Batch normalisation has nothing to normalise by in a batch of one.
            drop_last=shuffle and len(sampler) % settings.batch_size == 1 < len(sampler),
            num_workers=settings.workers,
            worker_init_fn=_Seeded(settings.seed),
            # Without it the loader draws from the global one, and the network's dropout changes.
            generator=torch.Generator().manual_seed(derive(settings.seed, "loader") % 2**63),
            pin_memory=settings.pin_memory and torch.cuda.is_available(),
            persistent_workers=settings.persistent_workers and settings.workers > 0,
            prefetch_factor=settings.prefetch_factor if settings.workers else None,
        )

    def _share(self) -> tuple[int, int]:
        trainer = self.trainer
        return (1, 0) if trainer is None else (trainer.world_size, trainer.global_rank)


class _Told:
    """Adds the progress of one part after another up."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._before = 0

    def after(self, count: int) -> Progress | None:
        progress, before = self._progress, self._before
        self._before += count
        if progress is None:
            return None
        return lambda done, _: progress(before + done, self._total)


class _Seeded:
    """Seeds a loading process, for readers that draw; our own transforms are seeded an image."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(self, worker: int) -> None:
        torch.set_num_threads(1)  # as many processes as cores, each with one thread
        torch.manual_seed(derive(self._seed, "worker", worker))
        np.random.seed(derive(self._seed, "worker", worker) % 2**32)  # noqa: NPY002 - what MONAI and old readers draw from

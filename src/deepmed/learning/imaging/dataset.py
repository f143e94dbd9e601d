"""The images of one part of a split, of which some may turn out to be unreadable."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from monai.transforms import Compose
from torch.utils.data import DataLoader, Dataset

from deepmed.kit.seeds import derive
from deepmed.learning.imaging.errors import UnreadableImageError
from deepmed.learning.imaging.pixel_store import PixelStore, RejectedImageError
from deepmed.learning.imaging.preprocessing import Pixels
from deepmed.learning.imaging.rejections import Minimum, Reason, Rejection, RejectionReport
from deepmed.learning.imaging.rows import ImageRow
from deepmed.learning.imaging.sampling import Draw
from deepmed.learning.imaging.transforms import reseed

Progress = Callable[[int, int], None]
"""Called with images done and images in all; what it raises ends the work."""


class Sample(NamedTuple):
    """One image as a batch is made of it.

    Attributes:
        image: float32 (channels, height, width).
        label: Index of the class.
        place: Of the image among the rows of its part.
    """

    image: torch.Tensor
    label: int
    place: int


class CustomImageDataset(Dataset[Sample]):
    """Readable images of one part, looked through when it is made.

    A position in the data set is a place in `valid_indices`, and that holds the place among the
    rows; unreadable rows have no position. A file that becomes unreadable afterwards raises: what
    a run was trained on may not shrink unseen.

    Args:
        rows: Of the part, in an order that is stored with the run.
        store: Where decoded images come from.
        transform: From eight-bit planes to the network's input.
        part: Its name in reports and messages.
        seed: Of what the transform draws; each image of each epoch has a stream of its own.
        minimum: Below what the part is refused.
        workers: Processes that decode while it is made; 0 decodes in this one.
        progress: Told how far that is.

    Attributes:
        valid_indices: int64 (readable,), places of the readable rows.
        labels: int64 (readable,), their classes.
        filenames: Names of their files, (readable,).
        rejections: The report on the others.

    Raises:
        InsufficientDataError: Too little can be read.

    Example:
        >>> from pathlib import Path
        >>> from deepmed.learning.imaging import Preprocessing, TransformBuilder
        >>> preprocessing = Preprocessing((8, 8))
        >>> lost = ImageRow("a", Path("lost.png"), "p", 0, "0" * 64)
        >>> data = CustomImageDataset(
        ...     [lost],
        ...     PixelStore(preprocessing, lambda path: np.zeros((8, 8, 3), np.uint8)),
        ...     TransformBuilder(preprocessing).build_val_transforms(),
        ...     minimum=Minimum(share=0, images=0),
        ... )
        Traceback (most recent call last):
        ...
        deepmed.learning.errors.InsufficientDataError: No training image of class 0 can be read...
    """

    def __init__(
        self,
        rows: Sequence[ImageRow],
        store: PixelStore,
        transform: Compose,
        *,
        part: str = "training",
        seed: int = 0,
        minimum: Minimum | None = None,
        workers: int = 0,
        progress: Progress | None = None,
    ) -> None:
        self.rows = tuple(rows)
        self._store = store
        self._transform = transform
        self._seed = seed
        self._workers = workers
        self._progress = progress
        valid, rejected = self.validate_all_images()
        self._progress = None  # loading processes get a copy of this, and cannot report
        self.rejections = RejectionReport(part, len(self.rows), tuple(rejected))
        (minimum or Minimum()).check(self.rejections, self.rows, valid)
        self.valid_indices: npt.NDArray[np.int64] = np.array(valid, np.int64)

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Classes of the readable rows."""
        return np.array([self.rows[index].label for index in self.valid_indices], np.int64)

    @property
    def filenames(self) -> npt.NDArray[np.str_]:
        """Names of the readable rows' files."""
        return np.array([self.rows[index].path.name for index in self.valid_indices], np.str_)

    def validate_all_images(self) -> tuple[list[int], list[Rejection]]:
        """Read every image once, and keep what was decoded where there is room.

        Returns:
            Places of the readable rows, and why the others are not.
        """
        valid: list[int] = []
        rejected: list[Rejection] = []
        for done, finding in enumerate(self._inspected(), 1):
            row = self.rows[finding.place]
            if finding.pixels is None:
                rejected.append(_rejection(row, finding))
            else:
                self._store.keep(row, finding.pixels, on_disk=finding.on_disk)
                valid.append(finding.place)
            if self._progress is not None:
                self._progress(done, len(self.rows))
        return valid, rejected

    def _inspected(self) -> "Iterator[_Finding]":
        looks = _Inspection(self.rows, self._store)
        if not self._workers:
            yield from map(looks.__getitem__, range(len(looks)))
            return
        # One image is one item; without the generator the loader draws from the global one.
        yield from DataLoader(
            looks,
            batch_size=None,
            num_workers=self._workers,
            generator=torch.Generator().manual_seed(0),
            worker_init_fn=_quiet,
            collate_fn=_as_it_is,
        )

    def __len__(self) -> int:
        return len(self.valid_indices)

    def __getitem__(self, key: int | Draw) -> Sample:
        """One sample by its position, or by epoch and position as `EpochSampler` gives them.

        Raises:
            UnreadableImageError: The file was readable and is not any more.
        """
        epoch, position = key if isinstance(key, Draw) else (0, key)
        place = int(self.valid_indices[position])
        row = self.rows[place]
        try:
            pixels = self._store.pixels(row)
        except RejectedImageError as error:
            raise UnreadableImageError(
                f"{row.path.name} could be read when the run began and cannot be any more: {error} "
                "The run stopped; its last checkpoint is kept. Restore the file and resume."
            ) from error
        reseed(self._transform, derive(self._seed, "augmentation", epoch, place) % 2**32)
        return Sample(self._transform(pixels), row.label, place)


class _Finding(NamedTuple):
    place: int
    pixels: Pixels | None
    on_disk: bool = False
    reason: Reason = "unreadable"
    message: str = ""


class _Inspection(Dataset[_Finding]):
    def __init__(self, rows: Sequence[ImageRow], store: PixelStore) -> None:
        self._rows = rows
        self._store = store

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> _Finding:
        try:
            pixels, on_disk = self._store.inspected(self._rows[index])
        except RejectedImageError as error:
            return _Finding(index, None, reason=error.reason, message=str(error))
        return _Finding(index, pixels, on_disk)


def _rejection(row: ImageRow, finding: _Finding) -> Rejection:
    return Rejection(finding.place, row.image_id, row.path.name, finding.reason, finding.message)


def _quiet(_: int) -> None:
    torch.set_num_threads(1)  # as many processes as cores, each with one thread


def _as_it_is(finding: Any) -> Any:
    return finding

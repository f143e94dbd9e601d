"""Where a data set gets its decoded images from: memory, the cache's folder, or the decoder."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deepmed.learning.imaging.errors import UnreadableImageError
from deepmed.learning.imaging.pixel_cache import PixelCache
from deepmed.learning.imaging.preprocessing import Pixels, Preprocessing
from deepmed.learning.imaging.rejections import Reason
from deepmed.learning.imaging.rows import ImageRow, file_digest

Read = Callable[[Path], npt.NDArray[np.uint8]]
"""From a file to uint8 (height, width, 3), red, green, blue; raises where it cannot."""


class MemoryBudget:
    """How many bytes the parts of one run may still keep in memory, together.

    Args:
        limit_bytes: At most.

    Example:
        >>> budget = MemoryBudget(10)
        >>> budget.take(6), budget.take(6), budget.take(4)
        (True, False, True)
    """

    def __init__(self, limit_bytes: int) -> None:
        self._left = limit_bytes

    def take(self, size: int) -> bool:
        """Whether so many bytes fit; if so they are taken."""
        fits = size <= self._left
        if fits:
            self._left -= size
        return fits


class RejectedImageError(UnreadableImageError):
    """One image cannot be used; `reason` is for a report, the message for people."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason


class PixelStore:
    """Eight-bit planes of rows, decoded once where there is room.

    Args:
        preprocessing: Of the run.
        read: From a file to an image.
        cache: The folder, or none.
        budget: Memory that the run may use.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder) / "a"
        ...     _ = file.write_bytes(b"white")
        ...     row = ImageRow("a", file, "p", 0, file_digest(file))
        ...     white = np.full((4, 4, 3), 255, np.uint8)
        ...     store = PixelStore(Preprocessing((2, 2)), lambda path: white)
        ...     store.pixels(row).shape
        (2, 2, 1)
    """

    def __init__(
        self,
        preprocessing: Preprocessing,
        read: Read,
        cache: PixelCache | None = None,
        budget: MemoryBudget | None = None,
    ) -> None:
        self._preprocessing = preprocessing
        self._read = read
        self._cache = cache
        self._budget = budget or MemoryBudget(0)
        self._memory: dict[str, Pixels] = {}

    def pixels(self, row: ImageRow) -> Pixels:
        """The planes of a row: uint8 (height, width, 1 or 3). Nothing is written.

        Raises:
            RejectedImageError: The file is missing, has changed or cannot be read.
        """
        kept = self._kept(row)
        return self._decoded(row) if kept is None else kept

    def inspected(self, row: ImageRow) -> tuple[Pixels, bool]:
        """The planes as above, and whether they are on disk already.

        The file must be there even where its planes are kept: which images a run has must not
        depend on what earlier runs left behind.

        Raises:
            RejectedImageError: As above.
        """
        if not row.path.is_file():
            raise RejectedImageError("missing", "The file is not there any more.")
        kept = self._kept(row)
        return (self._decoded(row), False) if kept is None else (kept, True)

    def keep(self, row: ImageRow, pixels: Pixels, *, on_disk: bool) -> None:
        """Keep planes in memory and on disk as far as there is room."""
        if self._cache is not None and not on_disk:
            self._cache.put(row.digest, pixels)
        if row.digest not in self._memory and self._budget.take(pixels.nbytes):
            self._memory[row.digest] = np.array(pixels)

    def _kept(self, row: ImageRow) -> Pixels | None:
        pixels = self._memory.get(row.digest)
        if pixels is None and self._cache is not None:
            pixels = self._cache.get(row.digest)
        return pixels

    def _decoded(self, row: ImageRow) -> Pixels:
        try:
            _check_unchanged(row)
            return self._preprocessing.pixels(self._read(row.path))
        except (RejectedImageError, MemoryError):
            raise
        except FileNotFoundError as error:
            raise RejectedImageError("missing", "The file is not there any more.") from error
        except Exception as error:  # decoders of arbitrary bytes raise anything
            message = " ".join(str(error).split()) or type(error).__name__
            raise RejectedImageError("unreadable", message) from error


def _check_unchanged(row: ImageRow) -> None:
    if file_digest(row.path) != row.digest:
        raise RejectedImageError("changed", "The file has changed since it was listed.")

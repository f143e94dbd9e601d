"""How Lightning reads and writes checkpoints here: never with ``torch.save`` or ``torch.load``."""

from pathlib import Path
from typing import Any

from deepmed.learning.classification.bases import FileAccess
from deepmed.learning.classification.checkpoints import read_checkpoint, write_checkpoint


class SafetensorsCheckpointIO(FileAccess):
    """Lightning's plugin around :mod:`deepmed.learning.classification.checkpoints`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "last.safetensors")
        ...     SafetensorsCheckpointIO().save_checkpoint({"epoch": 3}, path)
        ...     SafetensorsCheckpointIO().load_checkpoint(path)
        {'epoch': 3}
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: object = None
    ) -> None:
        """Write a checkpoint whole or not at all.

        Args:
            checkpoint: as Lightning makes it.
            path: where.
            storage_options: there are none.

        Raises:
            CheckpointError: something in it is neither number, text nor tensor.
            TypeError: options were given.
        """
        if storage_options is not None:
            raise TypeError("Checkpoints are written to files, which takes no storage options.")
        write_checkpoint(checkpoint, Path(path))

    def load_checkpoint(
        self, path: str | Path, map_location: object = None, weights_only: object = None
    ) -> dict[str, Any]:
        """Read a checkpoint to the CPU.

        Args:
            path: of the file.
            map_location: not needed: Lightning brings states to their devices.
            weights_only: of no effect: nothing that runs can be in the file.

        Raises:
            CheckpointError: the file is missing, damaged or of another program.
        """
        del map_location, weights_only
        return read_checkpoint(Path(path))

    def remove_checkpoint(self, path: str | Path) -> None:
        """Remove a checkpoint, if it is there."""
        Path(path).unlink(missing_ok=True)

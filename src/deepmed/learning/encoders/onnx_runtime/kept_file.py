"""An exported encoder on disk, with what tells whether it still is the one that was exported."""

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch


@dataclass(frozen=True)
class OnnxFile:
    """A file that may be thrown away at any time: it is then made again.

    Attributes:
        folder: where it is kept, a folder of this installation's own.
        key: identity of the encoder.
    """

    folder: Path
    key: str

    def read(self) -> bytes | None:
        """The file's content; None where there is none, or it is damaged or of another PyTorch.

        Example:
            >>> OnnxFile(Path("/nonexistent"), "edges@fp32-onnx/1").read() is None
            True
        """
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            content = self._path.read_bytes()
        except (OSError, ValueError):
            return None
        return content if note == self._says(content) else None

    def write(self, content: bytes) -> None:
        """Keep the content; a process that reads meanwhile finds the old file or the new one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        note = json.dumps(self._says(content), indent=2).encode()
        for path, data in ((self._path, content), (self._note, note)):
            number, name = tempfile.mkstemp(dir=self.folder, prefix=".writing-")
            with os.fdopen(number, "wb") as file:
                file.write(data)
            Path(name).replace(path)

    def _says(self, content: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        return {"key": self.key, "sha256": digest, "torch": torch.__version__}

    @property
    def _path(self) -> Path:
        return self.folder / f"{hashlib.sha256(self.key.encode()).hexdigest()[:24]}.onnx"

    @property
    def _note(self) -> Path:
        return self._path.with_suffix(".json")

"""Running ONNX from a file that may be anybody's: looked at first, then run in a child (S-9)."""

import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import safetensors.numpy
from numpy.typing import NDArray

from deepmed.learning.onnx_files.checks import refuse_size
from deepmed.learning.onnx_files.errors import OnnxRefusedError, OnnxUnavailableError

MOST_SECONDS = 120
SCORE = "score"
"""The one output of every exported score."""
NEEDED = (
    "Writing and checking ONNX needs the packages of the extra `onnx`, which are not installed. "
    "To have them: pip install 'deepmed[onnx]'."
)
MODEL, GIVEN, FOUND = "model.onnx", "given.safetensors", "found.safetensors"
_CHILD = "deepmed.learning.onnx_files.child"


def run_onnx(content: bytes, inputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Run an exported score in a process of its own.

    Args:
        content: The ONNX file.
        inputs: Arrays by name, as ``ScoreInputs.named`` gives them.

    Returns:
        What the file calls ``score``.

    Raises:
        OnnxRefusedError: It is too large, has numbers in other files or operations of its own, or
            it does not run.
        OnnxUnavailableError: The packages for ONNX are not installed.

    Example:
        >>> run_onnx(b"", {})
        Traceback (most recent call last):
        ...
        deepmed.learning.onnx_files.errors.OnnxRefusedError: The ONNX file is empty. It was not run.
    """
    refuse_size(content)
    if find_spec("onnx") is None or find_spec("onnxruntime") is None:
        raise OnnxUnavailableError(NEEDED)
    with TemporaryDirectory(prefix="deepmed-onnx-") as name:
        folder = Path(name)
        (folder / MODEL).write_bytes(content)
        (folder / GIVEN).write_bytes(safetensors.numpy.save(dict(inputs)))
        _run_child(folder)
        found: NDArray[Any] = safetensors.numpy.load((folder / FOUND).read_bytes())[SCORE]
        return found


def _run_child(folder: Path) -> None:
    command = [sys.executable, "-P", "-m", _CHILD, str(folder)]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command, capture_output=True, text=True, timeout=MOST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise OnnxRefusedError(
            f"The ONNX file did not answer within {MOST_SECONDS} seconds and was stopped."
        ) from error
    if done.returncode:
        reason = done.stderr.strip().rpartition("\n")[2] or f"exit code {done.returncode}"
        raise OnnxRefusedError(f"The ONNX file was not run, or does not run: {reason}")

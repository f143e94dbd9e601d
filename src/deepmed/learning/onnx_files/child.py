"""The process in which an ONNX file is run: `python -m deepmed.learning.onnx_files.child FOLDER`.

It reads `model.onnx` and `given.safetensors` and writes `found.safetensors`; whatever goes wrong is
the last line of its standard error and its exit code.
"""

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import safetensors.numpy

from deepmed.learning.onnx_files.checks import refuse_foreign
from deepmed.learning.onnx_files.errors import OnnxRefusedError
from deepmed.learning.onnx_files.running import FOUND, GIVEN, MODEL, MOST_SECONDS, SCORE


def main(folder: Path) -> None:
    """Look at the model, run it once, and leave its score.

    Raises:
        OnnxRefusedError: The model is more than arithmetic, or has no score.

    Example:
        >>> main.__name__
        'main'
    """
    _limit_itself()
    content = (folder / MODEL).read_bytes()
    refuse_foreign(content)
    runtime: Any = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    if [one.name for one in session.get_outputs()] != [SCORE]:
        raise OnnxRefusedError(f"it does not give one output of the name {SCORE!r}")
    given = safetensors.numpy.load((folder / GIVEN).read_bytes())
    (score,) = session.run([SCORE], given)
    (folder / FOUND).write_bytes(safetensors.numpy.save({SCORE: score}))


def _limit_itself() -> None:
    """Where the system can: a parent that was killed leaves no child that computes for ever."""
    if os.name == "posix":
        import resource  # noqa: PLC0415 - Windows has none

        resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except Exception as error:  # noqa: BLE001 - the edge of a process: told to the parent
        sys.exit(" ".join(str(error).split()) or type(error).__name__)

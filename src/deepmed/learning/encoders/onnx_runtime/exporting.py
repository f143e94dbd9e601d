"""An encoder written as ONNX, and a session that runs it."""

import contextlib
import logging
import warnings
from collections.abc import Iterator
from importlib import import_module
from threading import Lock
from typing import Any

import torch

from deepmed.learning.encoders.base import Encoder, Prepared
from deepmed.learning.errors import ModelLoadingError

INPUTS = ("pixels", "frames", "extras")
# Exporting changes settings of the whole process while it runs.
_one_at_a_time = Lock()


def to_onnx(encoder: Encoder, example: Prepared) -> bytes:
    """Write what an encoder does with prepared pages, for batches of the example's size.

    Args:
        encoder: on the CPU.
        example: prepared pages; their content does not matter.

    Returns:
        The file, with all weights in it and no paths of this machine.

    Raises:
        ModelLoadingError: it does something that ONNX has no operations for.

    Example:
        >>> to_onnx.__name__
        'to_onnx'
    """
    with torch.no_grad():
        encoder.encode(example)  # loads weights, and computes what is kept
    tensors = (example.pixels, example.frames, example.extras)
    try:
        with _one_at_a_time, torch.no_grad(), _quiet():
            program: Any = torch.onnx.export(
                _Encoding(encoder).eval(), tensors, input_names=INPUTS, verbose=False
            )
    except (torch.onnx.OnnxExporterError, RuntimeError, ValueError) as error:
        raise ModelLoadingError(
            f"{encoder.identity.name!r} could not be written as ONNX ({error}). Nothing was "
            "embedded. Leave out '@onnx' to compute it with PyTorch."
        ) from error
    content: bytes = _without_traces(program.model_proto).SerializeToString()
    return content


def open_session(content: bytes) -> Any:
    """A session of ONNX Runtime on the CPU, with as many threads as PyTorch would use.

    Example:
        >>> open_session.__name__
        'open_session'
    """
    runtime: Any = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


class _Encoding(torch.nn.Module):
    """What is exported: an encoder from its prepared pages on."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self._encoder = encoder
        # Registered, so that its weights are parameters of what is traced.
        self._model = getattr(encoder, "_model", None)

    def forward(
        self, pixels: torch.Tensor, frames: torch.Tensor, extras: torch.Tensor
    ) -> torch.Tensor:
        return self._encoder.encode(Prepared(pixels, frames, extras))


def _without_traces(model: Any) -> Any:
    """The tracer's remarks name lines and paths of this machine."""
    graph = model.graph
    values = (*graph.value_info, *graph.input, *graph.output, *graph.initializer)
    for part in (model, graph, *graph.node, *values):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return model


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No advice to those who develop exporters."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)

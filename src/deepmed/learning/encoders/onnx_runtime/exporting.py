"""An encoder written as ONNX, and a session that runs it."""

from importlib import import_module
from typing import Any

import torch

from deepmed.learning.encoders.base import Encoder, Prepared
from deepmed.learning.errors import ModelLoadingError
from deepmed.learning.onnx_files.tracing import traced

INPUTS = ("pixels", "frames", "extras")


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
        model = traced(_Encoding(encoder), tensors, INPUTS)
    except (torch.onnx.OnnxExporterError, RuntimeError, ValueError) as error:
        raise ModelLoadingError(
            f"{encoder.identity.name!r} could not be written as ONNX ({error}). Nothing was "
            "embedded. Leave out '@onnx' to compute it with PyTorch."
        ) from error
    content: bytes = model.SerializeToString()
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

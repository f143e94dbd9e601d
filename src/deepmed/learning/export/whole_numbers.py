"""An ONNX classifier whose weights are whole numbers of eight bits: a quarter of the size.

What flows between the layers becomes whole numbers too, in steps that each image sets anew (dynamic
quantisation). Images that are asked together would share these steps, so that an answer would
depend on its neighbours; the file therefore takes one image at a time.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deepmed.learning.export.errors import ModelNotExportableError


def to_whole_numbers(content: bytes) -> bytes:
    """The same classifier with weights of eight bits, for one image at a time.

    What it costs is to be measured: on images of validation, see `features/xray/exports`.

    Args:
        content: What ``network_to_onnx`` gave.

    Raises:
        ModelNotExportableError: A layer has no form in whole numbers.

    Example:
        >>> to_whole_numbers.__name__
        'to_whole_numbers'
    """
    onnx: Any = import_module("onnx")
    quantization: Any = import_module("onnxruntime.quantization")
    model = onnx.load_model_from_string(content)
    del model.graph.value_info[:]  # of float32, and no longer true
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    with TemporaryDirectory(prefix="deepmed-onnx-") as folder, _quiet():
        path = Path(folder) / "model.onnx"
        try:
            quantization.quantize_dynamic(
                model,
                path,
                weight_type=quantization.QuantType.QUInt8,
                extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
            )
        except (RuntimeError, ValueError, NotImplementedError) as error:
            raise ModelNotExportableError(
                f"The network has no form in whole numbers ({error})."
            ) from error
        return _as_ours(onnx.load_model(path))


def _as_ours(model: Any) -> bytes:
    model.ClearField("metadata_props")
    model.producer_name = "deepmed"
    content: bytes = model.SerializeToString(deterministic=True)
    return content


@contextmanager
def _quiet() -> Iterator[None]:
    """It advises to prepare the graph, which the exporter did already."""
    root = logging.getLogger()
    root.addFilter(_nothing)
    try:
        yield
    finally:
        root.removeFilter(_nothing)


def _nothing(_record: logging.LogRecord) -> bool:
    return False

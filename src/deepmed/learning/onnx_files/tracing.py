"""A PyTorch module becomes an ONNX model, without a word of the machine that wrote it."""

import contextlib
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from threading import Lock
from typing import Any

import torch

one_at_a_time = Lock()
"""Tracing changes settings of the whole process while it runs."""


def traced(
    module: torch.nn.Module,
    example: Sequence[torch.Tensor],
    inputs: Sequence[str],
    outputs: Sequence[str] | None = None,
    shapes: Mapping[str, Any] | None = None,
) -> Any:
    """The module as an ONNX model that holds all its numbers.

    Args:
        module: In evaluation mode, on the CPU.
        example: What it is called with; the content does not matter.
        inputs: Names of what it takes.
        outputs: Names of what it gives.
        shapes: Which sides may differ from the example's, by input, as `torch.export` takes them.

    Returns:
        The model of the package `onnx`, with no paths of this machine.

    Raises:
        torch.onnx.OnnxExporterError: It does something that ONNX has no operations for.

    Example:
        >>> traced.__name__
        'traced'
    """
    with one_at_a_time, torch.no_grad(), _quiet():
        program: Any = torch.onnx.export(
            module.eval(),
            tuple(example),
            input_names=inputs,
            output_names=outputs,
            dynamic_shapes=None if shapes is None else dict(shapes),
            verbose=False,
        )
    return _without_traces(program.model_proto)


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

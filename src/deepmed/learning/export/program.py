"""A score as a `.pt2` archive, the successor of TorchScript."""

import io
from typing import Any

import torch

from deepmed.learning.detectors.base import Detector
from deepmed.learning.export.score import ScoreModule
from deepmed.learning.onnx_files.tracing import one_at_a_time
from deepmed.learning.reference import Layout

MOST_ROWS = 4096
# What tracing writes down of this machine's files and of our modules.
_TRACES = ("stack_trace", "nn_module_stack", "source_fn_stack", "from_node", "torch_fn")


def to_pt2(detector: Detector, layout: Layout, dimension: int) -> bytes:
    """Write the score as an archive for `torch.export.load`.

    It holds weights and a graph of tensor operations for 1 to 4096 rows at a time, no sample
    inputs (which would be pickled) and no paths of this machine. Equal detectors give equal bytes.

    Args:
        detector: Fitted.
        layout: Which columns stand beside the vector: one more input, as in ``ScoreModule``.
        dimension: Length D of the encoder's vector.

    Raises:
        ModelNotExportableError: The detector is of an installed package, not one of ours.

    Example:
        >>> from deepmed.learning.detectors import make_detector
        >>> detector = make_detector("pca").fit([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]])
        >>> to_pt2(detector, Layout.VISUAL, 2)[:2]
        b'PK'
    """
    module = ScoreModule(detector, layout).eval()
    rows = torch.export.Dim("rows", min=1, max=MOST_ROWS)
    example = _example(layout, dimension)
    shapes: dict[str, Any] = {"embedding": {0: rows}, "beside": None}
    if len(example) > 1:
        shapes["beside"] = {0: rows}
    else:
        del shapes["beside"]
    return archive_of(program_of(module, example, shapes))


def program_of(
    module: torch.nn.Module, example: tuple[torch.Tensor, ...], shapes: dict[str, Any]
) -> torch.export.ExportedProgram:
    """Any module as a graph of tensor operations, with no traces of this machine.

    Args:
        module: In evaluation mode, on the CPU.
        example: What it is called with; the content does not matter.
        shapes: Which sides may differ from the example's, by argument.

    Example:
        >>> program = program_of(torch.nn.ReLU(), (torch.zeros(1),), {"input": None})
        >>> archive_of(program)[:2]
        b'PK'
    """
    with one_at_a_time, torch.no_grad():
        program = torch.export.export(module, example, dynamic_shapes=shapes)
    for node in program.graph.nodes:
        for name in _TRACES:
            node.meta.pop(name, None)
    program.example_inputs = None
    return program


def archive_of(
    program: torch.export.ExportedProgram, beside: dict[str, str] | None = None
) -> bytes:
    """The archive for `torch.export.load`.

    Args:
        program: What ``program_of`` gave.
        beside: Texts by name that go into the archive as they are.

    Example:
        >>> program = program_of(torch.nn.ReLU(), (torch.zeros(1),), {"input": None})
        >>> archive_of(program, {"note": "x"}) == archive_of(program, {"note": "x"})
        True
    """
    with io.BytesIO() as archive:
        torch.export.save(program, archive, extra_files=dict(beside or {}))
        return archive.getvalue()


def _example(layout: Layout, dimension: int) -> tuple[torch.Tensor, ...]:
    vectors = torch.zeros(2, dimension, dtype=torch.float32)
    if layout is Layout.AGE:
        return vectors, torch.zeros(2, dtype=torch.float64)
    if layout is Layout.SUBJECT:
        return vectors, torch.zeros(2, dtype=torch.int64)
    return (vectors,)

"""What an ONNX file may hold: arithmetic on numbers that lie in the file itself (S-9)."""

from importlib import import_module
from typing import Any

from deepmed.learning.onnx_files.errors import OnnxRefusedError

MOST_BYTES = 256 << 20


def refuse_size(content: bytes) -> None:
    """Refuse what is empty or larger than a score ever is.

    Raises:
        OnnxRefusedError: It is.

    Example:
        >>> refuse_size(b"x")
    """
    if not content:
        raise OnnxRefusedError("The ONNX file is empty. It was not run.")
    if len(content) > MOST_BYTES:
        raise OnnxRefusedError(f"The ONNX file is larger than {MOST_BYTES >> 20} MiB: not run.")


def refuse_foreign(content: bytes) -> None:
    """Refuse what is more than arithmetic on numbers in the file; nothing is run for it.

    Raises:
        OnnxRefusedError: It is damaged, has numbers in other files, functions, or operations
            outside ONNX's own domain.

    Example:
        >>> from deepmed.learning.detectors import make_detector
        >>> from deepmed.learning.export import to_onnx
        >>> from deepmed.learning.reference import Layout
        >>> refuse_foreign(to_onnx(make_detector("knn").fit([[0.0], [1.0]]), Layout.VISUAL, 1))
    """
    onnx: Any = import_module("onnx")
    try:
        model = onnx.load_model_from_string(content)
        onnx.checker.check_model(model)
    except Exception as error:  # the reader's errors have no common root
        raise OnnxRefusedError(f"it is damaged: {error}") from error
    domains = {entry.domain for entry in model.opset_import}
    domains |= {node.domain for node in model.graph.node}
    if domains - {"", "ai.onnx"} or model.functions:
        raise OnnxRefusedError("it has operations that are not ONNX's own")
    if any(_reaches_out(node) for node in model.graph.node):
        raise OnnxRefusedError("it has graphs inside its graph")
    numbers = [*model.graph.initializer, *_constants(model.graph)]
    if model.graph.sparse_initializer or any(_is_elsewhere(number) for number in numbers):
        raise OnnxRefusedError("it has numbers in other files")


def _reaches_out(node: Any) -> bool:
    return any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute)


def _constants(graph: Any) -> list[Any]:
    held = [attribute for node in graph.node for attribute in node.attribute]
    return [one.t for one in held if one.HasField("t")] + [t for one in held for t in one.tensors]


def _is_elsewhere(number: Any) -> bool:
    return bool(number.external_data) or number.data_location != 0

"""A score as an ONNX graph, written operation by operation.

A tracer would bring its own names, the paths of this machine and another build's operations along;
by hand the file is small, and the same for the same detector.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepmed.learning.detectors.autoencoder import AutoencoderDetector
from deepmed.learning.detectors.base import Detector, StandardizedDetector
from deepmed.learning.detectors.forest import Forest
from deepmed.learning.detectors.isolation_forest import IsolationForestDetector
from deepmed.learning.detectors.knn import KnnDetector
from deepmed.learning.detectors.mahalanobis import MahalanobisDetector
from deepmed.learning.detectors.pca import PcaDetector
from deepmed.learning.export.errors import ModelNotExportableError
from deepmed.learning.export.inputs import AGE, EMBEDDING, SUBJECT
from deepmed.learning.export.score import depth_of
from deepmed.learning.onnx_files.errors import OnnxUnavailableError
from deepmed.learning.onnx_files.running import NEEDED, SCORE
from deepmed.learning.reference import Layout
from deepmed.learning.reference.rows import SUBJECT_SLOTS

OPSET, IR_VERSION = 18, 9
"""Known to every ONNX Runtime since 1.14."""
_FLOATS = "float64"


def to_onnx(
    detector: Detector, layout: Layout, dimension: int, facts: Mapping[str, str] | None = None
) -> bytes:
    r"""Write the score as an ONNX model in float64.

    Inputs are ``embedding`` (rows, D) float32 and, as the layout has them, ``age`` (rows) float64
    in years or ``subject`` (rows) int64; the output is ``score`` (rows) float64. Only operations
    of the standard domain occur, all numbers lie in the file, and equal detectors give equal bytes.

    Args:
        detector: Fitted.
        layout: Which columns stand beside the vector.
        dimension: Length D of the encoder's vector.
        facts: Kept in the file as its metadata.

    Raises:
        OnnxUnavailableError: The packages for ONNX are not installed.
        ModelNotExportableError: The detector is of an installed package, not one of ours.

    Example:
        >>> from deepmed.learning.detectors import make_detector
        >>> detector = make_detector("pca").fit([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]])
        >>> to_onnx(detector, Layout.VISUAL, 2)[:1]
        b'\x08'
    """
    graph = _Graph()
    columns = _columns(graph, layout, dimension)
    if type(detector) is IsolationForestDetector:
        score = _forest(graph, columns, detector.forest_)
    else:
        score = _standardized(graph, columns, detector)
    graph.op("Identity", score, output=SCORE)
    return graph.to_bytes(dict(facts or {}))


class _Graph:
    """Collects nodes and numbers; every value has a name of its own."""

    def __init__(self) -> None:
        try:
            self._onnx: Any = import_module("onnx")
            self._helper: Any = import_module("onnx.helper")
            self._numpy: Any = import_module("onnx.numpy_helper")
        except ModuleNotFoundError as error:
            raise OnnxUnavailableError(NEEDED) from error
        self._nodes: list[Any] = []
        self._numbers: list[Any] = []
        self._inputs: list[Any] = []

    def input(self, name: str, kind: Any, *shape: int) -> str:
        value = self._helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        declared = self._helper.make_tensor_value_info(name, value, ["rows", *shape])
        self._inputs.append(declared)
        return name

    def number(self, array: Any, kind: Any = _FLOATS) -> str:
        name = f"number_{len(self._numbers)}"
        content = np.ascontiguousarray(np.asarray(array, dtype=kind))
        self._numbers.append(self._numpy.from_array(content, name))
        return name

    def op(self, operation: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        name = output or f"value_{len(self._nodes)}"
        self._nodes.append(self._helper.make_node(operation, inputs, [name], **attributes))
        return name

    def smallest(self, values: str, count: int) -> str:
        """Where the smallest values of each row stand, in no order."""
        name = f"value_{len(self._nodes)}"
        amount = self.number([count], "int64")
        node = self._helper.make_node(
            "TopK", [values, amount], [f"{name}_found", name], axis=1, largest=0, sorted=0
        )
        self._nodes.append(node)
        return name

    def to_float64(self, value: str) -> str:
        return self.op("Cast", value, to=self._onnx.TensorProto.DOUBLE)

    def to_float32(self, value: str) -> str:
        return self.op("Cast", value, to=self._onnx.TensorProto.FLOAT)

    def sum(self, value: str, axis: int) -> str:
        return self.op("ReduceSum", value, self.number([axis], "int64"), keepdims=0)

    def mean(self, value: str, axis: int) -> str:
        return self.op("ReduceMean", value, self.number([axis], "int64"), keepdims=0)

    def square(self, value: str) -> str:
        return self.op("Mul", value, value)

    def to_bytes(self, facts: dict[str, str]) -> bytes:
        score = self._helper.make_tensor_value_info(SCORE, self._onnx.TensorProto.DOUBLE, ["rows"])
        graph = self._helper.make_graph(
            self._nodes, "score", self._inputs, [score], initializer=self._numbers
        )
        model = self._helper.make_model(
            graph,
            opset_imports=[self._helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="deepmed",
        )
        self._helper.set_model_props(model, facts)
        content: bytes = model.SerializeToString(deterministic=True)
        return content


def _columns(graph: _Graph, layout: Layout, dimension: int) -> str:
    wide = graph.to_float64(graph.input(EMBEDDING, "float32", dimension))
    if layout is Layout.AGE:
        ages = graph.input(AGE, _FLOATS)
        column = graph.op("Unsqueeze", ages, graph.number([1], "int64"))
        return graph.op("Concat", wide, column, axis=1)
    if layout is Layout.SUBJECT:
        slots = graph.number(np.eye(SUBJECT_SLOTS))
        one_hot = graph.op("Gather", slots, graph.input(SUBJECT, "int64"), axis=0)
        return graph.op("Concat", wide, one_hot, axis=1)
    return wide


def _standardized(graph: _Graph, columns: str, detector: Detector) -> str:
    write = _KINDS.get(type(detector))
    if write is None or not isinstance(detector, StandardizedDetector):
        raise ModelNotExportableError(
            f"The detector {detector.name!r} is of an installed package, which alone can run it. "
            "Export the safetensors package instead."
        )
    standard = detector.standardization_
    centred = graph.op("Sub", columns, graph.number(standard.mean))
    deviations = graph.op("Div", centred, graph.number(standard.scale))
    shares = graph.op("Div", deviations, graph.number(standard.limit))
    bound = graph.op("Sqrt", graph.op("Add", graph.square(shares), graph.number(1.0)))
    return write(graph, graph.op("Div", deviations, bound), detector)


def _knn(graph: _Graph, rows: str, detector: KnnDetector) -> str:
    references = graph.number(detector.references_)
    lengths = graph.number(np.square(detector.references_).sum(axis=1))
    squares = graph.op("Gemm", rows, references, lengths, alpha=-2.0, transB=1)
    nearest = graph.smallest(squares, min(detector.neighbors, detector.n_rows_))
    found = graph.op("Gather", references, nearest, axis=0)
    own = graph.op("Unsqueeze", rows, graph.number([1], "int64"))
    away = graph.sum(graph.square(graph.op("Sub", found, own)), axis=2)
    return graph.mean(graph.op("Sqrt", away), axis=1)


def _mahalanobis(graph: _Graph, rows: str, detector: MahalanobisDetector) -> str:
    along, rest = _projected(graph, rows, detector.center_, detector.directions_)
    inside = graph.op("Div", graph.square(along), graph.number(detector.variances_))
    outside = graph.op(
        "Div", graph.sum(graph.square(rest), axis=1), graph.number(detector.remaining_variance_)
    )
    return graph.op("Add", graph.sum(inside, axis=1), outside)


def _pca(graph: _Graph, rows: str, detector: PcaDetector) -> str:
    _, rest = _projected(graph, rows, detector.center_, detector.directions_)
    return graph.mean(graph.square(rest), axis=1)


def _projected(
    graph: _Graph, rows: str, center: NDArray[Any], directions: NDArray[Any]
) -> tuple[str, str]:
    deviations = graph.op("Sub", rows, graph.number(center))
    kept = graph.number(directions)
    along = graph.op("Gemm", deviations, kept, transB=1)
    rest = graph.op("Sub", deviations, graph.op("MatMul", along, kept))
    return along, rest


def _autoencoder(graph: _Graph, rows: str, detector: AutoencoderDetector) -> str:
    activation = _ACTIVATIONS[detector.network().activation]
    values = rows
    for half in ("encoder", "decoder"):
        names = [name.removesuffix(".weight") for name in detector.weights_ if ".weight" in name]
        mine = [name for name in names if name.startswith(half)]
        layers = sorted(mine, key=lambda name: int(name.partition(".")[2]))
        for place, layer in enumerate(layers):
            values = activation(graph, values) if place else values
            weight, bias = (
                graph.to_float64(graph.number(detector.weights_[f"{layer}.{part}"], "float32"))
                for part in ("weight", "bias")
            )
            values = graph.op("Gemm", values, weight, bias, transB=1)
    return graph.mean(graph.square(graph.op("Sub", values, rows)), axis=1)


def _forest(graph: _Graph, columns: str, forest: Forest) -> str:
    # As the forest itself: thresholds were chosen on float32 values.
    values = graph.to_float64(graph.to_float32(columns))
    tables = {
        name: graph.number(getattr(forest, name), "int64") for name in ("feature", "left", "right")
    }
    thresholds = graph.number(forest.threshold)
    rows = graph.op("Shape", columns, start=0, end=1)
    trees = graph.number([len(forest.roots)], "int64")
    nodes = graph.op(
        "Expand",
        graph.number(forest.roots[None], "int64"),
        graph.op("Concat", rows, trees, axis=0),
    )
    for _ in range(depth_of(forest)):
        feature = graph.op("Gather", tables["feature"], nodes, axis=0)
        asked = graph.op("GatherElements", values, feature, axis=1)
        limit = graph.op("Gather", thresholds, nodes, axis=0)
        left, right = (
            graph.op("Gather", tables[side], nodes, axis=0) for side in ("left", "right")
        )
        nodes = graph.op("Where", graph.op("LessOrEqual", asked, limit), left, right)
    lengths = graph.op("Gather", graph.number(forest.path_length), nodes, axis=0)
    share = graph.op(
        "Div",
        graph.sum(lengths, axis=1),
        graph.number(-float(forest.expected_length[0]) * len(forest.roots)),
    )
    return graph.op("Pow", graph.number(2.0), share)


_KINDS: dict[type[Detector], Callable[[_Graph, str, Any], str]] = {
    KnnDetector: _knn,
    MahalanobisDetector: _mahalanobis,
    PcaDetector: _pca,
    AutoencoderDetector: _autoencoder,
}
_ACTIVATIONS: dict[str, Callable[[_Graph, str], str]] = {
    "silu": lambda graph, values: graph.op("Mul", values, graph.op("Sigmoid", values)),
    "relu": lambda graph, values: graph.op("Relu", values),
    "tanh": lambda graph, values: graph.op("Tanh", values),
}

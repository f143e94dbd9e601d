"""An ONNX file is looked at before it runs, and runs in a process of its own."""

from importlib import import_module
from typing import Any

import numpy as np
import pytest

from deepmed.learning.detectors import make_detector
from deepmed.learning.export import to_onnx
from deepmed.learning.onnx_files import (
    OnnxRefusedError,
    OnnxUnavailableError,
    checks,
    run_onnx,
    running,
)
from deepmed.learning.onnx_files.checks import refuse_foreign
from deepmed.learning.reference import Layout

onnx: Any = import_module("onnx")
WIDTH = 6
RANDOM = np.random.default_rng(0)
DETECTOR = make_detector("pca").fit(RANDOM.normal(size=(20, WIDTH)))


@pytest.fixture
def model() -> Any:
    return onnx.load_model_from_string(to_onnx(DETECTOR, Layout.VISUAL, WIDTH))


@pytest.mark.req("S-9.2")
def test_the_child_gives_what_the_detector_gives(model: Any) -> None:
    vectors = RANDOM.normal(size=(5, WIDTH)).astype(np.float32)
    found = run_onnx(model.SerializeToString(), {"embedding": vectors})
    assert found == pytest.approx(DETECTOR.score_samples(vectors), rel=1e-9)


@pytest.mark.req("S-9.2")
def test_numbers_in_other_files(model: Any) -> None:
    number = model.graph.initializer[0]
    number.ClearField("raw_data")
    number.data_location = onnx.TensorProto.EXTERNAL
    number.external_data.add(key="location", value="../../etc/passwd")
    with pytest.raises(OnnxRefusedError):
        refuse_foreign(model.SerializeToString())


@pytest.mark.req("S-9.2")
def test_numbers_in_other_files_that_stand_in_a_node(model: Any) -> None:
    node = onnx.helper.make_node("Constant", [], ["more"], value=onnx.TensorProto(data_type=1))
    node.attribute[0].t.data_location = onnx.TensorProto.EXTERNAL
    node.attribute[0].t.external_data.add(key="location", value="weights.bin")
    model.graph.node.append(node)
    with pytest.raises(OnnxRefusedError):
        refuse_foreign(model.SerializeToString())


@pytest.mark.req("S-9.2")
def test_operations_of_another_domain(model: Any) -> None:
    model.graph.node[0].domain = "com.example"
    model.opset_import.add(domain="com.example", version=1)
    with pytest.raises(OnnxRefusedError, match="not ONNX's own"):
        refuse_foreign(model.SerializeToString())


@pytest.mark.req("S-9.2")
def test_graphs_within_the_graph(model: Any) -> None:
    value = onnx.helper.make_tensor_value_info("inner", onnx.TensorProto.BOOL, [])
    same = onnx.helper.make_node("Identity", ["condition"], ["inner"])
    inner = onnx.helper.make_graph([same], "inner", [], [value])
    condition = onnx.numpy_helper.from_array(np.array(0) > 1, "condition")
    model.graph.initializer.append(condition)
    branches = {"then_branch": inner, "else_branch": inner}
    model.graph.node.append(onnx.helper.make_node("If", ["condition"], ["chosen"], **branches))
    with pytest.raises(OnnxRefusedError, match="graphs inside"):
        refuse_foreign(model.SerializeToString())


@pytest.mark.req("S-9.2")
@pytest.mark.parametrize("content", [b"\x08nonsense", b"PK\x03\x04"])
def test_what_is_no_onnx(content: bytes) -> None:
    with pytest.raises(OnnxRefusedError):
        refuse_foreign(content)


@pytest.mark.req("S-9.2")
def test_what_is_refused_in_the_child_is_told(model: Any) -> None:
    model.graph.node[-1].output[0] = model.graph.output[0].name = "other"
    with pytest.raises(OnnxRefusedError, match="'score'"):
        run_onnx(model.SerializeToString(), {})


@pytest.mark.req("S-9.2")
def test_what_is_too_large_or_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "MOST_BYTES", 10)
    for content in (b"", b"\x08" * 11):
        with pytest.raises(OnnxRefusedError):
            run_onnx(content, {})


@pytest.mark.req("S-9.2")
def test_what_never_ends(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "MOST_SECONDS", 0.01)
    with pytest.raises(OnnxRefusedError, match="stopped"):
        run_onnx(model.SerializeToString(), {})


def test_without_the_packages_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "find_spec", lambda _name: None)
    with pytest.raises(OnnxUnavailableError, match=r"deepmed\[onnx\]"):
        run_onnx(b"\x08", {})

"""An exported score is the detector's own, in ONNX Runtime and in PyTorch, and carries no code."""

import io
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from deepmed.learning.detectors import Detector, make_detector
from deepmed.learning.export import ModelNotExportableError, ScoreInputs, to_onnx, to_pt2
from deepmed.learning.known_detectors import OURS
from deepmed.learning.onnx_files.checks import refuse_foreign
from deepmed.learning.reference import Layout, Rows

onnx: Any = import_module("onnx")
WIDTH = 12
CASES = [*((name, Layout.AGE) for name in OURS), ("knn", Layout.VISUAL), ("pca", Layout.SUBJECT)]


def drawings(count: int, seed: int) -> Rows:
    random = np.random.default_rng(seed)
    return Rows(
        np.arange(count),
        np.arange(count),
        random.uniform(3, 12, count),
        random.integers(0, 64, count),
        random.normal(size=(count, WIDTH)).astype(np.float32),
    )


def fitted(name: str, layout: Layout) -> Detector:
    parameters: dict[str, Any] = {}
    if name == "autoencoder":  # six layers a half: their names do not sort as text
        parameters["config"] = {"hidden_dims": (11, 10, 9, 8, 7, 4), "epochs": 3}
    return make_detector(name, seed=1, **parameters).fit(drawings(40, 1).columns(layout))


@pytest.fixture(scope="module")
def detector_of() -> Callable[[str, Layout], Detector]:
    known: dict[tuple[str, Layout], Detector] = {}

    def find(name: str, layout: Layout) -> Detector:
        return known.setdefault((name, layout), fitted(name, layout))

    return find


@pytest.mark.req("D-14.1")
@pytest.mark.parametrize(("name", "layout"), CASES)
def test_onnx_runtime_gives_the_same_scores(
    detector_of: Callable[[str, Layout], Detector], name: str, layout: Layout
) -> None:
    detector, rows = detector_of(name, layout), drawings(9, 2)
    content = to_onnx(detector, layout, WIDTH, {"encoder": "x"})
    runtime: Any = import_module("onnxruntime")
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, ScoreInputs.of(rows, layout).named())
    assert found.dtype == np.float64
    expected = detector.score_samples(rows.columns(layout))
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert content == to_onnx(detector, layout, WIDTH, {"encoder": "x"})


@pytest.mark.req("D-14.1")
@pytest.mark.parametrize(("name", "layout"), CASES)
def test_torch_gives_the_same_scores(
    detector_of: Callable[[str, Layout], Detector], name: str, layout: Layout
) -> None:
    detector, rows = detector_of(name, layout), drawings(9, 2)
    content = to_pt2(detector, layout, WIDTH)
    program = torch.export.load(io.BytesIO(content)).module()
    given = [torch.from_numpy(one) for one in ScoreInputs.of(rows, layout).named().values()]
    expected = detector.score_samples(rows.columns(layout))
    assert program(*given).numpy() == pytest.approx(expected, rel=1e-9, abs=1e-12)
    alone = program(*[one[:1] for one in given]).numpy()
    assert alone == pytest.approx(expected[:1], rel=1e-9, abs=1e-12)


@pytest.mark.req("S-9.1")
def test_a_pt2_holds_no_sample_inputs_and_no_paths(
    detector_of: Callable[[str, Layout], Detector],
) -> None:
    content = to_pt2(detector_of("knn", Layout.AGE), Layout.AGE, WIDTH)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    assert not any(data for name, data in held.items() if "sample_inputs" in name)
    text = b"".join(data for name, data in held.items() if name.endswith(".json"))
    assert str(Path(__file__).parents[4]).encode() not in text
    assert b".py" not in text


def test_numbers_lie_in_the_file_and_operations_are_onnx_own(
    detector_of: Callable[[str, Layout], Detector],
) -> None:
    for name in OURS:
        content = to_onnx(detector_of(name, Layout.AGE), Layout.AGE, WIDTH)
        refuse_foreign(content)
        assert {node.domain for node in onnx.load_model_from_string(content).graph.node} == {""}


def test_a_detector_of_another_package_is_not_exported() -> None:
    kind = type("Foreign", (type(make_detector("knn")),), {"name": "foreign"})
    detector = kind().fit(drawings(5, 1).columns(Layout.VISUAL))
    for export in (to_onnx, to_pt2):
        with pytest.raises(ModelNotExportableError, match="foreign"):
            export(detector, Layout.VISUAL, WIDTH)

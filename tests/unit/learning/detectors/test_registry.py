"""One test over all detectors: a new one is tested by being registered."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import safetensors.numpy
import torch
from numpy.testing import assert_allclose, assert_array_equal

from deepmed.learning import known_detectors
from deepmed.learning.detectors import (
    Detector,
    KnnDetector,
    detector_class,
    detector_names,
    from_files,
    make_detector,
    registry,
    to_files,
)
from deepmed.learning.detectors.errors import DetectorParameterError, UnknownDetectorError
from deepmed.learning.errors import LearningError, NotDifferentiableError

Rows = npt.NDArray[np.float32]
Make = Callable[..., Detector]

every_detector = pytest.mark.parametrize("name", detector_names())
EXACT = {"rtol": 1e-9, "atol": 1e-12}


@pytest.mark.req("D-15.1")
def test_there_are_the_autoencoder_and_the_simple_ones() -> None:
    wanted = ["autoencoder", "knn", "mahalanobis", "pca", "isolation_forest"]
    assert detector_names()[:5] == wanted


@pytest.mark.req("D-15.1")
@pytest.mark.req("D-23.1")
@every_detector
def test_a_score_is_a_function_of_its_row(
    name: str, make: Make, typical: Rows, others: Rows
) -> None:
    detector = make(name).fit(typical)
    batch = detector.score_samples(others)
    alone = [detector.score_samples(row[None])[0] for row in others]
    backwards = detector.score_samples(others[::-1])[::-1]
    stored = from_files(to_files(detector)).score_samples(others)
    for scores in (alone, backwards, stored):
        assert_allclose(scores, batch, **EXACT)
    assert batch.dtype == np.float64
    assert batch[5:].min() > batch[:5].max(), "the unusual rows score higher than the typical"


@pytest.mark.req("D-23.1")
@every_detector
def test_float32_embeddings_are_scored_in_float64(
    name: str, make: Make, typical: Rows, others: Rows
) -> None:
    detector = make(name).fit(typical)
    assert_array_equal(
        detector.score_samples(others), detector.score_samples(others.astype(np.float64))
    )
    assert len(np.unique(detector.score_samples(others).astype(np.float32))) > 1


@pytest.mark.req("D-23.1")
def test_scores_are_equal_in_another_process_with_other_threads(
    make: Make, typical: Rows, others: Rows, tmp_path: Path
) -> None:
    np.save(tmp_path / "rows.npy", others)
    expected = {}
    for name in detector_names():
        detector = make(name).fit(typical)
        expected[name] = detector.score_samples(others)
        for file, content in to_files(detector).items():
            (tmp_path / f"{name}.{file}").write_bytes(content)
    code = (
        "import json, sys, numpy\n"
        "from pathlib import Path\n"
        "from deepmed.learning.detectors import from_files\n"
        "folder = Path(sys.argv[1]); rows = numpy.load(folder / 'rows.npy')\n"
        "files = ('weights.safetensors', 'detector.json')\n"
        "read = lambda n: {f: (folder / f'{n}.{f}').read_bytes() for f in files}\n"
        "print(json.dumps({n: from_files(read(n)).score_samples(rows).tolist()"
        " for n in sys.argv[2:]}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), *expected],
        env={**os.environ, "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    for name, scores in json.loads(done.stdout).items():
        assert_allclose(scores, expected[name], **EXACT)


@every_detector
def test_the_tensor_score_is_the_score_and_has_its_gradient(
    name: str, make: Make, typical: Rows, others: Rows
) -> None:
    detector = make(name).fit(typical)
    rows = torch.from_numpy(others.astype(np.float64)).requires_grad_()
    if not detector.differentiable:
        with pytest.raises(NotDifferentiableError):
            detector.score_tensor(rows)
        return
    scores = detector.score_tensor(rows)
    assert scores.dtype == torch.float64
    assert_allclose(scores.detach().numpy(), detector.score_samples(others), **EXACT)
    assert_allclose(
        torch.autograd.grad(scores.sum(), rows)[0].numpy()[6],
        _central_differences(detector, others[6].astype(np.float64)),
        rtol=1e-5,
        atol=1e-7,
    )


def _central_differences(
    detector: Detector, row: npt.NDArray[np.float64], step: float = 1e-6
) -> npt.NDArray[np.float64]:
    steps = step * np.eye(len(row))
    return (detector.score_samples(row + steps) - detector.score_samples(row - steps)) / (2 * step)


@pytest.mark.req("P-13.1")
@every_detector
def test_one_seed_gives_one_detector_and_is_recorded(name: str, make: Make, typical: Rows) -> None:
    np.random.seed(5)  # noqa: NPY002 - the global stream is what must not matter
    torch.manual_seed(5)
    first = make(name, seed=3).fit(typical)
    np.random.seed(6)  # noqa: NPY002 - as above
    torch.manual_seed(6)
    before = torch.get_rng_state()
    second = make(name, seed=3).fit(typical)
    assert to_files(first) == to_files(second)
    assert torch.equal(torch.get_rng_state(), before), "torch's global random numbers moved"
    assert first.get_state()[1]["parameters"]["seed"] == 3


@pytest.mark.req("P-13.1")
@pytest.mark.parametrize("name", ["autoencoder", "isolation_forest"])
def test_another_seed_gives_another_detector(
    name: str, make: Make, typical: Rows, others: Rows
) -> None:
    scores = [make(name, seed=seed).fit(typical).score_samples(others) for seed in (0, 1)]
    assert not np.allclose(*scores)


@pytest.mark.req("D-8.3")
@every_detector
def test_the_state_holds_standardisation_seed_architecture_and_data_hash(
    name: str, make: Make, typical: Rows
) -> None:
    arrays, record = make(name, seed=4).fit(typical).get_state()
    json.dumps(record, allow_nan=False)
    assert record["parameters"]["seed"] == 4
    assert record["architecture"]["kind"]
    assert record["data_hash"] == make("knn").fit(typical).data_hash_
    assert record["data_hash"] != make("knn").fit(typical[::-1]).data_hash_
    if name != "isolation_forest":  # cuts need no units
        assert_allclose(arrays["mean"], typical.astype(np.float64).mean(axis=0))
        varying = slice(0, -3)
        assert_allclose(arrays["scale"][varying], typical.astype(np.float64).std(axis=0)[varying])


@pytest.mark.req("S-9.2")
@every_detector
def test_the_stored_form_is_numbers_and_json_alone(name: str, make: Make, typical: Rows) -> None:
    files = to_files(make(name).fit(typical))
    assert set(files) == {"weights.safetensors", "detector.json"}
    json.loads(files["detector.json"])
    arrays = safetensors.numpy.load(files["weights.safetensors"])
    assert {array.dtype.kind for array in arrays.values()} <= {"f", "i"}, "bytes could hide code"


def test_unknown_names_and_parameters_are_refused() -> None:
    with pytest.raises(UnknownDetectorError, match="knn, mahalanobis"):
        make_detector("nearest")
    with pytest.raises(DetectorParameterError, match="trees"):
        make_detector("knn", trees=3)
    assert issubclass(UnknownDetectorError, LearningError)


class _Installed(KnnDetector):
    name = "installed"


class TestInstalledPackages:
    @pytest.fixture(autouse=True)
    def _entry_points(self, monkeypatch: pytest.MonkeyPatch) -> None:
        offered = {
            "installed": f"{__name__}:_Installed",
            "wrong": f"{__name__}:every_detector",
            "knn": f"{__name__}:_Installed",
        }
        points = [EntryPoint(name, value, "deepmed.detectors") for name, value in offered.items()]
        monkeypatch.setattr(
            known_detectors, "entry_points", lambda group: EntryPoints(points).select(group=group)
        )

    def test_a_detector_of_theirs_is_made_and_stored_like_ours(self, typical: Rows) -> None:
        assert "installed" in detector_names()
        files = to_files(make_detector("installed").fit(typical))
        assert type(from_files(files)).name == "installed"

    def test_each_of_ours_is_found_under_the_name_that_is_known_of_it(self) -> None:
        assert tuple(registry._OURS) == known_detectors.OURS

    def test_they_cannot_replace_one_of_ours(self) -> None:
        assert detector_class("knn") is KnnDetector

    def test_what_is_no_detector_is_refused(self) -> None:
        with pytest.raises(UnknownDetectorError, match="no detector of that name"):
            make_detector("wrong")

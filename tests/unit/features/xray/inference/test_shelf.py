"""Models in memory: loaded once, few at a time, gone with their runs, each with its own gate."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from deepmed.core.registry.contents import MANIFEST, SIGNATURE
from deepmed.features.xray.inference import answers
from deepmed.features.xray.inference.served_model import ServedModel, Shelf
from deepmed.features.xray.inference.service import XrayInference, forget
from deepmed.features.xray.runs import artifact, novelty
from deepmed.kit.errors import IntegrityError
from deepmed.kit.storage import FileStorageService
from deepmed.learning.errors import ModelLoadingError

from .conftest import Ward

ASKING = 6


@pytest.fixture(scope="module")
def model(ward: Ward) -> ServedModel:
    return ServedModel.of(ward.run.package.files)


def test_a_model_is_loaded_once_however_many_ask(model: ServedModel) -> None:
    shelf, together, loads = Shelf(), Barrier(ASKING), []

    def load() -> ServedModel:
        loads.append(model)
        return model

    def ask(_: int) -> ServedModel:
        together.wait()
        return shelf.get("a", load)

    with ThreadPoolExecutor(ASKING) as pool:
        assert set(pool.map(ask, range(ASKING))) == {model}
    assert len(loads) == 1


def test_the_longest_unused_gives_way(model: ServedModel) -> None:
    shelf = Shelf(most_bytes=2 * model.size)
    for name in ("a", "b", "a", "c"):
        shelf.get(name, lambda: model)
    assert [shelf.held(name) is not None for name in "abc"] == [True, False, True]
    tiny = Shelf(most_bytes=1)
    tiny.get("a", lambda: model)
    assert tiny.held("a") is model


@pytest.mark.parametrize("dropped", ["a", None])
def test_what_is_let_go_of_while_it_loads_is_not_put_back(
    model: ServedModel, dropped: str | None
) -> None:
    shelf = Shelf()

    def load() -> ServedModel:
        shelf.drop("another")
        shelf.drop(dropped)
        return model

    assert shelf.get("a", load) is model
    assert shelf.held("a") is None
    assert shelf.get("a", lambda: model) is shelf.held("a")


def test_asking_for_health_or_which_run_serves_reads_no_weights(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are asked every few seconds, and a model may have a hundred million bytes."""
    ward.home.forget()
    read: list[str] = []
    get = FileStorageService.get
    monkeypatch.setattr(
        FileStorageService, "get", lambda self, key: read.append(key) or get(self, key)
    )
    assert answers.health(XrayInference.of(ward.home)).model_version
    answers.choice(XrayInference.of(ward.home))
    assert {key.rpartition("/")[2] for key in read} == {
        artifact.MODEL,
        MANIFEST,
        SIGNATURE,
    }
    read.clear()
    for _ in range(2):
        assert ward.client.get("/api/inference/health").status_code == 200
    assert not any(key.endswith(artifact.WEIGHTS) for key in read)


def test_a_package_is_read_once_for_all_requests(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request sees the folder as its owner does, and what was read is kept between them."""
    ward.home.forget()
    _ = ward.run.package
    monkeypatch.setattr(FileStorageService, "get", lambda *_: pytest.fail("read again"))
    forget(ward.run.artifact.manifest_hash)
    assert ward.post("/predict", ward.film()).status_code == 200


def test_a_deleted_runs_model_leaves_memory(ward: Ward) -> None:
    inference = XrayInference.of(ward.home)
    inference.predict(None, ward.film())
    assert answers.health(inference).status == "healthy"
    forget(ward.run.artifact.manifest_hash)
    state = answers.health(inference)
    assert (state.status, state.model_loaded) == ("degraded", False)
    assert "first answer" in state.reasons["status"]


@pytest.mark.req("X-17.1")
def test_the_gate_of_training_comes_with_the_model(ward: Ward, model: ServedModel) -> None:
    """Calibrated on validation's patients, none of whom is named in it."""
    assert model.gate is not None
    records = json.loads(ward.run.file(artifact.PREDICTIONS))["validation"]
    patients = {record["patient"] for record in records}
    assert model.gate.n_patients == len(patients)
    stored = ward.run.file(novelty.ARRAYS) + ward.run.file(novelty.RECORD)
    assert not any(patient.encode() in stored for patient in patients)


def test_without_a_gate_nothing_is_said_of_unusual_images(ward: Ward) -> None:
    files = {name: one for name, one in ward.run.package.files.items() if name != novelty.ARRAYS}
    for record, reason in ((b'{"reason": "too few"}', "too few"), (b"{}", "without a gate")):
        alone = ServedModel.of({**files, novelty.RECORD: record})
        image = ward.run.model["preprocessing"]["size"]
        _, said = alone.look(np.zeros((*image, 3), np.uint8))
        assert said.flagged is None
        assert reason in str(said.reason)


def test_a_damaged_model_is_refused(ward: Ward) -> None:
    files = dict(ward.run.package.files)
    with pytest.raises(IntegrityError, match="do not fit"):
        ServedModel.of({**files, artifact.MODEL: b"{}"})
    record = json.loads(files[artifact.MODEL])
    record["network"]["width"] *= 2
    with pytest.raises(IntegrityError, match="do not fit"):
        ServedModel.of({**files, artifact.MODEL: json.dumps(record).encode()})
    with pytest.raises(ModelLoadingError, match="gate is damaged"):
        ServedModel.of({**files, novelty.RECORD: b'{"percentile": 99.9}'})

"""Models in memory: loaded once, few at a time, gone with their runs, each with its own gate."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from deepmed.features.xray.inference import answers
from deepmed.features.xray.inference.served_model import ServedModel, Shelf
from deepmed.features.xray.inference.service import XrayInference, forget
from deepmed.features.xray.runs import artifact, novelty
from deepmed.kit.errors import IntegrityError
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

"""A model leaves with what its use needs, and gives the probabilities that were tested."""

import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from deepmed.app import open_home
from deepmed.core.audit.repository import history
from deepmed.core.home import Home
from deepmed.features.xray.exports import checking, programs, service
from deepmed.features.xray.exports.formats import ExportFormat
from deepmed.features.xray.exports.service import Exported, export_run
from deepmed.features.xray.runs.folders import folder_of
from deepmed.features.xray.runs.loading import LoadedModel
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.source import DataSource, read_image
from deepmed.kit import settings as kit_settings
from deepmed.kit.errors import ConflictError, ModelError, NotFoundError, ValidationError
from deepmed.learning.encoders.onnx_runtime.exporting import open_session
from deepmed.learning.evaluation.binary import evaluate_binary
from deepmed.learning.export import ServedNetwork
from deepmed.learning.onnx_files.checks import refuse_foreign
from deepmed.learning.onnx_files.notes import notes_of
from factories.shared import made_once
from factories.xray import write_films
from factories.xray_runs import publish_untrained

NETWORK = ("network=vgg16_bn", "width=2", "head=[]", "test_split=0.4", "validation_split=0.3")
Pairs = list[tuple[dict[str, Any], np.ndarray]]


def opened(folder: Path) -> Home:
    return open_home(kit_settings.load(home=folder))


@pytest.fixture(scope="module")
def exporting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A data folder with run 1, and run 2 whose images are gone."""

    def make(folder: Path) -> None:
        films = write_films(folder / "films", 20)
        with opened(folder / "home") as home:
            publish_untrained(home, films, *NETWORK, draw=3)
            publish_untrained(home, films, *NETWORK, draw=3, name="elsewhere")
            shutil.rmtree(folder_of(home, StoredRun.of(home, 2).run))

    made = made_once(tmp_path_factory, "exporting_xrays", make) / "home"
    folder = tmp_path_factory.mktemp("exporting") / "home"
    shutil.copytree(made, folder)
    with opened(folder) as home:
        yield home


@pytest.fixture(scope="module")
def graph(exporting: Home) -> bytes:
    """What the tracer makes of the network: slow, so once."""
    return programs.network_to_onnx(*parts_of(exporting))


def parts_of(home: Home) -> tuple[Any, float, tuple[int, int]]:
    model = LoadedModel.of(StoredRun.of(home, 1).package.files)
    return model.network, model.point.temperature, model.preprocessing.size


@pytest.mark.req("X-20.1")
@pytest.mark.parametrize("form", [ExportFormat.EXPORTED, ExportFormat.ONNX])
def test_what_undoes_weights_of_classes_leaves_with_the_model(
    exporting: Home, monkeypatch: pytest.MonkeyPatch, form: ExportFormat
) -> None:
    model = LoadedModel.of(StoredRun.of(exporting, 1).package.files)
    point = replace(model.point, classes_weighted=True, offsets=(0.7,))
    made: list[Any] = []
    for name in ("network_program", "network_to_onnx"):
        monkeypatch.setattr(programs, name, lambda *given: made.append(given))
    programs.program_of(replace(model, point=point), form)
    (network, temperature, _, offsets) = made[0]
    served = ServedNetwork(network, temperature, offsets)
    logits, shares = served(torch.zeros(1, 1, 28, 28))
    assert shares.tolist() == pytest.approx(point.probabilities(logits[:, 0].tolist()), abs=1e-6)
    assert shares.tolist() != pytest.approx(model.point.probabilities(logits[:, 0].tolist()))


@pytest.fixture(autouse=True)
def _traced_once(graph: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "network_to_onnx", lambda *_: graph)


@pytest.fixture(scope="module")
def tested(exporting: Home) -> Pairs:
    """Each image of the test part as it is stored, prepared by what the artefact says."""
    run = StoredRun.of(exporting, 1)
    model = LoadedModel.of(run.package.files)
    paths = {
        row.image_id: row.path
        for row in DataSource.load(folder_of(exporting, run.run) / "source").rows
    }
    return [
        (one, model.tensor(read_image(paths[one["image"]])).numpy())
        for one in run.predictions["test"]
    ]


@pytest.fixture(scope="module")
def onnx(exporting: Home, graph: bytes) -> Exported:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(programs, "network_to_onnx", lambda *_: graph)
        return export_run(exporting, 1, ExportFormat.ONNX)


@pytest.mark.req("X-18.1")
def test_onnx_gives_the_stored_test_probability_to_1e_4(onnx: Exported, tested: Pairs) -> None:
    session = open_session(onnx.content)
    assert len({one["probability"] for one, _ in tested}) > 1
    for one, image in tested:
        (found,) = session.run(["probability"], {"image": image})
        assert found[0] == pytest.approx(one["probability"], abs=1e-4)
    together = session.run(["probability"], {"image": np.concatenate([x for _, x in tested])})[0]
    assert together == pytest.approx([one["probability"] for one, _ in tested], abs=1e-4)


@pytest.mark.req("X-20.1")
def test_an_exported_program_gives_the_stored_test_probability(
    exporting: Home, tested: Pairs
) -> None:
    made = export_run(exporting, 1, ExportFormat.EXPORTED)
    beside = {"deepmed.json": ""}
    program = torch.export.load(io.BytesIO(made.content), extra_files=beside).module()
    for one, image in tested:
        found = program(torch.from_numpy(image))[1].item()
        assert found == pytest.approx(one["probability"], abs=1e-4)
    assert json.loads(beside["deepmed.json"]) == made.facts
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        assert not any(archive.read(n) for n in archive.namelist() if "sample_inputs" in n)
    assert str(Path(__file__).parents[4]).encode() not in made.content


@pytest.mark.req("X-20.1")
def test_a_file_carries_what_its_use_needs_and_names_nobody(
    exporting: Home, onnx: Exported
) -> None:
    facts = json.loads(notes_of(onnx.content)["deepmed"])
    assert facts == onnx.facts
    run = StoredRun.of(exporting, 1)
    assert facts["preprocessing"] == run.model["preprocessing"]
    assert facts["operating_point"] == run.model["operating_point"]
    assert facts["artifact"] == run.artifact.uid
    assert repr(run.model["operating_point"]["threshold"]) in facts["output"]["probability"]
    assert facts["parity"]["largest_difference"] <= facts["parity"]["tolerance"] == 1e-4
    assert facts["parity"]["compared_with"].endswith("images of validation and test")
    for part in run.predictions.values():
        for one in part:
            assert one["patient"].encode() not in onnx.content
    refuse_foreign(onnx.content)


@pytest.mark.req("X-20.1")
def test_the_price_of_whole_numbers_is_measured_on_validation(exporting: Home) -> None:
    made = export_run(exporting, 1, ExportFormat.INT8)
    assert b"ConvInteger" in made.content
    run = StoredRun.of(exporting, 1)
    records = run.predictions["validation"]
    cost, threshold = made.facts["cost"], run.model["operating_point"]["threshold"]
    assert (cost["split"], cost["n_items"]) == ("validation", len(records))
    session = open_session(made.content)
    model = LoadedModel.of(run.package.files)
    paths = {
        row.image_id: row.path
        for row in DataSource.load(folder_of(exporting, run.run) / "source").rows
    }
    images = [model.tensor(read_image(paths[one["image"]])).numpy() for one in records]
    shares = [session.run(["probability"], {"image": image})[0].item() for image in images]
    labels, patients = [one["label"] for one in records], [one["patient"] for one in records]
    again = evaluate_binary(labels, shares, patients, threshold, resamples=50).estimates
    full = run.evaluation["validation"]["report"]["figures"]
    for name, figure in cost["differences"].items():
        assert figure["estimate"] == pytest.approx(again[name] - full[name]["estimate"], abs=1e-7)
    changed = [
        (a >= threshold) != (b["probability"] >= threshold)
        for a, b in zip(shares, records, strict=True)
    ]
    assert cost["decisions_changed"] == sum(changed)
    off = [abs(a - b["probability"]) for a, b in zip(shares, records, strict=True)]
    assert made.facts["parity"]["largest_difference"] == pytest.approx(max(off), abs=1e-9)
    assert made.facts["parity"]["tolerance"] is None


@pytest.mark.parametrize("threshold", [0.5, None])
def test_what_whole_numbers_cost_is_told_over_images_where_nobody_is_known(
    threshold: float | None,
) -> None:
    configuration = {"evaluation": {"resamples": 5}, "system": {"seed": 0}}
    model = {"operating_point": {"threshold": threshold}, "classes": ["a", "b"]}
    run: Any = SimpleNamespace(run=SimpleNamespace(configuration=configuration), model=model)
    labels = [0, 1] * 4
    shares = np.linspace(0, 1, 8)
    full = shares if threshold else np.stack([1 - shares, shares], axis=1)
    for kind, unit in (("i", "image"), ("p", "patient")):
        patients = [f"{kind}-{number}" for number in range(8)]
        found = checking._differences(run, labels, full, full, patients)
        assert {figure.to_dict()["unit"] for figure in found.values()} == {unit}


def test_a_run_whose_images_are_gone_is_checked_on_made_up_ones(exporting: Home) -> None:
    made = export_run(exporting, 2, ExportFormat.ONNX)
    assert "made-up" in made.facts["parity"]["compared_with"]
    small = export_run(exporting, 2, ExportFormat.INT8)
    assert small.facts["cost"] is None
    assert "could not be measured" in small.facts["cost_reason"]


@pytest.mark.req("X-20.1")
def test_a_file_that_gives_other_probabilities_does_not_leave(
    exporting: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        programs.OnnxProgram, "ask", lambda _: lambda image: np.full(len(image), 0.1234)
    )
    with pytest.raises(ModelError, match="Nothing was written"):
        export_run(exporting, 1, ExportFormat.ONNX)


def test_an_export_is_written_down(exporting: Home, onnx: Exported) -> None:
    with exporting.database.read() as session:
        noted = list(history(session, exporting.owner_id))
    exports = [event for event in noted if event.action == "xray.export"]
    assert exports
    assert exports[0].details["format"] in {"onnx", "int8", "exported"}


def test_what_cannot_be_exported_is_refused(exporting: Home) -> None:
    with pytest.raises(ValidationError, match="onnx, exported, int8"):
        ExportFormat.named("torchscript")
    with pytest.raises(NotFoundError):
        export_run(exporting.for_owner(999), 1, ExportFormat.ONNX)
    number = service.StoredRun.of(exporting, 1).run.id
    with exporting.database.write() as session:
        from deepmed.features.xray.runs import repository

        repository.change(session, number + 1, status="failed")
    try:
        with pytest.raises(ConflictError):
            export_run(exporting, number + 1, ExportFormat.ONNX)
    finally:
        with exporting.database.write() as session:
            repository.change(session, number + 1, status="completed")

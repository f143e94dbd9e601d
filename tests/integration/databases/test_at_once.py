"""Two machines do the same, or the opposite, at the same moment, on each engine.

On SQLite that is two processes of one machine. A barrier stands where both have read and neither
has written.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from deepmed.core.datasets.tables import Dataset
from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.analysis import scoring, service, storing
from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.catalogue.deletion import Deletion
from deepmed.features.drawings.embeddings.service import EmbeddingService
from deepmed.features.drawings.importing.importer import FOLDER, DrawingImporter
from deepmed.features.drawings.models import training
from deepmed.features.drawings.models.activation import put_into_use
from deepmed.features.drawings.models.config import GroupTrainingConfig
from deepmed.features.drawings.models.training import Use
from deepmed.features.drawings.tables import (
    AgeGroupModel,
    AnomalyAnalysis,
    Child,
    Drawing,
    DrawingEmbedding,
)
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import NotFoundError
from deepmed.kit.pictures import encode_png
from factories.drawings import Sketch, add_drawings, embed, line_drawing, sketches
from factories.homes import QUICK, train

pytestmark = pytest.mark.req("P-4.1")

PATIENCE = 60


def at_once(deed: Callable[[Workbench], Any], machines: Sequence[Workbench]) -> list[Any]:
    """What each machine found; the first error of any, and not that another waited for it."""
    with ThreadPoolExecutor(len(machines)) as pool:
        running = [pool.submit(deed, machine) for machine in machines]
        for one in as_completed(running, PATIENCE):
            one.result()
        return [one.result() for one in running]


def meet(monkeypatch: pytest.MonkeyPatch, where: Any, name: str) -> None:
    """Both machines come to the end of this call before either goes on from there."""
    both, real = threading.Barrier(2, timeout=PATIENCE), getattr(where, name)

    def met(*given: Any, **named: Any) -> Any:
        found = real(*given, **named)
        both.wait()
        return found

    monkeypatch.setattr(where, name, met)


def count(machine: Workbench, *tables: Any) -> list[int]:
    with machine.database.read() as session:
        return [session.scalars(select(func.count(table.id))).one() for table in tables]


@pytest.mark.req("D-4.1")
def test_the_same_pictures_are_stored_once(
    machines: list[Workbench], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for place in range(6):
        name = f"person_age{4 + place}_child{place % 3}.png"
        (folder / name).write_bytes(encode_png(line_drawing(place, 4.0 + place)))
    meet(monkeypatch, DrawingImporter, "_without_present")

    def bring(machine: Workbench) -> Any:
        importer = DrawingImporter(machine.database, machine.storage, machine.settings, 1)
        return importer.import_source(folder, name_pattern="{subject}_age{age}_{child_id}")

    reports = at_once(bring, machines)
    assert sum(len(report.stored) for report in reports) == 6
    assert sum(len(report.already_present) for report in reports) == 6
    assert count(machines[0], Drawing, Child, Dataset) == [6, 3, 1]
    assert len(list(machines[0].storage.list_files(FOLDER))) == 6


def test_the_same_drawings_get_one_vector_each(
    machines: list[Workbench], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_drawings(machines[0], sketches(6))
    meet(monkeypatch, EmbeddingService, "encode")
    at_once(embed, machines)
    assert count(machines[0], Drawing, DrawingEmbedding) == [6, 6]


@pytest.mark.req("D-8.1")
def test_the_same_recipe_becomes_one_model(
    machines: list[Workbench], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_drawings(machines[0], sketches(24))
    embed(machines[0])
    meet(monkeypatch, training, "membership")  # between an artefact and its model's row
    runs = at_once(lambda machine: train(machine, "6-9"), machines)
    first, second = ([model.id for model in run.models] for run in runs)
    assert first == second
    assert count(machines[0], AgeGroupModel, Artifact) == [2, 2]
    with machines[0].database.read() as session:
        assert all(session.scalars(select(AgeGroupModel.is_active)))
    problems = [
        machines[0].registry.verify(one.uid).problems for one in machines[0].registry.walk()
    ]
    assert problems == [(), ()]


def test_of_two_models_of_a_range_one_is_in_use(machines: list[Workbench]) -> None:
    """Whatever the order: never both, never none, and no error."""
    add_drawings(machines[0], sketches(24))
    embed(machines[0])
    rows = []
    for seed in (1, 2):
        config: GroupTrainingConfig = QUICK.model_copy(update={"seed": seed})
        rows.append(train(machines[0], "6-9", config, Use.CANDIDATE).models)
    chosen = dict(zip(map(id, machines), rows, strict=True))

    def activate(machine: Workbench) -> None:
        for _ in range(5):
            with machine.database.write() as session:
                put_into_use(session, 1, chosen[id(machine)])

    at_once(activate, machines)
    with machines[0].database.read() as session:
        active = session.scalars(select(AgeGroupModel).where(AgeGroupModel.is_active)).all()
        keys = [row.active_key for row in active]
    assert sorted(row.kind for row in active) == ["group", "pooled"]
    assert len(set(keys)) == len(active)


@pytest.fixture
def analysed(machines: list[Workbench]) -> tuple[list[Workbench], list[int]]:
    """A model and three drawings that it has not seen."""
    add_drawings(machines[0], sketches(24))
    embed(machines[0])
    train(machines[0], "6-9")
    new = add_drawings(machines[0], [Sketch(picture=50 + place) for place in range(3)])
    embed(machines[0])
    return machines, new


def delete(machine: Workbench, drawing: int) -> None:
    Deletion(machine.database, machine.storage, 1).of_drawing(drawing)


def left(machine: Workbench) -> set[int]:
    with machine.database.read() as session:
        return set(session.scalars(select(AnomalyAnalysis.drawing_id)))


@pytest.mark.req("D-30.1")
def test_a_drawing_deleted_before_its_answer_is_stored_has_none(
    analysed: tuple[list[Workbench], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, second), new = analysed
    real = scoring.analyse

    def meanwhile(*given: Any, **named: Any) -> Any:
        found = real(*given, **named)
        delete(second, new[1])
        return found

    monkeypatch.setattr(service, "analyse", meanwhile)
    with pytest.raises(NotFoundError, match=str(new[1])):
        AnalysisService(first).analyze(new)
    assert left(first) == {new[0], new[2]}


@pytest.mark.req("D-30.1")
def test_a_drawing_deleted_while_its_answer_is_stored_has_none(
    analysed: tuple[list[Workbench], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deletion waits for the answer, and then takes it along."""
    (first, second), new = analysed
    real = storing.store
    threads = [threading.Thread(target=delete, args=(second, new[1]))]

    def meanwhile(*given: Any, **named: Any) -> Any:
        threads[0].start()
        threads[0].join(0.3)
        assert threads[0].is_alive()
        return real(*given, **named)

    monkeypatch.setattr(service, "store", meanwhile)
    AnalysisService(first).analyze(new)
    threads[0].join(PATIENCE)
    assert left(first) == {new[0], new[2]}
    assert count(first, Drawing) == [26]

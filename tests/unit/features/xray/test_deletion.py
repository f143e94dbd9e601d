"""A run goes with all that it made, and with nothing else (S-14)."""

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from deepmed.app import open_home
from deepmed.app.kinds import job_kinds
from deepmed.core.accounts.tables import Owner
from deepmed.core.home import Home
from deepmed.core.registry.tables import Artifact
from deepmed.features.xray import chores, deletion
from deepmed.features.xray.deletion import delete_run
from deepmed.features.xray.runs.artifact import ARTIFACT_KIND
from deepmed.features.xray.runs.database_operations import DBOperationsUtils
from deepmed.features.xray.runs.folders import folder_of
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.features.xray.runs.sinks import DatabaseSink
from deepmed.features.xray.tables import XrayRun, XrayRunEvent, XrayRunMetric
from deepmed.features.xray.uploads import FOLDER as SOURCES
from deepmed.kit import settings as kit_settings
from deepmed.kit.errors import ConflictError, NotFoundError
from deepmed.learning.classification.events import EventStream
from factories.xray import small

HOUR = 3600


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with open_home(kit_settings.load(home=tmp_path_factory.mktemp("deleting") / "home")) as home:
        yield home


def completed(home: Home, name: str = "lungs") -> XrayRun:
    """A run with a message, a number, a folder and an artefact of its own."""
    writing = DBOperationsUtils(home)
    number = writing.create_training_run("nowhere", name, small().resolved)
    row = {"epoch": 1, "val_auroc": 0.5}
    EventStream([DatabaseSink(home.database, number)]).emit(
        "epoch_end", {"epoch": 1, "phase": "train", "metrics": row}
    )
    run = run_of(home, number)
    made = publish(home, run.uid)
    writing.complete_training_run(number, {"artifact": made.uid}, made.id)
    folder = folder_of(home, run)
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text("[]")
    return run_of(home, number)


def publish(home: Home, run: str, **lineage: object) -> Artifact:
    return home.registry.publish(
        ARTIFACT_KIND,
        {"model.json": b"{}"},
        metrics={},
        card={},
        lineage={"run": run, **lineage},
        recipe_hash=run,
        configuration={},
        seed=1,
        data_hash="none",
    )


def run_of(home: Home, number: int) -> XrayRun:
    with home.database.read() as session:
        return session.get_one(XrayRun, number)


def counts(home: Home, run: int) -> list[int]:
    with home.database.read() as session:
        return [
            session.scalars(select(func.count()).where(column == run)).one()
            for column in (XrayRun.id, XrayRunEvent.run_id, XrayRunMetric.run_id)
        ]


def is_stored(home: Home, artifact: int | None) -> bool:
    with home.database.read() as session:
        return session.get(Artifact, artifact) is not None


def age(folder: Path, hours: float = 2) -> None:
    os.utime(folder, (time.time() - hours * HOUR,) * 2)


def test_a_run_goes_with_messages_numbers_model_and_folder_and_others_stay(opened: Home) -> None:
    doomed, other = completed(opened), completed(opened)
    files = len(list(opened.storage.list_files("artifacts")))
    delete_run(opened, doomed.id)
    assert counts(opened, doomed.id) == [0, 0, 0]
    assert not is_stored(opened, doomed.artifact_id)
    assert not folder_of(opened, doomed).exists()
    assert len(list(opened.storage.list_files("artifacts"))) == files // 2
    assert counts(opened, other.id) == [1, 1, 1]
    assert is_stored(opened, other.artifact_id)
    assert folder_of(opened, other).is_dir()
    with pytest.raises(NotFoundError):
        delete_run(opened, doomed.id)


@pytest.mark.req("S-3.1")
@pytest.mark.parametrize("number", [0, -1, 2**70])
def test_what_is_not_there_or_anothers_is_not_found(opened: Home, number: int) -> None:
    with pytest.raises(NotFoundError):
        delete_run(opened, number)
    with opened.database.write() as session:
        stranger = Owner(name=f"stranger {number}")
        session.add(stranger)
        session.flush()
    run = completed(opened)
    with pytest.raises(NotFoundError):
        delete_run(opened.for_owner(stranger.id), run.id)
    assert counts(opened, run.id) == [1, 1, 1]


def test_a_run_that_waits_or_works_is_not_deleted_and_a_cancelled_one_is(
    opened: Home, tmp_path: Path
) -> None:
    runs = XrayRuns.of(opened, job_kinds())
    run, _ = runs.start(tmp_path, "waiting", small())
    with pytest.raises(ConflictError, match="Cancel it first"):
        delete_run(opened, run.id)
    assert counts(opened, run.id) == [1, 0, 0]
    runs.cancel(run.id)
    delete_run(opened, run.id)
    assert counts(opened, run.id) == [0, 0, 0]


def test_where_something_rests_on_its_model_nothing_goes(opened: Home) -> None:
    run, other = completed(opened), completed(opened)
    with opened.database.write() as session:
        session.get_one(XrayRun, other.id).artifact_id = run.artifact_id
    with pytest.raises(ConflictError, match="nothing was deleted"):
        delete_run(opened, run.id)
    assert counts(opened, run.id) == [1, 1, 1]
    assert is_stored(opened, run.artifact_id)
    assert folder_of(opened, run).is_dir()


def test_what_a_killed_deletion_left_goes_by_the_clock_and_nothing_else(
    opened: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    doomed, kept, going = completed(opened), completed(opened), completed(opened)
    imported = publish(opened, "elsewhere", imported={"from": "another installation"})
    with opened.database.write() as session:  # as between storing its model and its last step
        session.get_one(XrayRun, going.id).artifact_id = None
    with monkeypatch.context() as patch:
        patch.setattr(deletion, "discard", lambda *_: False)
        patch.setattr("deepmed.features.xray.deletion.shutil.rmtree", lambda *_, **__: None)
        delete_run(opened, doomed.id)
    for run in (doomed, kept, going):
        age(folder_of(opened, run))
    assert chores.sweep(opened) == 1, "the folder; the model is young"
    assert not folder_of(opened, doomed).exists()
    monkeypatch.setattr(chores, "ORPHAN_AGE", timedelta(0))
    assert chores.sweep(opened) == 1
    assert not is_stored(opened, doomed.artifact_id)
    for run in (kept, going):
        assert is_stored(opened, run.artifact_id)
        assert folder_of(opened, run).is_dir()
    assert is_stored(opened, imported.id)


def test_uploads_that_did_not_come_to_their_end_go_by_the_clock(opened: Home) -> None:
    folder = opened.settings.home / SOURCES / str(opened.owner_id)
    for name, file in (("half", "a.part"), ("young", "b.part"), ("whole", "c.zip")):
        (folder / name).mkdir(parents=True)
        (folder / name / file).touch()
    age(folder / "half")
    age(folder / "whole")
    assert chores.sweep(opened) == 1
    assert {path.name for path in folder.iterdir()} == {"young", "whole"}

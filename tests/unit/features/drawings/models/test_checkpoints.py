"""No half-trained weights outlive the drawings that they have seen (D-30)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from deepmed.cli.entry import main
from deepmed.core.home import Home
from deepmed.core.jobs import endings, repository
from deepmed.core.jobs.failures import worker_died
from deepmed.core.jobs.folders import open_folder
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.tables import Job
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.jobs import KINDS
from deepmed.features.drawings.models import checkpoints
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit import clock
from factories import encoder
from factories.drawings import Sketch, add_drawings
from factories.homes import stranger

Deletion = Callable[[Desk, int], None]


class Trainings:
    """An owner's jobs of training, and the checkpoints that they left."""

    def __init__(self, bench: Workbench) -> None:
        self.home = Home(bench.settings, bench.database, bench.owner_id)
        self.ledger = JobLedger.of(self.home, {kind.name: kind for kind in KINDS})

    def begun(self) -> tuple[Job, Path]:
        group = {"age_min": 6, "age_max": 9}
        job = self.ledger.submit("drawings.train", {"groups": [group]})
        return job, self.checkpoint(job)

    def checkpoint(self, job: Job) -> Path:
        path = open_folder(self.home, job) / "model.safetensors"
        path.write_bytes(b"weights")
        return path

    def cancelled(self) -> Path:
        job, checkpoint = self.begun()
        self.ledger.cancel(job.id)
        return checkpoint


def by_request(desk: Desk, drawing: int) -> None:
    desk.catalogue.delete_drawing(drawing)
    desk.revise_models()


def by_command(_: Desk, drawing: int) -> None:
    assert main(["drawings", "delete", str(drawing), "--yes", "--json"]) == 0


def with_its_child(_: Desk, __: int) -> None:
    assert main(["drawings", "delete", "--child", "k1", "--yes", "--json"]) == 0


@pytest.fixture
def trainings(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> Trainings:
    monkeypatch.setenv("DEEPMED_ENCODER", encoder.NAME)
    return Trainings(bench)


@pytest.mark.req("D-30.2")
@pytest.mark.parametrize("delete", [by_request, by_command, with_its_child])
def test_a_deletion_takes_the_checkpoints_of_ended_trainings(
    bench: Workbench, trainings: Trainings, delete: Deletion
) -> None:
    drawing, _ = add_drawings(bench, [Sketch(child="k1"), Sketch(child="k2")])
    checkpoint, others = trainings.cancelled(), Trainings(stranger(bench)).cancelled()
    desk = Desk(trainings.home)
    desk.revise_models()
    assert checkpoint.exists()
    delete(desk, drawing)
    assert not checkpoint.exists()
    assert others.exists()


@pytest.mark.req("D-30.2")
def test_a_training_that_outlives_a_deletion_leaves_no_checkpoint_when_it_fails(
    bench: Workbench, trainings: Trainings
) -> None:
    [drawing] = add_drawings(bench, [Sketch()])
    job, checkpoint = trainings.begun()
    by_request(Desk(trainings.home), drawing)
    assert checkpoint.exists()
    fail(bench, job)
    checkpoints.forget(bench)
    assert not checkpoint.exists()


@pytest.mark.req("P-6.1")
def test_what_was_deleted_before_a_training_does_not_take_its_checkpoint(
    bench: Workbench, trainings: Trainings
) -> None:
    [drawing] = add_drawings(bench, [Sketch()])
    by_request(Desk(trainings.home), drawing)
    checkpoint = trainings.cancelled()
    checkpoints.forget(bench)
    assert checkpoint.exists()


def fail(bench: Workbench, job: Job) -> None:
    """As a worker ends a job whose process died in its last attempt."""
    with bench.database.write_concurrently() as session:
        claimed = repository.claim(
            session, "tests", {job.queue}, {job.kind}, lease_until=clock.now()
        )
        assert claimed is not None
        claimed.attempt = claimed.max_attempts
        endings.fail(session, claimed, worker_died("was killed"))

"""`deepmed job …` and `deepmed worker`, run as a person would."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deepmed.app import open_home
from deepmed.cli.entry import main
from deepmed.core.home import Home
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.tables import JobState
from deepmed.kit.settings import Settings
from factories import job_kinds, jobs
from factories.launching import fork_children

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def opened(settings: Settings, database: object) -> Iterator[Home]:
    with open_home(settings) as home:
        yield home


@pytest.fixture
def ledger(opened: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobLedger:
    job_kinds.install(tmp_path / "plug-in", monkeypatch)
    return jobs.ledger_of(opened)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run_one(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run_one


@pytest.fixture
def forked_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """What such a child does, and not how it begins."""
    fork_children(monkeypatch)


def answer(run: Run, *arguments: str) -> Any:
    code, out, _ = run(*arguments, "--json")
    assert code == 0
    return json.loads(out)


def test_a_worker_runs_once_and_says_how_many(ledger: JobLedger, run: Run) -> None:
    for n in range(3):
        ledger.submit("test.add", {"first": n, "second": 1})
    done = answer(run, "worker", "--once", "--queue", "default", "--concurrency", "2")
    assert (done["ended"], done["queues"]) == (3, ["default"])
    with ledger.database.read() as session:
        assert {job.state for job in ledger.list(session)} == {"succeeded"}


def test_a_worker_leaves_other_queues_alone(ledger: JobLedger, run: Run) -> None:
    job = ledger.submit("test.add", {"first": 1, "second": 1})
    answer(run, "worker", "--once", "--queue", "children")
    assert jobs.job_of(ledger.database, job.id).state == JobState.QUEUED


def test_a_queue_that_is_none_is_refused(ledger: JobLedger, run: Run) -> None:
    code, _, err = run("worker", "--once", "--queue", "fast")
    assert code == 1
    said, _, listed = err.strip().partition(" Queues here: ")
    assert said == "Error: There is no queue fast."
    queues = listed.removesuffix(".").split(", ")
    # Those of the tests' plug-in stand among the product's own.
    assert {"alone", "backups", "children", "default"} < set(queues)
    assert queues == sorted(set(queues))


def test_jobs_are_listed_for_people_and_programs(ledger: JobLedger, run: Run) -> None:
    assert "no such jobs" in run("job", "list")[1]
    first = ledger.submit("test.add", {"first": 1, "second": 2})
    second = ledger.submit("test.hold", {})
    ledger.cancel(first.id)
    out = run("job", "list")[1]
    assert "Test add" in out
    assert "cancelled" in out
    assert [job["id"] for job in answer(run, "job", "list")["jobs"]] == [second.id, first.id]
    only = answer(run, "job", "list", "--state", "queued", "--kind", "test.hold", "--limit", "1")
    assert [job["id"] for job in only["jobs"]] == [second.id]
    older = answer(run, "job", "list", "--before", str(second.id))["jobs"]
    assert [job["id"] for job in older] == [first.id]


def test_a_job_is_shown(ledger: JobLedger, run: Run) -> None:
    job = ledger.submit("test.add", {"first": 1, "second": 2})
    shown = answer(run, "job", "show", str(job.id))
    assert (shown["state"], shown["payload"]) == ("queued", {"first": 1, "second": 2})
    assert "test.add" in run("job", "show", str(job.id))[1]


@pytest.mark.parametrize("command", ["show", "cancel", "retry", "logs", "run"])
def test_a_job_that_is_none_is_told(ledger: JobLedger, run: Run, command: str) -> None:
    code, _, err = run("job", command, "77")
    assert code == 1
    assert "There is no job 77." in err


def test_a_job_is_cancelled_and_retried(ledger: JobLedger, run: Run) -> None:
    job = str(ledger.submit("test.add", {"first": 1, "second": 2}).id)
    assert "Job 1 is cancelled." in run("job", "cancel", job)[1]
    assert answer(run, "job", "retry", job)["state"] == "queued"
    jobs.claimed(ledger.database)
    assert "was asked to stop" in run("job", "cancel", job)[1]
    assert run("job", "retry", job)[0] == 1


def test_logs_number_what_happened(ledger: JobLedger, run: Run) -> None:
    job = str(ledger.submit("test.add", {"first": 1, "second": 2}).id)
    ledger.cancel(int(job))
    lines = run("job", "logs", job)[1].splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2"]
    assert "cancelled" in lines[1]
    events = answer(run, "job", "logs", job, "--after", "1")["events"]
    assert [(event["sequence"], event["kind"]) for event in events] == [(2, "cancelled")]
    assert run("job", "logs", job, "--after", "9")[0] == 1


@pytest.mark.req("P-6.3")
@pytest.mark.usefixtures("forked_children")
def test_logs_follow_a_job_to_its_end(ledger: JobLedger, run: Run, settings: Settings) -> None:
    job = ledger.submit("test.steps", {"count": 3, "seconds": 0.1})
    with jobs.working(settings):
        events = answer(run, "job", "logs", str(job.id), "--follow")["events"]
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["kind"] == "succeeded"


@pytest.mark.usefixtures("forked_children")
def test_a_job_is_run_here_and_now(ledger: JobLedger, run: Run) -> None:
    waiting = ledger.submit("test.add", {"first": 1, "second": 1})
    job = ledger.submit("test.steps", {"count": 2})
    assert answer(run, "job", "run", str(job.id))["state"] == "succeeded"
    assert jobs.job_of(ledger.database, waiting.id).state == JobState.QUEUED
    code, _, err = run("job", "run", str(job.id))
    assert code == 1
    assert "only a queued one can be run" in err


@pytest.mark.usefixtures("forked_children")
def test_whoever_waits_for_a_job_is_told_its_steps(ledger: JobLedger, run: Run) -> None:
    job = ledger.submit("test.talk", {})
    code, out, err = run("job", "run", str(job.id), "--json")
    assert (code, json.loads(out)["state"]) == (0, "succeeded")
    assert [line for line in err.splitlines() if "th" in line] == ["first this", "then that"]


@pytest.mark.usefixtures("forked_children")
def test_a_job_that_fails_here_is_told_by_the_exit_code(ledger: JobLedger, run: Run) -> None:
    job = ledger.submit("test.fail", {"error": "ConflictError"})
    code, out, _ = run("job", "run", str(job.id))
    assert code == 1
    assert "has failed" in out
    assert "as it was told to" in out


@pytest.mark.usefixtures("forked_children")
def test_a_job_that_will_be_tried_again_is_told_so(ledger: JobLedger, run: Run) -> None:
    job = ledger.submit("test.fail", {"error": "ResourceError"})
    code, out, _ = run("job", "run", str(job.id))
    assert code == 1
    assert "for its next attempt" in out


@pytest.mark.parametrize("arguments", [["worker", "--help"], ["job", "--help"], ["--help"]])
def test_help_comes_at_once_and_loads_neither_database_nor_web(arguments: list[str]) -> None:
    looks = "import sys; from deepmed.cli.entry import main; main(sys.argv[1:]); "
    looks += "print({'sqlalchemy', 'fastapi', 'torch'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", looks, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "set()"


def test_the_help_teaches(run: Run) -> None:
    assert "neither lost nor completed twice" in " ".join(run("job", "--help")[1].split())
    assert "gives its jobs back" in " ".join(run("worker", "--help")[1].split())
    assert "--child-of" not in run("job", "run", "--help")[1], "it is for the program itself"

"""Many workers on one ledger: how soon all is done, and whether each job was done once."""

import time
from contextlib import ExitStack
from functools import partial

from deepmed.app.bench.platform.figures import Figure
from deepmed.app.bench.platform.kinds import BY_NAME, COUNTED, WORKED
from deepmed.app.opening import open_home
from deepmed.core.home import Home
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.supervisor import Supervisor
from deepmed.kit.errors import ResourceError
from deepmed.kit.settings import Settings

PATIENCE_SECONDS = 300.0
ONCE = ["queued", "started", WORKED, "succeeded"]


def drain(settings: Settings, claimers: int, jobs: int) -> Figure:
    """Seconds that workers take, each with connections of its own, from their start."""
    with open_home(settings) as home, ExitStack() as workers:
        ledger = JobLedger.of(home, BY_NAME)
        ids = _submit(ledger, jobs)
        begun = time.perf_counter()
        for _ in range(claimers):
            worker = Supervisor(partial(open_home, settings), BY_NAME)
            worker.start()
            workers.callback(worker.stop)
        _wait(home, ledger, begun)
        seconds = time.perf_counter() - begun
        return Figure([seconds], "s", 60.0, condition=("each job exactly once", _once(ledger, ids)))


def _submit(ledger: JobLedger, jobs: int) -> list[int]:
    with ledger.database.write_concurrently() as session:
        return [ledger.submit(COUNTED, {}, session=session).id for _ in range(jobs)]


def _wait(home: Home, ledger: JobLedger, begun: float) -> None:
    while True:
        with home.database.read() as session:
            left = ledger.count_unfinished(session, COUNTED)
        if not left:
            return
        if time.perf_counter() - begun > PATIENCE_SECONDS:
            raise ResourceError(f"{left} jobs were left after {PATIENCE_SECONDS:.0f} s.")
        time.sleep(0.05)


def _once(ledger: JobLedger, ids: list[int]) -> bool:
    """Whether each job's events tell of one start, one run and one end."""
    with ledger.database.read() as session:
        told = [[event.kind for event in ledger.events(session, job_id)] for job_id in ids]
    return all(kinds == ONCE for kinds in told)

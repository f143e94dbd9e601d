"""`deepmed worker`: a worker in the foreground; and one job of a command that waits for it."""

import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from deepmed.cli.output import JsonFlag, Output, Progress

if TYPE_CHECKING:
    from deepmed.core.home import Home
    from deepmed.core.jobs.ledger import JobLedger
    from deepmed.core.jobs.supervisor import Supervisor
    from deepmed.core.jobs.tables import Job

LOOK_SECONDS = 0.1


def worker(
    queue: Annotated[
        list[str] | None,
        typer.Option(help="Only jobs of this queue; repeat it for more. All queues when unset."),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, help="Jobs of one queue at once; DEEPMED_JOB_CONCURRENCY when unset."),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="End when nothing is left that could run now.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Work off queued jobs until Ctrl-C or SIGTERM.

    `deepmed serve` has a worker of its own; start more of them here or on other machines that
    share the database and the file store. Stopping one gives its jobs back: another goes on
    with them, from their last checkpoint. So does killing one, some ten seconds later.
    """
    from deepmed.app import open_home
    from deepmed.app.chores import chores
    from deepmed.app.kinds import job_kinds
    from deepmed.core.jobs.supervisor import Supervisor
    from deepmed.kit.settings import current

    out = Output(as_json)
    kinds = job_kinds()
    slots = concurrency or current().job_concurrency
    names = _checked(queue, {kind.queue for kind in kinds.values()})
    supervisor = Supervisor(
        open_home, kinds, queues=dict.fromkeys(names, slots), once=once, chores=chores(kinds)
    )
    out.note(f"Working off {', '.join(names) or 'nothing'}, {slots} at once in each queue.")
    work_in_foreground(supervisor)
    out.say(f"{supervisor.ended} runs ended here.")
    out.finish({"worker": supervisor.worker, "queues": names, "ended": supervisor.ended})


def work_on(out: Output, home: "Home", job: "Job") -> None:
    """Run one job here and now, in a child that a signal can end; each step is told as it begins.

    Args:
        out: where that is told; a bar shows how far it is where a terminal is attached.
        home: of the job's owner.
        job: a queued one.
    """
    from deepmed.app import open_home
    from deepmed.app.kinds import job_kinds
    from deepmed.core.jobs.ledger import JobLedger
    from deepmed.core.jobs.supervisor import Supervisor

    with out.progress(job.title) as progress:
        course = _Course(JobLedger.of(home), job, progress)
        supervisor = Supervisor(open_home, job_kinds(), only=job.id, once=True)
        work_in_foreground(supervisor, course.tell)
        course.tell()


class _Course:
    """What happens to a job, told as it comes."""

    def __init__(self, ledger: "JobLedger", job: "Job", progress: Progress) -> None:
        self._ledger, self._progress = ledger, progress
        self._job_id, self._told = job.id, job.last_sequence

    def tell(self) -> None:
        """What is new."""
        from deepmed.core.jobs.following import follow

        for event in follow(self._ledger, self._job_id, self._told, until_end=False):
            self._told = event.sequence
            if event.kind == "log":
                self._progress.note(event.data["text"])
            elif event.kind == "progress":
                data = event.data
                self._progress(data["completed"], data["total"], data["text"])


def work_in_foreground(supervisor: "Supervisor", look: Callable[[], None] | None = None) -> None:
    """Run it until it is done or a signal asks it to stop; `look` is called now and then."""
    asked = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: asked.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        supervisor.start()
        while not supervisor.wait(LOOK_SECONDS) and not asked.is_set():
            if look is not None:
                look()
        supervisor.stop()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _checked(asked: list[str] | None, known: set[str]) -> list[str]:
    from deepmed.kit.errors import ValidationError

    if unknown := set(asked or ()) - known:
        raise ValidationError(
            f"There is no queue {', '.join(sorted(unknown))}. Queues here: "
            f"{', '.join(sorted(known)) or 'none'}."
        )
    return sorted(asked or known)

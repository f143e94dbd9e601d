"""`deepmed worker`: a worker in the foreground."""

import signal
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from deepmed.cli.output import JsonFlag, Output

if TYPE_CHECKING:
    from deepmed.core.jobs.supervisor import Supervisor


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


def work_in_foreground(supervisor: "Supervisor") -> None:
    """Run it until it is done or a signal asks it to stop."""
    asked = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: asked.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        supervisor.start()
        while not supervisor.wait(0.1) and not asked.is_set():
            pass
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

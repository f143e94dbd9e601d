from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """How a worker keeps time, in seconds.

    Attributes:
        lease: a run that is not heard of for so long is taken up by others. The clocks of the
            machines that share a ledger must agree to within a part of it; should they not, work
            is done twice for nothing, but never written twice.
        heartbeat: how often a worker prolongs the leases of its runs, and looks who was cancelled.
        poll: how often it looks for work.
        grace: what a child has to stop by itself before it is killed.
        idle: how long a child without work is kept for the next job of its owner.
        chores: how often what is done by the clock is looked at.
        tidying: how often what ended jobs left behind is looked for.
    """

    lease: float = 10.0
    heartbeat: float = 2.0
    poll: float = 0.25
    grace: float = 3.0
    idle: float = 60.0
    chores: float = 30.0
    tidying: float = 600.0

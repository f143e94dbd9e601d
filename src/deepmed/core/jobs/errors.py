from deepmed.kit.errors import ConflictError


class LeaseLostError(ConflictError):
    """This run of the job is over: another took it up, or it was ended. Nothing was written."""

    code = "lease_lost"


class JobCancelled(Exception):  # noqa: N818 - a request that is followed, not a fault
    """Somebody asked this job to stop, or its worker is being stopped."""

"""What went wrong in a job, for people and for the decision whether to try again."""

import sys
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import OperationalError

from deepmed.kit import logging
from deepmed.kit.errors import DeepMedError, ResourceError
from deepmed.kit.ids import new_uid

TRANSIENT = (ResourceError, OperationalError, ConnectionError, TimeoutError)
LONGEST_PAUSE = 300.0


@dataclass(frozen=True)
class Trouble:
    code: str
    message: str
    error_id: str
    transient: bool
    """Whether the same work may well succeed later."""

    def to_dict(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "error_id": self.error_id}


def trouble_of(error: Exception, job_id: int) -> Trouble:
    """Describe an error; one that nobody foresaw goes to the log in full, not to the person."""
    transient = isinstance(error, TRANSIENT)
    if isinstance(error, DeepMedError):
        return Trouble(error.code, error.message, error.error_id, transient)
    error_id = new_uid()
    if _is_learning_error(error):
        message = str(error) or (type(error).__doc__ or type(error).__name__)
        return Trouble("learning", message, error_id, transient)
    logging.get("deepmed.jobs").error(
        "job failed", job_id=job_id, error_id=error_id, exc_info=error
    )
    message = (
        f"Something unforeseen happened ({type(error).__name__}), error id {error_id}. Finished "
        "work is kept; the worker's log has the details under this id."
    )
    return Trouble("unexpected", message, error_id, transient)


def worker_died(how: str) -> Trouble:
    message = f"The process that worked on it {how}. Finished work is kept."
    return Trouble("worker_died", message, new_uid(), transient=True)


def pause_after(attempt: int) -> float:
    """Seconds until the next attempt: 2, 4, 8, …, at most five minutes.

    >>> [pause_after(attempt) for attempt in (1, 2, 3, 20)]
    [2.0, 4.0, 8.0, 300.0]
    """
    return min(2.0**attempt, LONGEST_PAUSE)


def _is_learning_error(error: Exception) -> bool:
    # Whoever raised one has imported the module; importing it here would pull in torch.
    module: Any = sys.modules.get("deepmed.learning.errors")
    return module is not None and isinstance(error, module.LearningError)

"""The nine steps of a training, as they are logged, stored and shown (X-11)."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """`name` is stored with the run, `text` is for people."""

    number: int
    name: str
    text: str


STEPS = tuple(
    Step(number, name, text)
    for number, (name, text) in enumerate(
        (
            ("create_run", "Recording the run"),
            ("extract_and_validate", "Taking in images and labels"),
            ("prepare_dataset", "Splitting by patient and looking for leaks"),
            ("create_data_module", "Preparing the images"),
            ("build_model", "Building network and callbacks"),
            ("build_trainer", "Preparing the trainer"),
            ("fit", "Training"),
            ("evaluate", "Fixing threshold and calibration, and testing once"),
            ("complete", "Storing the results"),
        ),
        1,
    )
)


def unheard_step(_step: Step) -> None:
    """Nobody listens."""


def unheard_progress(_completed: int, _total: int, _text: str) -> None:
    """Nobody listens."""


def never() -> bool:
    """Nobody wants it to end."""
    return False


@dataclass(frozen=True)
class Watcher:
    """Whom a training tells of itself; what these raise ends it.

    Attributes:
        step: called as each step begins.
        progress: (done, total, what) of images and epochs.
        cancelled: whether somebody wants the training to end; asked often.
    """

    step: Callable[[Step], None] = unheard_step
    progress: Callable[[int, int, str], None] = unheard_progress
    cancelled: Callable[[], bool] = never

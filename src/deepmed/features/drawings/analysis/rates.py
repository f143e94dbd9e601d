"""Whose flags make a rate: one answer for statistics, report and command line (D-26).

A rate of false alarms is one of typical drawings by new children, so it leaves out what a person
labelled, copies of other drawings, withdrawn ones, and answers that could not have been a flag.
Labelled drawings are counted apart: their flags say what is found.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Protocol, TypeVar

from deepmed.features.drawings.analysis.decisions import ANSWERED
from deepmed.features.drawings.models.eligibility import TYPICAL_LABELS
from deepmed.learning.reference import Role


class Use(StrEnum):
    """What the flag of a drawing may be counted for."""

    NEW = "new"
    """A typical drawing by a new child: the rate of false alarms."""
    TRAINING = "training"
    """A typical drawing by a child of the training: its rate is fixed by construction."""
    LABELLED = "labelled"
    """A person labelled it, so it trained nothing: the share that is found."""


class Answer(Protocol):
    """What an analysis says, or a row that counts analyses."""

    @property
    def decision(self) -> str: ...
    @property
    def role(self) -> str | None: ...


class Marked(Protocol):
    """How a drawing is marked, or all those that a row counts."""

    @property
    def expert_label(self) -> str | None: ...
    @property
    def withdrawn(self) -> bool: ...
    @property
    def duplicate_of(self) -> int | None: ...


class Analysis(Answer, Protocol):
    """An answer for one drawing."""

    @property
    def drawing_id(self) -> int: ...


AnAnalysis = TypeVar("AnAnalysis", bound=Analysis)


def use_of(answer: Answer, drawing: Marked) -> Use | None:
    """What a flag may be counted for; None: for nothing."""
    if answer.decision not in ANSWERED:
        return None
    if drawing.withdrawn or drawing.duplicate_of is not None:
        return None
    if drawing.expert_label not in TYPICAL_LABELS:
        return Use.LABELLED
    return Use.NEW if answer.role == Role.NEW else Use.TRAINING


def by_use(
    answers: Iterable[AnAnalysis], drawings: Mapping[int, Marked]
) -> dict[Use, list[AnAnalysis]]:
    """The answers by their use, in the order given; those without a use are left out.

    Args:
        answers: analyses.
        drawings: the drawing of each, by its id.
    """
    found: dict[Use, list[AnAnalysis]] = {use: [] for use in Use}
    for answer in answers:
        use = use_of(answer, drawings[answer.drawing_id])
        if use is not None:
            found[use].append(answer)
    return found

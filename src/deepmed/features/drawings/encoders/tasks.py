"""The three questions that encoders are compared by, with a row for each view of the drawings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Self

import numpy as np

from deepmed.features.drawings.encoders import figures
from deepmed.features.drawings.encoders.figures import Floats, Ids, OneClass, known
from deepmed.features.drawings.subjects import SubjectCategory, subject_index
from deepmed.learning.detectors.folds import Folds, PlantedItem
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation import Interval

ENCODER, PLAIN, CONSTANT = "encoder", "plain features", "constant"
NOTHING = "always the same answer"
COMPARED = 3
"""Questions in which views are set beside each other."""


@dataclass(frozen=True)
class View:
    """Drawings and planted ones as rows of numbers; None where nothing is looked at at all.

    Attributes:
        name: of the encoder or the plain features.
        role: `encoder`, `plain features` or `constant`.
        drawings: (n, d).
        planted: (m, d).
    """

    name: str
    role: str
    drawings: Floats | None
    planted: Floats | None


@dataclass(frozen=True)
class Row:
    """One view's figure, and by how much it exceeds the present encoder's (negative: falls short).

    A smaller age error is better, so there the difference is that of the present encoder less its
    own.
    """

    name: str
    role: str
    figure: Interval | None
    beside_present: Interval | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "role": self.role,
            "figure": self.figure and self.figure.to_dict(),
            "beside_present": self.beside_present and self.beside_present.to_dict(),
        }


@dataclass(frozen=True)
class Task:
    """A question and the answers; `reason` says why there are none."""

    name: str
    measure: str
    higher_is_better: bool = True
    rows: list[Row] = field(default_factory=list)
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "task": self.name,
            "measure": self.measure,
            "higher_is_better": self.higher_is_better,
            "reason": self.reason,
            "rows": [row.to_dict() for row in self.rows],
        }


@dataclass(frozen=True)
class Terms:
    """How views are compared.

    Attributes:
        present: name of the view that the others are set beside.
        seed: of folds and resamples.
        level: of the differences' intervals; the more there are of them the higher it is, so that
            one in twenty comparisons at most finds a difference by chance.
    """

    present: str
    seed: int
    level: float

    @classmethod
    def of(cls, present: str, views: Sequence[View], seed: int) -> Self:
        rivals = sum(view.role == ENCODER for view in views) - 1
        return cls(present, seed, 1 - 0.05 / max(1, rivals * COMPARED))


@dataclass(frozen=True)
class People:
    """Who drew what, when; (n,) each."""

    children: Ids
    ages: Floats
    subjects: Ids


def retrieval(views: Sequence[View], people: People, terms: Terms) -> Task:
    """Does the nearest drawing of another child show the same subject?"""
    task = Task("retrieval", "share whose nearest drawing of another child has the subject")
    told = people.subjects != subject_index(SubjectCategory.UNSPECIFIED)
    children, subjects = people.children[told], people.subjects[told]
    kinds, counts = np.unique(subjects, return_counts=True)
    if len(kinds) < 2:
        return replace(task, reason="The drawings show fewer than two known subjects.")
    hits = {
        view.name: subjects == kinds[counts.argmax()]
        if view.drawings is None
        else figures.same_subject(view.drawings[told], children, subjects)
        for view in views
    }

    def beside(name: str) -> Interval:
        difference = hits[name].astype(float) - hits[terms.present]
        return figures.mean(difference, children, terms.seed, figures.NEAREST, terms.level)

    def figure(name: str) -> Interval:
        return figures.share(hits[name], children, terms.seed)

    return replace(task, rows=_rows(views, terms, figure, beside))


def ages(views: Sequence[View], people: People, terms: Terms) -> list[Task]:
    """How many years is a simple regression off, and does it find the order of the ages?"""
    error = Task("age error", "mean distance to the age in years", higher_is_better=False)
    order = Task("age order", "rank correlation with the age")
    if len(np.unique(people.ages)) < 2:
        reason = "All drawings are of one age."
        return [replace(error, reason=reason), replace(order, reason=reason)]
    told = {
        view.name: figures.ages_told(view.drawings, people.children, people.ages, terms.seed)
        for view in views
    }
    return [_error(error, told, views, people, terms), _order(order, told, views, people, terms)]


def _error(
    task: Task, told: Mapping[str, Floats], views: Sequence[View], people: People, terms: Terms
) -> Task:
    off = {name: np.abs(values - people.ages) for name, values in told.items()}

    def beside(name: str) -> Interval:
        nearer = off[terms.present] - off[name]
        return figures.mean(nearer, people.children, terms.seed, level=terms.level)

    def figure(name: str) -> Interval:
        return figures.mean(off[name], people.children, terms.seed)

    return replace(task, rows=_rows(views, terms, figure, beside))


def _order(
    task: Task, told: Mapping[str, Floats], views: Sequence[View], people: People, terms: Terms
) -> Task:
    def figure(name: str) -> Interval:
        return figures.correlation_interval(told[name], people.ages, people.children, terms.seed)

    # The same regressions as the error's, so one of the two is set beside the present encoder's.
    looking = [view for view in views if view.drawings is not None]
    return replace(
        task,
        rows=[Row(view.name, view.role, known(partial(figure, view.name))) for view in looking],
    )


def one_class(
    views: Sequence[View], people: People, items: Sequence[PlantedItem], terms: Terms
) -> Task:
    """Does a detector that never saw a child tell its drawings from those planted into them?"""
    task = Task("planted anomalies", f"AUROC of {figures.DETECTOR} on held-out children")
    try:
        folds = Folds.deal(people.children.tolist(), items, figures.FOLDS, terms.seed)
    except InsufficientDataError as error:
        return replace(task, reason=str(error))
    judge = OneClass(folds, terms.seed)
    ranks = {
        view.name: judge.ranks(
            _or_constant(view.drawings, len(people.children)),
            _or_constant(view.planted, len(items)),
        )
        for view in views
    }

    def beside(name: str) -> Interval:
        return judge.difference(ranks[name], ranks[terms.present], terms.level)

    def figure(name: str) -> Interval:
        return judge.interval(ranks[name])

    return replace(task, rows=_rows(views, terms, figure, beside))


def _or_constant(view: Floats | None, count: int) -> Floats:
    return np.zeros((count, 1)) if view is None else view


def _rows(
    views: Sequence[View],
    terms: Terms,
    figure: Callable[[str], Interval],
    beside: Callable[[str], Interval],
) -> list[Row]:
    return [
        Row(
            view.name,
            view.role,
            known(partial(figure, view.name)),
            None if view.name == terms.present else known(partial(beside, view.name)),
        )
        for view in views
    ]

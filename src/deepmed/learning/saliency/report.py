"""Faithfulness over many drawings, and whether it is good enough to call a map faithful (D-17)."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation import Interval, mean_interval
from deepmed.learning.saliency.faithfulness import Faithfulness
from deepmed.learning.saliency.generator import CONTROLS, METHODS
from deepmed.learning.saliency.randomisation import RandomisationCheck

UNUSUAL_P = 0.2
"""The gate looks at drawings that are at least so unusual: there is something to explain."""
MINIMUM_CHILDREN = 30
MARGIN_OVER_RANDOM = 0.1
Checks = Mapping[str, RandomisationCheck]
GATE_CONTROLS = ("random", "sobel", "ink_density")


@dataclass(frozen=True)
class MeasuredDrawing:
    """One drawing's figures; see `Faithfulness`.

    Example:
        >>> MeasuredDrawing("kim", 0.1, "paper", {"random": 0.0}).scores
        {'random': 0.0}
    """

    child: Hashable
    p: float
    fill: str
    scores: dict[str, float]

    @classmethod
    def of(cls, child: Hashable, found: Faithfulness) -> "MeasuredDrawing":
        """The figures of a measured drawing of a child."""
        return cls(child, found.p, found.fill, found.scores)


@dataclass(frozen=True)
class MethodRow:
    """One method over all drawings: its score, and by how much it beats each control."""

    method: str
    score: Interval
    over: dict[str, Interval]

    def beats(self, margins: dict[str, float]) -> bool:
        """Whether each mean reaches its margin and each interval lies wholly above zero."""
        return all(
            self.over[control].estimate >= margin and self.over[control].wholly_above(0.0)
            for control, margin in margins.items()
        )


@dataclass(frozen=True)
class FaithfulnessReport:
    """Figures of many drawings of one model, or of several models pooled.

    Attributes:
        drawings: those that could be measured.
        refused: the reason for each that could not.
        split: which drawings these are, in words.
        seed: of the bootstrap.

    Example:
        >>> drawings = [MeasuredDrawing(child, 0.1, "paper", {
        ...     "occlusion": 0.5, "random": 0.0, "sobel": 0.25, "ink_density": 0.1,
        ...     "fill_difference": 0.2}) for child in range(6)]
        >>> report = FaithfulnessReport(drawings, split="new children")
        >>> row = report.row("occlusion")
        >>> row.score.estimate, row.over["sobel"].estimate, report.children
        (0.5, 0.25, 6)
    """

    drawings: Sequence[MeasuredDrawing]
    refused: Sequence[str] = ()
    split: str = "not stated"
    seed: int = 0
    methods: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        every = [set(drawing.scores) for drawing in self.drawings]
        common = set.intersection(*every) if every else set()
        # Only rows that every drawing has can be compared.
        object.__setattr__(self, "methods", tuple(name for name in METHODS if name in common))

    @property
    def children(self) -> int:
        """How many children drew them."""
        return len({drawing.child for drawing in self.drawings})

    def unusual(self) -> "FaithfulnessReport":
        """The drawings with p at most 0.2."""
        return FaithfulnessReport(
            [drawing for drawing in self.drawings if drawing.p <= UNUSUAL_P],
            self.refused,
            self.split,
            self.seed,
        )

    def row(self, method: str) -> MethodRow:
        """A method's figures with child-bootstrap intervals.

        Raises:
            InsufficientDataError: fewer than five children, or not every drawing has the method.
        """
        if method not in self.methods:
            raise InsufficientDataError(f"Not every drawing has a figure for {method!r}.")
        rivals = [control for control in CONTROLS if control in self.methods and control != method]
        own = self._scores(method)
        return MethodRow(
            method,
            self._interval(own),
            {rival: self._interval(own - self._scores(rival)) for rival in rivals},
        )

    def rows(self) -> list[MethodRow]:
        """All methods, controls included, the most faithful first."""
        made = [self.row(method) for method in self.methods]
        return sorted(made, key=lambda row: -row.score.estimate)

    def _scores(self, method: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array([drawing.scores[method] for drawing in self.drawings])

    def _interval(self, values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Interval:
        children = [drawing.child for drawing in self.drawings]
        return mean_interval(values, children, self.seed, split=self.split)


@dataclass(frozen=True)
class GateResult:
    """Whether maps may be called faithful.

    Attributes:
        passed: whether at least one method does.
        faithful: the methods that do, the best first.
        children: how many children with p at most 0.2 it rests on.
        reason: why not, None where passed.
    """

    passed: bool
    faithful: tuple[str, ...]
    children: int
    reason: str | None = None

    @property
    def label(self) -> str:
        """What a map's caption says."""
        return "faithful" if self.passed else "not faithful"


def gate(report: FaithfulnessReport, checks: Checks) -> GateResult:
    """Whether a method beats random by 0.1 and Sobel and ink by more than 0, beyond chance.

    Only drawings with p at most 0.2 count, of at least 30 children; all intervals over children
    must exclude zero. Methods that do not explain the score cannot pass, nor can those whose maps
    stay as they are when the detector knows nothing.

    Args:
        report: figures of held-out drawings.
        checks: randomisation checks by method; a method without one cannot pass either.

    Returns:
        The result with its reason.

    Example:
        >>> scores = {"occlusion": 0.5, "random": 0.0, "sobel": 0.1, "ink_density": 0.1}
        >>> report = FaithfulnessReport(
        ...     [MeasuredDrawing(child, 0.1, "paper", scores) for child in range(30)])
        >>> checks = {"occlusion": RandomisationCheck((0.1, 0.2), None)}
        >>> gate(report, checks).faithful, gate(report, {}).faithful
        (('occlusion',), ())
        >>> gate(FaithfulnessReport(report.drawings[:29]), checks).reason
        '29 children with p at most 0.2; 30 are needed.'
    """
    unusual = report.unusual()
    if unusual.children < MINIMUM_CHILDREN:
        reason = (
            f"{unusual.children} children with p at most {UNUSUAL_P}; "
            f"{MINIMUM_CHILDREN} are needed."
        )
        return GateResult(passed=False, faithful=(), children=unusual.children, reason=reason)
    faithful = _faithful(unusual, checks)
    if faithful:
        return GateResult(passed=True, faithful=faithful, children=unusual.children)
    return GateResult(
        passed=False,
        faithful=(),
        children=unusual.children,
        reason="No method beats random orders, edges and ink beyond chance and changes when the "
        "detector knows nothing.",
    )


def choose_method(report: FaithfulnessReport, checks: Checks) -> str | None:
    """The method that a model's maps are made by: the most faithful on held-out drawings.

    Args:
        report: figures of held-out drawings of that model, of at least five children.
        checks: randomisation checks by method; a method that fails its check, or has none, is not
            chosen.

    Returns:
        The best among the methods that explain the score, need the model and beat the controls as
        in `gate`; None where none does.

    Raises:
        InsufficientDataError: fewer than five children, or a control is missing.

    Example:
        >>> scores = {"occlusion": 0.1, "random": 0.0, "sobel": 0.1, "ink_density": 0.1}
        >>> report = FaithfulnessReport(
        ...     [MeasuredDrawing(child, 0.1, "paper", scores) for child in range(6)])
        >>> choose_method(report, {"occlusion": RandomisationCheck((0.1,), None)}) is None
        True
    """
    return next(iter(_faithful(report, checks)), None)


def _faithful(report: FaithfulnessReport, checks: Checks) -> tuple[str, ...]:
    """Methods that explain the score, need the model and beat the controls, the best first."""
    margins = _margins(report)
    passed = {method for method, check in checks.items() if check.passed}
    return tuple(
        row.method
        for row in report.rows()
        if METHODS[row.method].explains_score and row.method in passed and row.beats(margins)
    )


def _margins(report: FaithfulnessReport) -> dict[str, float]:
    missing = [control for control in GATE_CONTROLS if control not in report.methods]
    if missing:
        raise InsufficientDataError(f"The rows of {', '.join(missing)} are missing.")
    return {"random": MARGIN_OVER_RANDOM, "sobel": 0.0, "ink_density": 0.0}

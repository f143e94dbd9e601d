"""Simulated false alarms: does the ranking keep its promise on exchangeable scores?"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from deepmed.kit.seeds import generator
from deepmed.learning.calibration.conformal import CalibrationSet
from deepmed.learning.calibration.level import (
    attainable_rank,
    is_flagged,
    level_of,
    normalized_score,
)
from deepmed.learning.calibration.rounding import FloatArray


@dataclass(frozen=True, kw_only=True)
class SimulationResult:
    """The share of simulated new children's drawings that were flagged."""

    rate: float
    standard_error: float
    """Monte-Carlo error of the rate."""
    attained_level: float
    """floor(alpha * (n + 1)) / (n + 1): what the rate equals without ties, one drawing a child."""
    level: float
    """alpha, which the rate must not exceed in any case."""
    percentile: float
    n_children: int
    repeats: int

    def to_dict(self) -> dict[str, Any]:
        """All fields, ready for JSON."""
        return asdict(self)


def simulate_false_alarms(
    n: int,
    percentile: float = 95.0,
    repeats: int = 10_000,
    seed: int = 0,
    *,
    drawings_per_child: int | tuple[int, int] = 1,
    child_effect: float = 0.0,
    ties: float = 0.0,
) -> SimulationResult:
    """Draw exchangeable children, calibrate on n of them, and ask how often the next is flagged.

    Every repeat builds a calibration set of its own and ranks one drawing of one further child, so
    repeats are independent.

    Args:
        n: Calibration children.
        percentile: The percentile to flag above.
        repeats: Simulated score sets.
        seed: Seed of the run.
        drawings_per_child: Drawings of every child, or the range they are drawn from uniformly.
        child_effect: Standard deviation of what a child's drawings share; a drawing's own is 1.
        ties: Scores are rounded to multiples of this width; 0 for none.

    >>> result = simulate_false_alarms(19, repeats=200)
    >>> abs(result.rate - result.attained_level) < 3 * result.standard_error
    True
    """
    random = generator(seed, "false-alarms")
    sizes = drawings_per_child
    low, high = (sizes, sizes) if isinstance(sizes, int) else sizes
    flags = 0
    for _ in range(repeats):
        drawings = random.integers(low, high + 1, n + 1)
        children = np.repeat(np.arange(n + 1), drawings)
        scores = _scores(random, children, child_effect, ties)
        known = len(children) - int(drawings[-1])
        calibration = CalibrationSet(scores[:known], children[:known])
        flags += is_flagged(normalized_score(*calibration.count(scores[known])), percentile)
    rate = flags / repeats
    return SimulationResult(
        rate=rate,
        standard_error=math.sqrt(rate * (1 - rate) / repeats),
        attained_level=attainable_rank(percentile, n) / (n + 1),
        level=level_of(percentile),
        percentile=float(percentile),
        n_children=n,
        repeats=repeats,
    )


def _scores(
    random: np.random.Generator, children: np.ndarray, child_effect: float, ties: float
) -> FloatArray:
    shared = child_effect * random.standard_normal(int(children[-1]) + 1)
    scores: FloatArray = shared[children] + random.standard_normal(len(children))
    return np.round(scores / ties) * ties if ties else scores

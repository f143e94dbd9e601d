"""Counting again, in plain Python: no code of the product is imported here.

Scores, children and shares are exact fractions, so nothing depends on the order of a sum.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from scipy import stats

Row = Mapping[str, Any]


def rounded(score: float) -> float:
    """Ten significant digits."""
    return float(f"{score:.9e}")


def level(percentile: float) -> Fraction:
    """Alpha, exactly as the percentile is written."""
    return 1 - Fraction(str(percentile)) / 100


class Ranking:
    """The children that a score is compared with: rows of {child, score}, without the own child."""

    def __init__(self, rows: Iterable[Row], own: int | None = None) -> None:
        self.scores: dict[int, list[float]] = {}
        for row in rows:
            if row["child"] != own:
                self.scores.setdefault(row["child"], []).append(rounded(row["score"]))

    @property
    def n(self) -> int:
        return len(self.scores)

    def at_or_above(self, score: float) -> Fraction:
        """W: each child counts by the share of its drawings."""
        shares = [
            Fraction(sum(one >= rounded(score) for one in own), len(own))
            for own in self.scores.values()
        ]
        return sum(shares, Fraction(0))

    def p(self, score: float) -> Fraction:
        return (1 + self.at_or_above(score)) / (self.n + 1)

    def above(self, score: float) -> Fraction:
        """The p of a score just above this one."""
        shares = [
            Fraction(sum(one > rounded(score) for one in own), len(own))
            for own in self.scores.values()
        ]
        return (1 + sum(shares, Fraction(0))) / (self.n + 1)

    def normalized(self, score: float) -> float:
        return round(float(100 * (self.n - self.at_or_above(score)) / (self.n + 1)), 9)

    def supports(self, percentile: float) -> bool:
        return Fraction(1, self.n + 1) <= level(percentile)

    def threshold(self, percentile: float) -> float | None:
        if not self.supports(percentile):
            return None
        every = {score for own in self.scores.values() for score in own}
        return max(score for score in every if self.p(score) > level(percentile))

    def attained(self, percentile: float) -> float | None:
        every = {score for own in self.scores.values() for score in own}
        reachable = {Fraction(1, self.n + 1), *(self.p(score) for score in every)}
        allowed = [p for p in reachable if p <= level(percentile)]
        return float(max(allowed)) if allowed else None

    def highest_percentile(self) -> float:
        return round(float(100 * Fraction(self.n, self.n + 1)), 9)

    def confidence(self, score: float, percentile: float) -> float:
        above = float(self.at_or_above(score))
        alpha = level(percentile)
        tail = stats.beta(above + 1, self.n - above + 1)
        return float(tail.cdf(float(alpha)) if self.p(score) <= alpha else tail.sf(float(alpha)))


def auroc(negative: Sequence[float], positive: Sequence[float]) -> float:
    """How often a positive scores above a negative, pair by pair; ties count half."""
    wins = sum((one > other) + (one == other) / 2 for one in positive for other in negative)
    return wins / (len(positive) * len(negative))


def share_by_child(flags: Iterable[tuple[int, bool]]) -> float:
    """The share of flags where every child weighs one."""
    own: dict[int, list[bool]] = {}
    for child, flag in flags:
        own.setdefault(child, []).append(flag)
    return sum(sum(one) / len(one) for one in own.values()) / len(own)

"""Whether the ranks of typical drawings are spread as those of a valid p are."""

from collections.abc import Iterator

from deepmed.features.drawings.analysis.rates import Use
from deepmed.features.drawings.explanation.levels import why_only_a_bound
from deepmed.features.drawings.report.charts import Level, steps
from deepmed.features.drawings.report.figures import GroupFacts
from deepmed.web.charts import Chart

LEAST_RANKS = 5
"""Drawings of new children from which their ranks are drawn."""
ENDS = (0.025, 0.975)


def rank_band(n: int, drawings: int) -> list[Level]:
    """Where the share of new typical drawings with p or less lies, 19 times of 20 at each p.

    All are ranked among the same n children, so their p stray together: the number with p at most
    j / (n + 1) is beta-binomial. That holds with one drawing a child and without ties. Source:
    Vovk, Conditional validity of inductive conformal predictors (2012).

    Args:
        n: comparison children.
        drawings: drawings of as many new children.
    """
    from scipy import stats  # noqa: PLC0415 - it takes a second to load

    band = []
    for rank in range(1, n + 1):
        count = stats.betabinom(drawings, rank, n + 1 - rank)
        low, high = (float(count.ppf(end)) / drawings for end in ENDS)
        band.append((rank / (n + 1), low, high))
    return [*band, (1.0, 1.0, 1.0)]


def validity(facts: GroupFacts) -> Iterator[Chart]:
    """The ranks of typical drawings that no training saw: those stored, and those made apart."""
    new = [row for row in facts.uses[Use.NEW] if row.p_value is not None]
    children = {facts.drawings[row.drawing_id].child_id for row in new}
    stored = [row.p_value for row in new if row.p_value is not None]
    yield from _ranks(facts, stored, "of new children", alone=len(children) == len(new))
    if facts.unseen:
        yield from _ranks(facts, facts.unseen.p_values, "made apart", alone=True)


def _ranks(facts: GroupFacts, values: list[float], whose: str, *, alone: bool) -> Iterator[Chart]:
    if len(values) < LEAST_RANKS:
        return
    calibration = facts.item.model.model.calibration
    exact = alone and why_only_a_bound(calibration) is None
    expected = (
        "where p is right, the line lies in the band, 19 times of 20 at each p"
        if exact
        else "where p is right, the line lies near the dashed one or below it"
    )
    yield steps(
        f"Ranks of {len(values)} typical drawings {whose}: {expected}",
        values,
        rank_band(calibration.n_children, len(values)) if exact else [],
        label="p",
        vertical="share with p or less",
    )

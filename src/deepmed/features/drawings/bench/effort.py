"""How much work a run of the benchmark takes on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """Sizes of the parts; a quick run has the same parts with fewer repetitions."""

    quick: bool
    simulations: int
    """Simulated score sets a row of the exactness part."""
    splits: int
    """Random splits by child of a simple detector."""
    slow_splits: int
    """Random splits by child of a detector that takes long to fit."""
    planted_per_kind: int | None
    """Planted anomalies a kind; None for one from every drawing."""
    planted_per_kind_slow: int
    """The same for an encoder that takes long."""
    resamples: int
    """Bootstrap resamples of an interval."""
    timing_repeats: int
    further_per_group: int
    """Further typical sample drawings a group."""
    sources_per_group: int
    """Sample drawings a group that anomalies are planted into."""
    crowd_sizes: tuple[int, ...]
    """Children a group whose models are compared, in generated drawings."""
    crowd_repeats: int
    """How often so many children are taken; of 1,000 a third as often."""
    maps: int | None
    """Real drawings whose maps are tested; None for all that qualify."""


FULL = Effort(
    quick=False,
    simulations=10_000,
    splits=200,
    slow_splits=40,
    planted_per_kind=None,
    planted_per_kind_slow=12,
    resamples=1000,
    timing_repeats=15,
    further_per_group=100,
    sources_per_group=24,
    crowd_sizes=(10, 20, 50, 1000),
    crowd_repeats=12,
    maps=None,
)
QUICK = Effort(
    quick=True,
    simulations=300,
    splits=6,
    slow_splits=2,
    planted_per_kind=20,
    planted_per_kind_slow=5,
    resamples=100,
    timing_repeats=2,
    further_per_group=16,
    sources_per_group=6,
    crowd_sizes=(10, 20, 50),
    crowd_repeats=2,
    maps=5,
)

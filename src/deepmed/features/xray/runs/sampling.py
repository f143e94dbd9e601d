"""A part of a source, for a quick try: whole patients, of each class alike."""

from collections import defaultdict
from dataclasses import replace

from deepmed.features.xray.source import DataSource
from deepmed.kit import seeds


def some_patients(source: DataSource, fraction: float, seed: int) -> DataSource:
    """That share of the patients of each class, at least one of each; all where it is 1."""
    if fraction >= 1:
        return source
    by_class: dict[int, set[str]] = defaultdict(set)
    for row in source.rows:
        by_class[row.label].add(row.patient)
    kept: set[str] = set()
    for label, patients in sorted(by_class.items()):
        order = seeds.generator(seed, "xray-sample", label).permutation(sorted(patients))
        kept |= {str(name) for name in order[: max(1, round(fraction * len(order)))]}
    return replace(source, rows=tuple(row for row in source.rows if row.patient in kept))

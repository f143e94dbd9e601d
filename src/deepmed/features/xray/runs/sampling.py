"""A part of a source, for a quick try: whole patients, of each class alike."""

from collections import defaultdict
from dataclasses import replace

from deepmed.features.xray.source import DataSource
from deepmed.kit import seeds


def some_patients(source: DataSource, fraction: float, seed: int) -> DataSource:
    """That share of the patients of each class, at least one of each; all where it is 1.

    Which ones rests on the images and the seed, not on what patients are called here: pseudonyms
    differ from one installation to the next.
    """
    if fraction >= 1:
        return source
    by_class: dict[int, dict[str, None]] = defaultdict(dict)
    for row in sorted(source.rows, key=lambda row: (row.digest, row.image_id)):
        by_class[row.label].setdefault(row.patient)
    kept: set[str] = set()
    for label, found in sorted(by_class.items()):
        patients = list(found)
        order = seeds.generator(seed, "xray-sample", label).permutation(len(patients))
        kept |= {patients[place] for place in order[: max(1, round(fraction * len(order)))]}
    return replace(source, rows=tuple(row for row in source.rows if row.patient in kept))

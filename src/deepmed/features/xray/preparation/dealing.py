"""Dealing groups of images to parts: seeded, by class, no group in two parts."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from deepmed.kit import seeds
from deepmed.learning.imaging.rows import ImageRow

Fractions = tuple[float, float, float]


def deal(
    groups: Mapping[str, Sequence[ImageRow]], fractions: Sequence[float], seed: int
) -> dict[str, int]:
    """The part of each group, so that each class has nearly its share of images in each part.

    Each class is dealt by itself: its groups in a random order, each to the part that is furthest
    behind. A group of several classes counts as one of its rarest. Where a class has as many
    groups as there are parts, each part has one.

    The order rests on the images alone, so that the same images are split the same way whatever
    their patients are called, and in whatever order they came.
    """
    rarity = Counter(row.label for rows in groups.values() for row in rows)
    strata: dict[int, list[str]] = defaultdict(list)
    for name in sorted(groups, key=lambda name: min(row.digest for row in groups[name])):
        strata[
            min({row.label for row in groups[name]}, key=lambda label: (rarity[label], label))
        ] += [name]
    chosen: dict[str, int] = {}
    for label, names in sorted(strata.items()):
        order = seeds.generator(seed, "xray-split", label).permutation(len(names))
        shuffled = [names[place] for place in order]
        places = _dealt([len(groups[name]) for name in shuffled], fractions)
        chosen |= dict(zip(shuffled, places, strict=True))
    return chosen


def _dealt(sizes: Sequence[int], fractions: Sequence[float]) -> list[int]:
    behind = [fraction * sum(sizes) for fraction in fractions]
    parts = []
    for size in sizes:
        part = max(range(len(behind)), key=lambda one: behind[one])
        behind[part] -= size
        parts.append(part)
    for part, fraction in enumerate(fractions):
        if fraction > 0 and part not in parts:
            _fill(parts, sizes, part)
    return parts


def _fill(parts: list[int], sizes: Sequence[int], empty: int) -> None:
    """Give an empty part the smallest group of the part that has most of them."""
    fullest, count = Counter(parts).most_common(1)[0] if parts else (empty, 0)
    if count > 1:
        smallest = min(
            (place for place, part in enumerate(parts) if part == fullest),
            key=lambda place: sizes[place],
        )
        parts[smallest] = empty

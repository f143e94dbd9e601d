"""Planted anomalies from a whole set of drawings: the user's own, or the benchmark's."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from operator import itemgetter

import numpy as np

from deepmed.kit.seeds import generator
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.planting.ink import Image
from deepmed.learning.planting.kinds import MATCHED_KINDS, Planted, PlantedKind
from deepmed.learning.planting.look import Look, look_of
from deepmed.learning.planting.planting import plant
from deepmed.learning.planting.size import shrink

_DONORS_SEEN = 24
_DONORS_TRIED = 5


def plant_set(
    images: Sequence[Image],
    children: Sequence[Hashable],
    groups: Sequence[Hashable],
    seed: int,
    *,
    kinds: Sequence[PlantedKind] = MATCHED_KINDS,
    per_kind: int | None = None,
    sources: Sequence[int] | None = None,
) -> list[Planted]:
    """Plant anomalies of each kind into a set of drawings.

    Sources are drawn at random, one of every child before a second of any. What is planted into a
    drawing depends on the seed, the kind and its index only. Stand-ins of `OTHER_GROUP` come from
    another child of another group and are near in proportion and density; with one group in the
    set this kind is left out. Blank drawings are left out, and so are drawings that cannot be
    altered within the tolerance: then a kind has fewer than `per_kind`.

    Args:
        images: Drawings, each uint8 (H, W, 3) RGB.
        children: The child of each drawing.
        groups: The age group of each drawing.
        seed: Seed of all randomness.
        kinds: What to plant.
        per_kind: Wanted number a kind, None for one from every drawing.
        sources: Indices of the drawings to plant into, None for all; the others only lend.

    Returns:
        The planted drawings, kind by kind, with `source` (and `donor`) as indices into `images`.

    Raises:
        InsufficientDataError: Not one anomaly could be planted.
        ValueError: The three sequences differ in length.

    Example:
        >>> import numpy as np
        >>> page = np.full((80, 80, 3), 255, dtype=np.uint8)
        >>> page[10:60, 20:23], page[10:13, 20:60] = 0, 0
        >>> shuffled = [PlantedKind.PARTS_SHUFFLED]
        >>> planted = plant_set([page, page], ["a", "b"], [0, 0], 1, kinds=shuffled, per_kind=1)
        >>> [(one.kind.value, one.source in (0, 1)) for one in planted]
        [('parts_shuffled', True)]
    """
    planting = _Planting.of(images, children, groups, seed)
    planted = [one for kind in kinds for one in islice(planting.each(kind, sources), per_kind)]
    if not planted:
        raise InsufficientDataError("No anomaly could be planted into these drawings.")
    return planted


def stand_ins(
    images: Sequence[Image],
    children: Sequence[Hashable],
    groups: Sequence[Hashable],
    seed: int,
    *,
    per_kind: int | None = None,
    sources: Sequence[int] | None = None,
) -> list[Planted]:
    """Drawings of the own group that stand in for others, as those of `OTHER_GROUP` do.

    They went through the same fitting to another drawing's box and ink, and nothing about them is
    unusual. So they are what drawings of another group are to be told from.

    Args:
        images: Drawings, each uint8 (H, W, 3) RGB.
        children: The child of each drawing.
        groups: The age group of each drawing.
        seed: Seed of all randomness.
        per_kind: Wanted number, None for one in place of every drawing.
        sources: Indices of the drawings to take the place of, None for all.

    Returns:
        The pictures, with `source` and `donor` as indices into `images`; none where no group has
        two children.

    Raises:
        ValueError: The three sequences differ in length.

    Example:
        >>> import numpy as np
        >>> page = np.full((80, 80, 3), 255, dtype=np.uint8)
        >>> page[10:60, 20:23], page[10:13, 20:60] = 0, 0
        >>> made = stand_ins([page, page[:, ::-1], page], ["a", "b", "c"], [0, 0, 1], 1)
        >>> sorted((one.source, one.donor) for one in made)
        [(0, 1), (1, 0)]
    """
    planting = _Planting.of(images, children, groups, seed, lends_to_own=True)
    return list(islice(planting.each(PlantedKind.OTHER_GROUP, sources), per_kind))


@dataclass(frozen=True)
class _Planting:
    images: Sequence[Image]
    children: Sequence[Hashable]
    groups: Sequence[Hashable]
    looks: dict[int, Look]
    seed: int
    lends_to_own: bool = False
    """Whether stand-ins are of the group that they stand in."""

    @classmethod
    def of(
        cls,
        images: Sequence[Image],
        children: Sequence[Hashable],
        groups: Sequence[Hashable],
        seed: int,
        *,
        lends_to_own: bool = False,
    ) -> "_Planting":
        if not len(images) == len(children) == len(groups):
            raise ValueError("images, children and groups must have one entry a drawing")
        small = [shrink(image) for image in images]
        looks = {index: look for index, image in enumerate(small) if (look := look_of(image))}
        return cls(small, children, groups, looks, seed, lends_to_own)

    def each(self, kind: PlantedKind, sources: Sequence[int] | None) -> Iterator[Planted]:
        """The anomaly of this kind in each of the sources that takes it."""
        chosen = set(self.looks if sources is None else sources)
        for index in self.order([index for index in self.looks if index in chosen], kind):
            planted = self.one(index, kind)
            if planted is not None:
                yield planted

    def order(self, indices: list[int], kind: PlantedKind) -> list[int]:
        """At random, but the first drawing of every child before the second of any."""
        rng = generator(self.seed, "planting", kind.value)
        turns: Counter[Hashable] = Counter()
        keyed = []
        for index in rng.permutation(indices).tolist():
            child = self.children[index]
            keyed.append((turns[child], index))
            turns[child] += 1
        return [index for _, index in sorted(keyed, key=itemgetter(0))]

    def one(self, source: int, kind: PlantedKind) -> Planted | None:
        """The anomaly of this kind in this drawing, or None where it cannot be had."""
        rng = generator(self.seed, "planting", kind.value, source)
        donors: Iterable[int | None] = [None]
        if kind is PlantedKind.OTHER_GROUP:
            donors = self._donors(source, rng)
        for donor in donors:
            try:
                image = None if donor is None else self.images[donor]
                planted = plant(self.images[source], kind, rng, image)
            except InsufficientDataError:
                continue
            return replace(planted, source=source, donor=donor)
        return None

    def _donors(self, source: int, rng: np.random.Generator) -> list[int]:
        """The most alike of a random handful of other children's drawings that may stand in."""
        others = [
            index
            for index in self.looks
            if (self.groups[index] == self.groups[source]) == self.lends_to_own
            and self.children[index] != self.children[source]
        ]
        handful: list[int] = rng.permutation(np.array(others, dtype=np.int64)).tolist()
        handful = handful[:_DONORS_SEEN]
        handful.sort(key=lambda index: self.looks[source].distance(self.looks[index]))
        return handful[:_DONORS_TRIED]

"""Planted anomalies from a whole set of drawings: the user's own, or the benchmark's."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
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
    if not len(images) == len(children) == len(groups):
        raise ValueError("images, children and groups must have one entry a drawing")
    looks = {index: look for index, image in enumerate(images) if (look := look_of(image))}
    chosen = set(looks if sources is None else sources)
    planting = _Planting(images, children, groups, looks, seed)
    planted: list[Planted] = []
    for kind in kinds:
        order = planting.order([index for index in looks if index in chosen], kind)
        made = (planting.one(index, kind) for index in order)
        planted.extend(islice((one for one in made if one is not None), per_kind))
    if not planted:
        raise InsufficientDataError("No anomaly could be planted into these drawings.")
    return planted


@dataclass(frozen=True)
class _Planting:
    images: Sequence[Image]
    children: Sequence[Hashable]
    groups: Sequence[Hashable]
    looks: dict[int, Look]
    seed: int

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
        """The most alike of a random handful of other children's drawings of other groups."""
        others = [
            index
            for index in self.looks
            if self.groups[index] != self.groups[source]
            and self.children[index] != self.children[source]
        ]
        handful: list[int] = rng.permutation(np.array(others, dtype=np.int64)).tolist()
        handful = handful[:_DONORS_SEEN]
        handful.sort(key=lambda index: self.looks[source].distance(self.looks[index]))
        return handful[:_DONORS_TRIED]

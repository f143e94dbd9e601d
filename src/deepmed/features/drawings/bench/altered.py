"""Pictures made from drawings: with an anomaly in them, or with nothing but traces of planting."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepmed.features.drawings.bench.collection import Collection, Image
from deepmed.kit import seeds
from deepmed.learning.planting import Planted, PlantedKind, plant_set, redraw, stand_ins

Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]
REDRAWN, OWN_GROUP = "redrawn", "own_group"
CONTROL = REDRAWN
"""The kind of a drawing in which nothing is unusual but that it was drawn anew."""
COUNTERPARTS = {
    PlantedKind.JITTER_1.value: REDRAWN,
    PlantedKind.JITTER_2.value: REDRAWN,
    PlantedKind.JITTER_3.value: REDRAWN,
    CONTROL: REDRAWN,
    PlantedKind.OTHER_GROUP.value: OWN_GROUP,
}
"""What kinds are told from in whose making pixels are interpolated: typical drawings that were
redrawn, and drawings of the own group that stand in for others. The rest is told from untouched
ones."""


@dataclass(frozen=True)
class Altered:
    """A picture made from a drawing; `source` is that drawing's place.

    Nothing is unusual in a counterpart; it has the name of one instead of a kind.
    """

    image: Image
    kind: str
    source: int
    counterpart: str | None = None


@dataclass(frozen=True)
class Made:
    """Pictures made from one collection, from a place in the material on."""

    items: Sequence[Altered]
    places: Ids
    sources: Ids

    @classmethod
    def of(cls, items: Sequence[Altered], start: int) -> "Made":
        sources = np.array([item.source for item in items], dtype=np.int64)
        return cls(items, start + np.arange(len(items)), sources)

    @property
    def images(self) -> list[Image]:
        return [item.image for item in self.items]

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(item.kind for item in self.items)

    def planted(self, of: Flags) -> Ids:
        """Places of the unusual pictures that were made from the marked drawings."""
        return self._places(None, of)

    def counterparts(self, of: Flags) -> dict[str, Ids]:
        return {name: self._places(name, of) for name in (REDRAWN, OWN_GROUP)}

    def _places(self, counterpart: str | None, of: Flags) -> Ids:
        mine = np.array([item.counterpart == counterpart for item in self.items], dtype=np.bool_)
        return self.places[mine & of[self.sources]]


def alter(drawings: Collection, inside: Ids, per_kind: int | None, seed: int) -> list[Altered]:
    """Anomalies of every kind planted into these drawings.

    Stand-ins of "another group's drawing" come from among these drawings too.
    """
    planted = plant_set(
        *_inside(drawings, inside),
        seeds.derive(seed, "bench planting"),
        kinds=list(PlantedKind),
        per_kind=per_kind,
    )
    return [Altered(item.image, item.kind.value, place) for item, place in _from(planted, inside)]


def controls(drawings: Collection, inside: Ids, per_kind: int | None, seed: int) -> list[Altered]:
    """These drawings, redrawn otherwise than the counterparts that they are told from."""
    own_seed = seeds.derive(seed, "bench control")
    some = seeds.generator(own_seed, "drawings").permutation(inside)[:per_kind]
    again = _redrawn(drawings, np.sort(some), own_seed)
    return [Altered(image, CONTROL, place) for image, place in again]


def alike(drawings: Collection, inside: Ids, seed: int) -> list[Altered]:
    """What the kinds of `COUNTERPARTS` are told from, made of these drawings."""
    own_seed = seeds.derive(seed, "bench counterparts")
    standing = stand_ins(*_inside(drawings, inside), own_seed)
    made = [Altered(item.image, "", place, OWN_GROUP) for item, place in _from(standing, inside)]
    again = _redrawn(drawings, inside, own_seed)
    return made + [Altered(image, "", place, REDRAWN) for image, place in again]


def _inside(drawings: Collection, inside: Ids) -> tuple[list[Image], list[int], list[str]]:
    """Pictures, children and groups of some of the drawings."""
    labels = drawings.labels
    return (
        [drawings.images[index] for index in inside],
        drawings.rows.children[inside].tolist(),
        [labels[index] for index in inside],
    )


def _from(planted: Sequence[Planted], inside: Ids) -> Iterator[tuple[Planted, int]]:
    """Each picture with the place of its source in the collection."""
    for item in planted:
        if item.source is not None:
            yield item, int(inside[item.source])


def _redrawn(drawings: Collection, which: Ids, seed: int) -> Iterator[tuple[Image, int]]:
    """Each drawing, redrawn, with its place; with another seed it is displaced differently."""
    for one in which.tolist():
        random = seeds.generator(seed, "bench redrawn", one)
        yield redraw(drawings.images[one], random), one

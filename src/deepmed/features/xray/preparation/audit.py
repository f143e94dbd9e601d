"""What crosses the parts of a split, counted from the rows and not from how they were split."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from deepmed.features.xray.errors import LeakageError
from deepmed.features.xray.preparation.lookalikes import Lookalike
from deepmed.learning.imaging.rows import ImageRow

PARTS = ("train", "validation", "test")
_MOST_NAMED = 5


@dataclass(frozen=True)
class Crossing:
    """Images of one patient, or of the same pixels, that stand in several parts."""

    kind: str
    """`patient`, `image` (equal pixels) or `lookalike`."""
    parts: tuple[str, ...]
    images: tuple[str, ...]


@dataclass(frozen=True)
class DroppedImage:
    """A training image that a published split has on the other side too."""

    image: str
    reason: str


@dataclass(frozen=True)
class LeakageAudit:
    """Of a split.

    Attributes:
        published: whether others made it.
        crossing: what crosses it. A split of ours has none; of a published one it is what crosses
            between validation and test, which is left as it was published.
        dropped: from training, because of what they share with validation or test.
        bound: patients who were taken for one, because an image of theirs is the same.
        duplicates: names of images of equal pixels.
        lookalikes: the review list.
        notes: what else was done to a published split, or is to be known of it.
    """

    published: bool = False
    crossing: tuple[Crossing, ...] = ()
    dropped: tuple[DroppedImage, ...] = ()
    bound: tuple[tuple[str, ...], ...] = ()
    duplicates: tuple[tuple[str, ...], ...] = ()
    lookalikes: tuple[Lookalike, ...] = ()
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "LeakageAudit":
        return cls(
            found["published"],
            tuple(
                Crossing(one["kind"], tuple(one["parts"]), tuple(one["images"]))
                for one in found["crossing"]
            ),
            tuple(DroppedImage(**one) for one in found["dropped"]),
            tuple(map(tuple, found["bound"])),
            tuple(map(tuple, found["duplicates"])),
            tuple(Lookalike(**one) for one in found["lookalikes"]),
            tuple(found.get("notes", ())),
        )


Parts = Mapping[str, Sequence[ImageRow]]


def find_crossings(parts: Parts, lookalikes: Sequence[Lookalike] = ()) -> tuple[Crossing, ...]:
    """Patients, equal images and binding pairs that stand in more than one part."""
    by_patient = _crossing(parts, "patient", lambda row: row.patient)
    by_digest = _crossing(parts, "image", lambda row: row.digest)
    where = {row.image_id: part for part, rows in parts.items() for row in rows}
    pairs = [
        Crossing("lookalike", (where[pair.first], where[pair.second]), (pair.first, pair.second))
        for pair in lookalikes
        if pair.binds and where.get(pair.first, "") != where.get(pair.second, "")
        if pair.first in where and pair.second in where
    ]
    return (*by_patient, *by_digest, *pairs)


def refuse_crossings(crossing: Sequence[Crossing]) -> None:
    """Raises LeakageError where something crosses a split of ours."""
    if not crossing:
        return
    told = "; ".join(
        f"{one.kind} in {' and '.join(one.parts)} ({', '.join(one.images[:_MOST_NAMED])})"
        for one in crossing[:_MOST_NAMED]
    )
    raise LeakageError(
        f"The split leaks, so nothing was trained: {len(crossing)} patients or images stand on "
        f"both sides: {told}. Split again by patient.",
        crossing=[asdict(one) for one in crossing],
    )


def equal_images(rows: Sequence[ImageRow]) -> tuple[tuple[str, ...], ...]:
    """Names of images of equal pixels, two or more at a time."""
    names: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        names[row.digest].append(row.image_id)
    return tuple(sorted(tuple(sorted(same)) for same in names.values() if len(same) > 1))


def _crossing(parts: Parts, kind: str, key: Callable[[ImageRow], str]) -> list[Crossing]:
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for part, rows in parts.items():
        for row in rows:
            found[key(row)][part].append(row.image_id)
    return [
        Crossing(kind, tuple(where), tuple(name for names in where.values() for name in names))
        for where in found.values()
        if len(where) > 1
    ]

"""The planted anomalies of demo and benchmark, each beside the drawing that it was made from.

They are made from drawings of their own, so that no model has seen their originals. They are no
sample drawings: they stand in a folder and a table of their own, which no upload reads.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepmed.features.drawings.samples.files import (
    METADATA,
    PLANTED_TABLE,
    refuse_foreign,
    write_folder,
)
from deepmed.features.drawings.samples.maker import (
    GROUPS,
    Group,
    SampleDrawing,
    make_planting_sources,
)
from deepmed.kit.seeds import generator
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.planting import (
    MATCHED_KINDS,
    UNMATCHED_KINDS,
    Planted,
    PlantedKind,
    changed_share,
    plant,
)
from deepmed.learning.planting.look import look_of

# Half of what is asked for, so that other ways to measure ink and box agree too.
_TOLERANCE = 0.05
_STAND_INS_TRIED = 4


@dataclass(frozen=True)
class PlantedDrawing:
    """A planted anomaly, its original, and for another group's drawing the one that stands in."""

    filename: str
    planted: Planted
    original: SampleDrawing
    donor: SampleDrawing | None = None

    @property
    def image(self) -> NDArray[np.uint8]:
        return self.planted.image

    @property
    def kind(self) -> PlantedKind:
        return self.planted.kind

    @property
    def age_years(self) -> float:
        """The original's age: the planted drawing is judged as one of that age."""
        return self.original.age_years

    @property
    def subject(self) -> str:
        return self.original.subject

    @property
    def group(self) -> Group:
        return self.original.group

    @property
    def original_filename(self) -> str:
        return self.filename.replace("planted_", "original_", 1)


def make_planted(seed: int = 0) -> list[PlantedDrawing]:
    """24 anomalies matched to their originals, eight a group, then three unmatched a group."""
    sources = make_planting_sources(seed)
    by_group = {group: [one for one in sources if one.group == group] for group in GROUPS}
    # Originals are taken from the front; what is left over at the end lends itself as stand-in.
    queues = {group: _shuffled(by_group[group], seed) for group in GROUPS}
    made = [
        _next(queues, group, kind, giver, seed) for group in GROUPS for kind, giver in _plan(group)
    ]
    return sorted(made, key=lambda one: not one.kind.matched)


def create_planted_drawings(folder: Path, seed: int = 0) -> list[Path]:
    """Write the planted anomalies, their originals and `planted.csv`; returns the anomalies' paths.

    Raises:
        ConflictError: the folder holds typical drawings.
        StorageError: the folder cannot be written.
    """
    refuse_foreign(folder, METADATA)  # before they are made, which takes a while
    return write_planted(folder, make_planted(seed))


def write_planted(folder: Path, made: Sequence[PlantedDrawing]) -> list[Path]:
    """Write any planted anomalies as `create_planted_drawings` does, and raise as it does."""
    refuse_foreign(folder, METADATA)
    pictures = {one.filename: one.image for one in made}
    originals = {one.original_filename: one.original.image for one in made}
    paths = write_folder(folder, pictures | originals, PLANTED_TABLE, map(_row, made))
    return paths[: len(pictures)]


def _plan(group: Group) -> Iterator[tuple[PlantedKind, Group | None]]:
    """What is planted in a group, and whose drawing stands in where one does."""
    for kind in (*MATCHED_KINDS, *UNMATCHED_KINDS):
        if kind is PlantedKind.OTHER_GROUP:
            yield from ((kind, other) for other in GROUPS if other != group)
        else:
            yield kind, None


def _shuffled(drawings: list[SampleDrawing], seed: int) -> list[SampleDrawing]:
    order = generator(seed, "planted originals", _label(drawings[0].group)).permutation(
        len(drawings)
    )
    return [drawings[index] for index in order]


def _next(
    queues: dict[Group, list[SampleDrawing]],
    group: Group,
    kind: PlantedKind,
    giver: Group | None,
    seed: int,
) -> PlantedDrawing:
    """Plant into the next drawing of the group that takes this kind; it is used only once."""
    for original in queues[group]:
        rng = generator(seed, "planted", kind.value, str(giver), original.child_id)
        donors = [None] if giver is None else _stand_ins(queues[giver], original)
        for donor in donors:
            planted = _try(original, kind, rng, donor)
            if planted is None:
                continue
            queues[group].remove(original)
            if donor is not None:
                queues[donor.group].remove(donor)
            return PlantedDrawing(_filename(group, kind, giver), planted, original, donor)
    raise InsufficientDataError(f"No drawing of the group took the anomaly {kind.value}.")


def _try(
    original: SampleDrawing,
    kind: PlantedKind,
    rng: np.random.Generator,
    donor: SampleDrawing | None,
) -> Planted | None:
    try:
        return plant(original.image, kind, rng, None if donor is None else donor.image, _TOLERANCE)
    except InsufficientDataError:
        return None


def _stand_ins(drawings: list[SampleDrawing], original: SampleDrawing) -> list[SampleDrawing]:
    """The same subject only, the most alike first: the anomaly is the group, not the theme."""
    look = look_of(original.image)
    looks = [(look_of(one.image), one) for one in drawings if one.subject == original.subject]
    near = [(look.distance(other), one) for other, one in looks if look and other]
    return [one for _, one in sorted(near, key=itemgetter(0))[:_STAND_INS_TRIED]]


def _label(group: Group) -> str:
    return f"{group[0]:g}-{group[1]:g}"


def _filename(group: Group, kind: PlantedKind, giver: Group | None) -> str:
    suffix = "" if giver is None else f"_{_label(giver)}"
    return f"planted_{_label(group)}_{kind.value}{suffix}.png"


def _row(one: PlantedDrawing) -> dict[str, object]:
    return {
        "filename": one.filename,
        "kind": one.kind.value,
        "strength": one.kind.strength,
        "original": one.original_filename,
        "age_years": one.age_years,
        "subject": one.subject,
        "group": _label(one.group),
        "matched": one.kind.matched,
        "ink_ratio": round(one.planted.ink_ratio, 4),
        "largest_box_error": round(one.planted.box_errors.largest, 4),
        "changed_share": round(changed_share(one.original.image, one.image), 4),
        "stand_in_group": None if one.donor is None else _label(one.donor.group),
        "child_id": one.original.child_id,
    }

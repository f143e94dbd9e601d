"""Splits that no patient and no image crosses, and published splits cleaned of what does (X-2)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from deepmed.features.xray.errors import Rejection, SourceRefusedError
from deepmed.features.xray.preparation.audit import (
    PARTS,
    DroppedImage,
    LeakageAudit,
    equal_images,
    find_crossings,
    refuse_crossings,
)
from deepmed.features.xray.preparation.dealing import deal
from deepmed.features.xray.preparation.lookalikes import Lookalike
from deepmed.features.xray.preparation.split_plan import SplitPlan
from deepmed.features.xray.source.grouping import Groups
from deepmed.features.xray.source.pseudonyms import is_patient
from deepmed.kit.errors import ValidationError
from deepmed.learning.imaging.rows import ImageRow

FRACTIONS = (0.7, 0.15, 0.15)
_TRAIN, _VALIDATION, _TEST = PARTS
LEAST_VALIDATION = 30
"""Patients of each class from whom a threshold and a calibration can be had: with 30 the share that
a threshold calls right is still uncertain by 17 points of 100, and with 8 by 28 (Wilson)."""


def split_by_patient(
    rows: Sequence[ImageRow],
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    lookalikes: Sequence[Lookalike] = (),
) -> SplitPlan:
    """Training, validation and test with whole patients in each and nearly the same classes.

    Patients with an equal image, or with lookalikes that bind, count as one.

    Args:
        rows: one an image.
        fractions: of the images, for training, validation and test; a part of 0 stays empty.
        seed: another seed gives another split.
        lookalikes: see `find_lookalikes`.

    Raises:
        ValidationError: fractions that do not add up to 1, or no image named twice.
        SourceRefusedError: equal images with different labels, or a class of too few patients.
        LeakageError: something crosses after all.
    """
    _check_fractions(fractions)
    _refuse_doubled(rows)
    _refuse_conflicts(rows)
    bonds = _Bonds(rows, lookalikes)
    groups: dict[str, list[ImageRow]] = defaultdict(list)
    for row in rows:
        groups[bonds.of(row)].append(row)
    chosen = deal(groups, fractions, seed)
    parts = {
        part: [row for row in rows if chosen[bonds.of(row)] == place]
        for place, part in enumerate(PARTS)
    }
    wanted = [part for part, fraction in zip(PARTS, fractions, strict=True) if fraction > 0]
    _refuse_missing_class(parts, wanted)
    refuse_crossings(find_crossings(parts, lookalikes))
    audit = LeakageAudit(
        bound=bonds.bound, duplicates=equal_images(rows), lookalikes=tuple(lookalikes)
    )
    return SplitPlan.of(bonds.named(parts), audit, seed, fractions)


def audit_published(
    train: Sequence[ImageRow],
    validation: Sequence[ImageRow],
    test: Sequence[ImageRow],
    lookalikes: Sequence[Lookalike] = (),
    *,
    seed: int = 0,
    validation_fraction: float = FRACTIONS[1],
) -> SplitPlan:
    """A published split without those training images that validation or test have as well.

    An image crosses when its patient, its pixels, or a patient who is bound to its own stands in
    validation or test. Only training loses images, and each is named: a published test set stays
    what others report on. What crosses between validation and test is told and left. Where no
    validation part is published, it is taken from training, by patient. So it is where the
    published one has fewer than 30 patients of a class and a new one has more: the small one is
    then joined to training before. Notes of the audit say so.

    Raises:
        SourceRefusedError: equal images with different labels, or a class is missing from training
            or validation.
        ValidationError: an image is named twice.
    """
    published = {_TRAIN: train, _VALIDATION: validation, _TEST: test}
    rows = [row for part in published.values() for row in part]
    _refuse_doubled(rows)
    _refuse_conflicts(rows)
    bonds = _Bonds(rows, lookalikes)
    parts, dropped = _without_crossing(bonds, published)
    notes: tuple[str, ...] = ()
    fewest = _fewest(bonds, rows, validation)
    if fewest < LEAST_VALIDATION:
        pooled, also = _without_crossing(
            bonds, {_TRAIN: [*train, *validation], _VALIDATION: (), _TEST: test}
        )
        carved = _carved(bonds, pooled[_TRAIN], validation_fraction, seed)
        better = _fewest(bonds, rows, carved[_VALIDATION]) > fewest
        if better or not validation:
            parts, dropped = {**pooled, **carved}, also
        notes = (_on_validation(validation, fewest, carved=better or not validation),)
    _refuse_missing_class(parts, (_TRAIN, _VALIDATION))
    audit = LeakageAudit(
        published=True,
        crossing=find_crossings(parts, lookalikes),
        dropped=dropped,
        bound=bonds.bound,
        duplicates=equal_images(rows),
        lookalikes=tuple(lookalikes),
        notes=notes,
    )
    return SplitPlan.of(bonds.named(parts), audit, seed)


def _without_crossing(
    bonds: "_Bonds", published: Mapping[str, Sequence[ImageRow]]
) -> tuple[dict[str, Sequence[ImageRow]], tuple[DroppedImage, ...]]:
    """The parts, with a training that shares nothing with the others, and what it lost."""
    outside = _first_images(bonds, {part: published[part] for part in (_TEST, _VALIDATION)})
    train = published[_TRAIN]
    kept = [row for row in train if bonds.of(row) not in outside]
    dropped = tuple(
        DroppedImage(row.image_id, _reason(row, *outside[bonds.of(row)]))
        for row in train
        if bonds.of(row) in outside
    )
    return {**published, _TRAIN: kept}, dropped


def _carved(
    bonds: "_Bonds", rows: Sequence[ImageRow], fraction: float, seed: int
) -> dict[str, Sequence[ImageRow]]:
    """Training and validation out of what is there for both; a class may be too small for it."""
    groups: dict[str, list[ImageRow]] = defaultdict(list)
    for row in rows:
        groups[bonds.of(row)].append(row)
    chosen = deal(groups, (1 - fraction, fraction, 0), seed)
    return {
        part: [row for row in rows if chosen[bonds.of(row)] == place]
        for place, part in enumerate((_TRAIN, _VALIDATION))
    }


def _fewest(bonds: "_Bonds", rows: Sequence[ImageRow], part: Sequence[ImageRow]) -> int:
    """Patients of the class that has fewest of them in a part."""
    patients: dict[int, set[str]] = {row.label: set() for row in rows}
    for row in part:
        patients[row.label].add(bonds.of(row))
    return min(map(len, patients.values()), default=0)


def _on_validation(validation: Sequence[ImageRow], fewest: int, *, carved: bool) -> str:
    if not validation:
        return "No validation part was published; it was taken from training, by patient."
    told = (
        f"The published validation part has {len(validation)} images, and of one class {fewest} "
        f"patients or images alone; {LEAST_VALIDATION} are wanted, as threshold and calibration "
        "come from it."
    )
    if carved:
        return (
            f"{told} It was joined to training, and a validation part was taken from both anew, by "
            "patient. The test part stays as it was published."
        )
    return (
        f"{told} There are too few images for a larger one, so it was kept. Threshold and "
        "calibration may be far off."
    )


class _Bonds:
    """Which images must stay together: those of a patient, equal ones, and bound lookalikes."""

    def __init__(self, rows: Sequence[ImageRow], lookalikes: Iterable[Lookalike]) -> None:
        self._groups = Groups()
        for row in rows:
            self._groups.join(_by_patient(row), f"digest/{row.digest}", f"image/{row.image_id}")
        there = {row.image_id for row in rows}
        for pair in lookalikes:
            if pair.binds and {pair.first, pair.second} <= there:
                self._groups.join(f"image/{pair.first}", f"image/{pair.second}")
        patients: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            patients[self.of(row)].add(row.patient)
        self._names = {group: min(names, key=_known_first) for group, names in patients.items()}
        several = [tuple(sorted(names)) for names in patients.values() if len(names) > 1]
        self.bound = tuple(sorted(several))

    def of(self, row: ImageRow) -> str:
        return self._groups.of(_by_patient(row))

    def named(self, parts: Mapping[str, Sequence[ImageRow]]) -> dict[str, list[ImageRow]]:
        """The rows with one name for patients who are bound together."""
        return {
            part: [replace(row, patient=self._names[self.of(row)]) for row in rows]
            for part, rows in parts.items()
        }


def _known_first(name: str) -> tuple[bool, str]:
    """A patient's name stands for images that were bound to it, though nobody said theirs."""
    return not is_patient(name), name


def _by_patient(row: ImageRow) -> str:
    return f"patient/{row.patient}"


@dataclass(frozen=True)
class _Seen:
    part: str
    row: ImageRow


def _first_images(bonds: _Bonds, parts: Mapping[str, Sequence[ImageRow]]) -> dict[str, list[_Seen]]:
    found: dict[str, list[_Seen]] = defaultdict(list)
    for part, rows in parts.items():
        for row in rows:
            found[bonds.of(row)].append(_Seen(part, row))
    return dict(found)


def _reason(row: ImageRow, *others: _Seen) -> str:
    """Why a training image goes, by what it shares most with."""
    for other in others:
        if other.row.digest == row.digest:
            return f"the same image as {other.row.image_id} in {other.part}"
    for other in others:
        if other.row.patient == row.patient:
            return f"the patient of {other.row.image_id} in {other.part}"
    return f"bound to {others[0].row.image_id} in {others[0].part} by an equal or confirmed image"


def _check_fractions(fractions: Sequence[float]) -> None:
    if len(fractions) != len(PARTS) or not all(0 <= share <= 1 for share in fractions):
        raise ValidationError("A split has three shares between 0 and 1; nothing was split.")
    if abs(sum(fractions) - 1) > 1e-6 or fractions[0] == 0:
        raise ValidationError(
            f"The shares of a split add up to 1 and some images train; they are "
            f"{', '.join(map(str, fractions))}."
        )


def _refuse_doubled(rows: Sequence[ImageRow]) -> None:
    if len({row.image_id for row in rows}) < len(rows):
        raise ValidationError("Two images have the same name; nothing was split.")


def _refuse_conflicts(rows: Sequence[ImageRow]) -> None:
    seen: dict[str, ImageRow] = {}
    problems = []
    for row in rows:
        first = seen.setdefault(row.digest, row)
        if first.label != row.label:
            reason = f"it is the same image as {first.image_id}, with another label"
            problems.append(Rejection(row.image_id, reason))
    if problems:
        raise SourceRefusedError.of(
            problems, "Give equal images the same label, or remove them, and start again."
        )


def _refuse_missing_class(parts: Mapping[str, Sequence[ImageRow]], wanted: Sequence[str]) -> None:
    classes = {row.label for rows in parts.values() for row in rows}
    for part in wanted:
        missing = classes - {row.label for row in parts[part]}
        if missing:
            raise SourceRefusedError(
                f"No training was started: class {min(missing)} has no image in {part}; it has too "
                "few patients to be in each part. Add images of other patients."
            )

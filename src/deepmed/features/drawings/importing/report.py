"""What an import did: one report with every name and reason."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from deepmed.features.drawings.importing.plan import Rejection
from deepmed.features.drawings.tables import Drawing


@dataclass(frozen=True)
class StoredDrawing:
    name: str
    id: int
    notes: tuple[str, ...] = ()
    """What was changed when the picture was read: turned, set on white, scaled."""


@dataclass(frozen=True)
class PresentDrawing:
    """A file whose very bytes are stored already; what is stored was kept.

    `conflicts` has the fields for which this import brought another value: [stored, brought].
    """

    name: str
    id: int
    conflicts: dict[str, list[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class DuplicateDrawing:
    """A stored picture whose pixels are those of an older one; it trains nothing."""

    name: str
    id: int
    duplicate_of: int


@dataclass
class ImportReport:
    """Names as they stand in the source."""

    source: str
    run: str = ""
    stored: list[StoredDrawing] = field(default_factory=list)
    already_present: list[PresentDrawing] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    unknown_files: list[str] = field(default_factory=list)
    blank: list[str] = field(default_factory=list)
    """Nearly blank pages: stored, marked, never scored."""
    duplicates: list[DuplicateDrawing] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    without_child_id: int = 0
    """Drawings stored by this import that count as separate children."""
    dataset_id: int | None = None
    dataset_version: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, every name included."""
        return asdict(self)

    def counts(self) -> dict[str, int]:
        return {
            "stored": len(self.stored),
            "already_present": len(self.already_present),
            "conflicts": sum(bool(present.conflicts) for present in self.already_present),
            "rejected": len(self.rejected),
            "unknown_files": len(self.unknown_files),
            "blank": len(self.blank),
            "duplicates": len(self.duplicates),
            "without_child_id": self.without_child_id,
        }

    def to_record(self) -> dict[str, Any]:
        """What the run keeps: counts and refusals, no names of stored drawings.

        Names may hold a child's id, and a child's data must go when it is deleted.
        """
        return {
            **self.counts(),
            "refusals": [asdict(rejection) for rejection in self.rejected],
            "dataset_id": self.dataset_id,
        }


def dataset_card(drawings: Sequence[Drawing]) -> dict[str, Any]:
    """Counts, ages, subjects, labels and precision of the drawings of a dataset version."""
    ages = [drawing.age_years for drawing in drawings]
    named = {drawing.child_id for drawing in drawings if drawing.child.code is not None}
    return {
        "drawings": len(drawings),
        "children": len({drawing.child_id for drawing in drawings}),
        "children_with_id": len(named),
        "age_min": min(ages),
        "age_max": max(ages),
        "ages": _counted(f"{int(age)}" for age in ages),
        "age_precision": _counted(drawing.age_precision for drawing in drawings),
        "subjects": _counted(drawing.subject or "unspecified" for drawing in drawings),
        "expert_labels": _counted(drawing.expert_label or "none" for drawing in drawings),
        "blank": sum(drawing.is_blank for drawing in drawings),
        "duplicates": sum(drawing.duplicate_of is not None for drawing in drawings),
    }


def _counted(values: Any) -> Mapping[str, int]:
    return dict(sorted(Counter(values).items()))

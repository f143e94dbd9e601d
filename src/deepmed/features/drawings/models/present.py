"""A model's files read with those who are in it now.

The files name children as they were at the training. Afterwards drawings are deleted, and people
say of drawings whose they are. A drawing keeps the part that it had, and its present child has it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from deepmed.features.drawings.models import repository
from deepmed.features.drawings.models.file_names import ITEMS_FILE
from deepmed.features.drawings.models.membership import Part
from deepmed.learning.reference import Role
from deepmed.learning.reference.files import HEADER

FITTED = {"fit", "borrowed"}


@dataclass(frozen=True)
class Present:
    """Who is there now, of those that a model's files name."""

    children: Mapping[int, int]
    """Of each drawing that still exists, its child."""
    existing: frozenset[int]
    """Those of the fitted children who still exist."""
    parts: tuple[Part, ...]
    """The members of the model; nobody for files that no model uses."""

    def fitted(self, *, twin: bool) -> set[int]:
        """Children with a drawing that the model, or its twin, was fitted on."""
        place = 3 if twin else 2
        return {part[1] for part in self.parts if part[place] in FITTED}

    def borrowed(self) -> set[int]:
        """Children with a drawing that the model borrowed."""
        return {child for _, child, part, _ in self.parts if part == "borrowed"}


def look_up(session: Session, files: Mapping[str, bytes], model_id: int | None = None) -> Present:
    """Who of a model's drawings and children is there, and whose the drawings are.

    Numbers below zero name nobody here: a model that came from elsewhere keeps all of them.
    """
    header, items = json.loads(files[HEADER]), json.loads(files[ITEMS_FILE])
    rows = [
        *header["model"],
        *(header["twin"] or []),
        *(row for part in items.values() for row in part),
    ]
    elsewhere = {row["drawing"]: row["child"] for row in rows if row["drawing"] < 0}
    fitted = frozenset(child for child in header["fit_children"] if child < 0)
    return Present(
        repository.children_of(session, {row["drawing"] for row in rows}) | elsewhere,
        repository.existing_children(session, header["fit_children"]) | fitted,
        tuple(repository.parts(session, model_id)) if model_id is not None else (),
    )


def as_present(files: Mapping[str, bytes], now: Present) -> dict[str, bytes]:
    """The same files without deleted drawings, and with every drawing at its present child.

    A child with drawings in the fitting and in the calibration part counts as fitted on. Its
    calibration scores go: the detector knows the child, so they are lower than those of a child
    whom it does not know, and new children would be flagged too often among them.
    """
    header, items = json.loads(files[HEADER]), json.loads(files[ITEMS_FILE])
    # Who was fitted on stays so even without a drawing among the members: it may be deleted.
    header["fit_children"] = sorted(
        now.fitted(twin=False) | now.existing.intersection(header["fit_children"])
    )
    header["borrowed_children"] = sorted(
        now.borrowed() | now.existing.intersection(header["borrowed_children"])
    )
    fitted = set(header["fit_children"])
    header["model"] = _rows(header["model"], now, without=fitted)
    if header["twin"] is not None:
        header["twin"] = _rows(header["twin"], now, without=now.fitted(twin=True))
    calibrating = {row["child"] for row in header["model"]}
    for name, part in items.items():
        items[name] = [
            row | {"role": _role(row["child"], fitted, calibrating)} if "role" in row else row
            for row in _rows(part, now)
        ]
    return {
        **files,
        HEADER: json.dumps(header, indent=1, sort_keys=True).encode(),
        ITEMS_FILE: json.dumps(items).encode(),
    }


def _rows(
    rows: Iterable[dict[str, Any]], now: Present, without: set[int] | None = None
) -> list[dict[str, Any]]:
    moved = [
        row | {"child": now.children[row["drawing"]]}
        for row in rows
        if row["drawing"] in now.children
    ]
    return [row for row in moved if row["child"] not in (without or ())]


def _role(child: int, fitted: set[int], calibrating: set[int]) -> str:
    if child in fitted:
        return Role.FIT.value
    return (Role.CALIBRATION if child in calibrating else Role.NEW).value

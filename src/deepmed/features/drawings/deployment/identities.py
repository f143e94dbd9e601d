"""A model's files without the names by which this installation knows children and drawings.

Ids of other installations would name other children there. Below zero no database gives one, so
what travels is numbered there: that holds together what belongs to one child, keeps the order in
which figures with their intervals are counted again, and names nobody.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deepmed.features.drawings.models.file_names import ITEMS_FILE
from deepmed.learning.reference.files import HEADER

CHILD_LISTS = ("fit_children", "borrowed_children")
_NAMING = {"drawing_ids", "drawing_id", "child_id"}


@dataclass(frozen=True)
class Pseudonyms:
    """Numbers below zero for the children and drawings of one export."""

    children: Mapping[int, int]
    drawings: Mapping[int, int]

    @classmethod
    def deal(cls, files: Mapping[str, bytes], recipe: Mapping[str, Any]) -> "Pseudonyms":
        """For everybody whom the files or the recipe name."""
        header, rows = _parsed(files)
        children = {row["child"] for row in rows}.union(*(header[name] for name in CHILD_LISTS))
        drawings = {row["drawing"] for row in rows}.union(*_halves(recipe))
        return cls(_dealt(children), _dealt(drawings))

    def rename_files(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """The files with the pseudonyms in place of the names."""
        header, items = json.loads(files[HEADER]), _items(files)
        for name in CHILD_LISTS:
            header[name] = sorted(self.children[child] for child in header[name])
        for half in ("model", "twin"):
            header[half] = header[half] and self._rows(header[half])
        renamed = {name: self._rows(rows) for name, rows in items.items()}
        return {
            **files,
            HEADER: json.dumps(header, indent=1, sort_keys=True).encode(),
            ITEMS_FILE: json.dumps(renamed, separators=(",", ":")).encode(),
        }

    def rename_recipe(self, recipe: Mapping[str, Any]) -> dict[str, Any]:
        """The recipe with who took which part under the pseudonyms."""
        renamed = dict(recipe)
        for half in ("model", "twin"):
            parts = recipe.get(half)
            renamed[half] = parts and {
                part: [self.drawings[drawing] for drawing in drawings]
                for part, drawings in parts.items()
            }
        return renamed

    def _rows(self, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [
            {
                **row,
                "drawing": self.drawings[row["drawing"]],
                "child": self.children[row["child"]],
            }
            for row in rows
        ]


def without_names(value: Any) -> Any:
    """Figures without the lists of ids that some of them carry."""
    if isinstance(value, Mapping):
        return {key: without_names(one) for key, one in value.items() if key not in _NAMING}
    if isinstance(value, list):
        return [without_names(one) for one in value]
    return value


def names_somebody(files: Mapping[str, bytes]) -> str | None:
    """Why files may not come into use: they name somebody of this installation, or may do so."""
    try:
        named = named_here(files)
    except (AttributeError, KeyError, TypeError, ValueError):
        return "The package does not say in a known form who took part in the model."
    if not named:
        return None
    return "The package names children or drawings by numbers that could be of others here."


def named_here(files: Mapping[str, bytes]) -> list[int]:
    """Which numbers in files could be those of children or drawings of this installation."""
    header, rows = _parsed(files)
    listed = [child for name in CHILD_LISTS for child in header[name]]
    found = [*listed, *(row[key] for row in rows for key in ("child", "drawing"))]
    return [number for number in found if type(number) is not int or number >= 0]


def _parsed(files: Mapping[str, bytes]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    header = json.loads(files[HEADER])
    rows = [*header["model"], *(header["twin"] or [])]
    return header, rows + [row for part in _items(files).values() for row in part]


def _items(files: Mapping[str, bytes]) -> dict[str, Any]:
    items: dict[str, Any] = json.loads(files[ITEMS_FILE])
    return items


def _halves(recipe: Mapping[str, Any]) -> Iterator[list[int]]:
    for half in ("model", "twin"):
        yield from (recipe.get(half) or {}).values()


def _dealt(names: Iterable[int]) -> dict[int, int]:
    ordered = sorted(names)
    return {name: place - len(ordered) for place, name in enumerate(ordered)}

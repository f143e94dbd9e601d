"""Which row of a metadata table speaks of which file."""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from deepmed.features.drawings.importing.sources import SourceFile
from deepmed.features.drawings.metadata_files import MetadataRow, MetadataTable

PICTURE_ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib"),
    *(".gif", ".tif", ".tiff", ".webp", ".heic", ".heif", ".avif", ".svg"),
)


def base_name(name: str) -> str:
    return name.rpartition("/")[2]


def stem(name: str) -> str:
    base = base_name(name)
    ending = next((end for end in PICTURE_ENDINGS if base.lower().endswith(end)), "")
    return base[: len(base) - len(ending)]


@dataclass
class Matches:
    """`rows` by the name of the file; rows of no file, and rows that fit several files."""

    rows: dict[str, list[MetadataRow]] = field(default_factory=lambda: defaultdict(list))
    without_file: list[MetadataRow] = field(default_factory=list)
    ambiguous: list[tuple[MetadataRow, list[str]]] = field(default_factory=list)


def match_rows(table: MetadataTable, files: Iterable[SourceFile]) -> Matches:
    """By full path, else by name, else by name without its ending."""
    names = [file.name for file in files]
    indexes = [_index(names, key) for key in (_same, base_name, stem)]
    matches = Matches()
    for row in table.rows:
        found = _find(row.filename, indexes)
        if len(found) > 1:
            matches.ambiguous.append((row, found))
        elif found:
            matches.rows[found[0]].append(row)
        else:
            matches.without_file.append(row)
    return matches


Index = dict[str, list[str]]


def _find(wanted: str, indexes: list[Index]) -> list[str]:
    keys = [_same(wanted), base_name(_same(wanted)), stem(_same(wanted))]
    found = (index.get(key, []) for key, index in zip(keys, indexes, strict=True))
    return next((names for names in found if names), [])


def _index(names: list[str], key: Callable[[str], str]) -> Index:
    index: Index = defaultdict(list)
    for name in names:
        index[key(_same(name))].append(name)
    return index


def _same(name: str) -> str:
    """Letters with marks in one spelling: archives from a Mac take them apart."""
    return unicodedata.normalize("NFC", name)

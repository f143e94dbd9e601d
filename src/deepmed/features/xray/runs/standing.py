"""What the figures of a stored run stand on: whom they count, what crosses, who looked before."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from deepmed.features.xray.preparation.split_plan import digest_of_test
from deepmed.features.xray.runs import repository
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.source.pseudonyms import is_patient, unit_of

_IMAGE, _DIGEST, _LABEL, _PATIENT = range(4)
"""Places in a row of a stored split."""


@dataclass(frozen=True)
class Known:
    """Of how many images somebody said whose they are, and what figures over them count."""

    images: int
    known: int
    unit: str

    @classmethod
    def of(cls, rows: Sequence[Sequence[Any]]) -> Self:
        names = [row[_PATIENT] for row in rows]
        return cls(len(names), sum(map(is_patient, names)), unit_of(names))

    @property
    def unknown(self) -> int:
        return self.images - self.known


def known_in(split: Mapping[str, Any], part: str | None = None) -> Known:
    """Of one part, or of all of them."""
    parts = split["parts"]
    chosen = parts.values() if part is None else [parts[part]]
    return Known.of([row for rows in chosen for row in rows])


def looks(run: StoredRun) -> Sequence[str]:
    """The run of each look at this run's test images that is on record, in order."""
    split = run.split
    test = digest_of_test(row[_DIGEST] for row in split["parts"]["test"])
    with run.home.database.read() as session:
        return repository.looks_at(session, run.home.owner_id, split["digest"], test)


def who_stands_where(split: Mapping[str, Any]) -> str:
    """Whether somebody stands in several parts, as the audit found it."""
    crossing, whole = split["audit"]["crossing"], known_in(split)
    if crossing:
        return (
            f"Patients or images that stand in more than one part of the published split: "
            f"{len(crossing):,}. Figures may be too good."
        )
    if not whole.unknown:
        return "Each patient stands in one part alone."
    return (
        f"Patients known: of {whole.known:,} of {whole.images:,} images. "
        + ("Each patient who is known stands in one part alone. " if whole.known else "")
        + "Where one person has several of the others, they may stand in several parts, and "
        "figures may be too good."
    )


def warnings(split: Mapping[str, Any]) -> Iterator[str]:
    """What is to be known of a split before its figures are believed."""
    if split["audit"]["crossing"] or known_in(split).unknown:
        yield who_stands_where(split)
    yield from split["audit"].get("notes", ())

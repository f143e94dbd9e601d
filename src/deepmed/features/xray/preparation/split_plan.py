"""A split as it is stored with its run (X-2)."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deepmed.features.xray.preparation.audit import PARTS, LeakageAudit
from deepmed.kit.digests import json_digest
from deepmed.kit.errors import IntegrityError
from deepmed.kit.files import write_atomically
from deepmed.learning.imaging.rows import ImageRow

_VERSION = 1


@dataclass(frozen=True)
class SplitPlan:
    """Which image trains, validates and tests.

    Patients who were bound together have one name here, so that what is counted by patient counts
    them once. The digest is of the names, pixels and classes in each part; it is the same wherever
    the same images were split in the same way.
    """

    train: tuple[ImageRow, ...]
    validation: tuple[ImageRow, ...]
    test: tuple[ImageRow, ...]
    audit: LeakageAudit
    seed: int
    digest: str
    fractions: tuple[float, ...] = ()

    @classmethod
    def of(
        cls,
        parts: Mapping[str, Sequence[ImageRow]],
        audit: LeakageAudit,
        seed: int,
        fractions: Sequence[float] = (),
    ) -> "SplitPlan":
        rows = {part: tuple(parts.get(part, ())) for part in PARTS}
        return cls(
            rows["train"],
            rows["validation"],
            rows["test"],
            audit,
            seed,
            _digest(rows),
            tuple(fractions),
        )

    @property
    def parts(self) -> dict[str, tuple[ImageRow, ...]]:
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @property
    def test_digest(self) -> str:
        return digest_of_test([row.digest for row in self.test])

    def to_json(self) -> str:
        content = {
            "version": _VERSION,
            "digest": self.digest,
            "seed": self.seed,
            "fractions": self.fractions,
            "audit": self.audit.as_json(),
            "parts": {
                part: [[row.image_id, row.digest, row.label, row.patient] for row in rows]
                for part, rows in self.parts.items()
            },
        }
        return json.dumps(content, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes, rows: Iterable[ImageRow]) -> "SplitPlan":
        """The split that `to_json` wrote, over the rows of the same source.

        Raises:
            IntegrityError: it was changed, or the images are not those that were split.
        """
        try:
            found = json.loads(text)
            plan = cls.of(
                _rows(found["parts"], {row.image_id: row for row in rows}),
                LeakageAudit.from_json(found["audit"]),
                found["seed"],
                found["fractions"],
            )
            same = found["version"] == _VERSION and found["digest"] == plan.digest
        except (KeyError, TypeError, ValueError) as error:
            raise _other() from error
        if not same:
            raise _other()
        return plan

    def save(self, path: Path) -> Path:
        write_atomically(path, self.to_json().encode())
        return path

    @classmethod
    def load(cls, path: Path, rows: Iterable[ImageRow]) -> "SplitPlan":
        """Raises IntegrityError where it is gone, changed or of other images."""
        try:
            text = path.read_bytes()
        except OSError as error:
            raise _other() from error
        return cls.from_json(text, rows)


def digest_of_test(digests: Iterable[str]) -> str:
    """Of a test part by its images' digests: whoever looks at it is known by it."""
    return json_digest(sorted(digests))


def stored_rows(split: Mapping[str, Any], part: str) -> list[dict[str, Any]]:
    """Image, digest, label and patient of each row of a part of what `to_json` wrote."""
    names = ("image", "digest", "label", "patient")
    return [dict(zip(names, row, strict=True)) for row in split["parts"][part]]


def _rows(
    parts: Mapping[str, Any], known: Mapping[str, ImageRow]
) -> dict[str, tuple[ImageRow, ...]]:
    return {
        part: tuple(
            replace(known[name], digest=digest, label=label, patient=patient)
            if (known[name].digest, known[name].label) == (digest, label)
            else _changed(name)
            for name, digest, label, patient in parts[part]
        )
        for part in PARTS
    }


def _changed(name: str) -> ImageRow:
    raise ValueError(f"{name} is another image now")


def _digest(parts: Mapping[str, Sequence[ImageRow]]) -> str:
    listed = {
        part: sorted([row.image_id, row.digest, row.label] for row in rows)
        for part, rows in parts.items()
    }
    return json_digest({"version": _VERSION, "parts": listed})


def _other() -> IntegrityError:
    return IntegrityError(
        "The stored split is gone, was changed, or is of other images than there are now; start a "
        "new run."
    )

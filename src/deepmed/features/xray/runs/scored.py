"""What a network said of each image of a part, as it is stored with the run."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from deepmed.features.xray.runs.kept import read_kept
from deepmed.kit.errors import IntegrityError
from deepmed.kit.files import write_atomically
from deepmed.learning.imaging.rows import ImageRow

if TYPE_CHECKING:
    from deepmed.learning.evaluation.binary import OperatingPoint

Record = dict[str, Any]


@dataclass(frozen=True)
class ScoredPart:
    """Logits (n, 1) or (n, classes) of the readable images of a part, with who they are of."""

    records: tuple[Record, ...]

    @classmethod
    def of(
        cls,
        rows: Sequence[ImageRow],
        readable: Sequence[int],
        index: Sequence[int],
        logits: NDArray[Any],
    ) -> Self:
        """Rows of a part, the places of the readable ones and of what was scored, and its logits.

        Raises:
            IntegrityError: not each of the readable rows was scored once and in their order.
        """
        if list(index) != list(readable):
            raise IntegrityError(
                f"Scores of {len(set(index))} images came of the {len(readable)} that a part has, "
                "so no figures were made. What was learned is kept; resume the run to score them "
                "again."
            )
        return cls(
            tuple(
                {
                    "image": rows[place].image_id,
                    "digest": rows[place].digest,
                    "patient": rows[place].patient,
                    "label": rows[place].label,
                    "attributes": dict(rows[place].attributes),
                    "logits": [float(value) for value in values],
                }
                for place, values in zip(index, logits.tolist(), strict=True)
            )
        )

    @property
    def labels(self) -> list[int]:
        return [record["label"] for record in self.records]

    @property
    def patients(self) -> list[str]:
        return [record["patient"] for record in self.records]

    @property
    def logits(self) -> NDArray[np.float64]:
        """(n,) of class 1, or (n, classes)."""
        found = np.array([record["logits"] for record in self.records], dtype=np.float64)
        return found[:, 0] if found.shape[1] == 1 else found

    @property
    def attributes(self) -> dict[str, list[str | None]]:
        """By name, one value an image; none where an image has none."""
        names = dict.fromkeys(name for record in self.records for name in record["attributes"])
        return {name: [record["attributes"].get(name) for record in self.records] for name in names}

    def with_probabilities(self, point: "OperatingPoint") -> list[Record]:
        """The records with what is served for such an image: `probability` and `decision`."""
        shares = point.probabilities(self.logits)
        return [
            {
                **record,
                "probability": share.tolist(),
                "decision": int(share.argmax())
                if point.threshold is None
                else int(share >= point.threshold),
            }
            for record, share in zip(self.records, shares, strict=True)
        ]

    def save(self, path: Path, of: Mapping[str, str]) -> None:
        """Keep it, with what it was scored on and by."""
        write_atomically(path, json.dumps({"of": of, "records": self.records}).encode())

    @classmethod
    def load(cls, path: Path, of: Mapping[str, str]) -> Self | None:
        """What was saved; None where there is nothing that can be read.

        Raises:
            IntegrityError: it was scored on another split, or by another network.
        """
        found = read_kept(path)
        if found is None:
            return None
        if found.get("of") != of:
            raise IntegrityError(
                "The scores of the test part that this run keeps are of another split or another "
                "network than it has now. Everything is kept as it was, and the test part was not "
                "looked at again. Start a new run."
            )
        return cls(tuple(found["records"]))


def people(records: Sequence[Mapping[str, Any]]) -> int:
    return len({record["patient"] for record in records})

"""Every score behind a report, item by item, so that anyone can count again (V-2).

Each set is a list of rows that name the drawing and the child, so that a deletion finds them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deepmed.learning.detectors.folds import Folds, Ranks
from deepmed.learning.reference import ReferenceModel, Role, Rows
from deepmed.learning.reference.evaluation import Contaminated, PlantedRows

Item = dict[str, Any]

COMPARED = "compared"
"""Fold scores of the detectors and of the plain features that stand beside."""
LAYOUTS = "layouts"
"""Fold scores of the chosen detector with each layout."""


def contaminated_set(rate: float, part: str) -> str:
    """The set of a contaminated model's `replaced`, `calibration` or `planted` drawings."""
    return f"contamination {rate:g} {part}"


class FoldLog:
    """Scores of held-out drawings, fold by fold: whatever choices were made, they rest on these."""

    def __init__(self) -> None:
        self.sets: dict[str, list[Item]] = {}

    def add(
        self,
        name: str,
        rows: Rows,
        planted: PlantedRows,
        folds: Folds,
        ranks: Mapping[str, Ranks],
    ) -> None:
        """Keep the drawings' scores, then those of the planted ones; `kind` is null for drawings.

        Args:
            name: of the set.
            rows: the drawings that were compared on.
            planted: all anomalies planted into them; one that no fold can score has the fold -1.
            folds: who was held out when.
            ranks: the scores by row of the comparison; each item lists its scores in this order.
        """
        scored = iter(_columns([found.positive_scores for found in ranks.values()]))
        drawings = zip(
            _named(rows),
            folds.of_drawings.tolist(),
            _columns([found.negative_scores for found in ranks.values()]),
            strict=True,
        )
        anomalies = zip(_named(planted.rows), planted.kinds, folds.of_planted.tolist(), strict=True)
        self.sets[name] = [
            item | {"fold": fold, "kind": None, "scores": scores} for item, fold, scores in drawings
        ] + [
            item | {"fold": fold, "kind": kind, "scores": [] if fold < 0 else next(scored)}
            for item, kind, fold in anomalies
        ]


class ItemLog:
    """Scores of the model on sets of drawings, with child, role and kind."""

    def __init__(self, model: ReferenceModel, folds: FoldLog) -> None:
        self.model = model
        self._sets = dict(folds.sets)

    def add(
        self,
        name: str,
        rows: Rows,
        kinds: Sequence[str] | None = None,
        *,
        across_ages: bool = False,
    ) -> None:
        """Score the rows and keep them under a name.

        Args:
            name: of the set.
            rows: the drawings.
            kinds: what was planted into each.
            across_ages: score them at the neutral age, as age-specificity does.
        """
        score = self.model.score_across_ages if across_ages else self.model.score
        scores = score(rows, self.model.encoder).tolist()
        self._sets[name] = [
            item
            | {
                "role": self.model.role(item["child"]).value,
                "score": scores[index],
                "kind": kinds[index] if kinds else None,
            }
            for index, item in enumerate(_named(rows))
        ]

    def add_own(self, rows: Rows) -> None:
        """The model's own drawings; held-out ones are the negatives of age-specificity too."""
        self.add("own", rows)
        neutral = self.model.score_across_ages(rows, self.model.encoder).tolist()
        for item, score in zip(self._sets["own"], neutral, strict=True):
            if item["role"] != Role.FIT:
                item["neutral"] = score

    def add_contaminated(self, found: Contaminated) -> None:
        """Keep who was replaced, and what the contaminated model says of the others."""
        calibration = found.model.model.calibration
        drawings = found.model.model.calibration_drawings.tolist()
        tested = found.model.score(found.tested.rows, found.model.encoder).tolist()
        of = {part: contaminated_set(found.rate, part) for part in _PARTS}
        self._sets[of["replaced"]] = list(_named(found.replaced))
        self._sets[of["calibration"]] = [
            {"drawing": drawing, "child": int(str(child)), "score": score}
            for drawing, child, score in zip(
                drawings, calibration.children, calibration.scores.tolist(), strict=True
            )
        ]
        self._sets[of["planted"]] = [
            item | {"kind": kind, "score": score}
            for item, kind, score in zip(
                _named(found.tested.rows), found.tested.kinds, tested, strict=True
            )
        ]

    def to_bytes(self) -> bytes:
        """All sets as JSON."""
        return json.dumps(self._sets, separators=(",", ":")).encode()


_PARTS = ("replaced", "calibration", "planted")


def _named(rows: Rows) -> Iterator[Item]:
    pairs = zip(rows.drawings.tolist(), rows.children.tolist(), strict=True)
    return ({"drawing": drawing, "child": child} for drawing, child in pairs)


def _columns(columns: Sequence[Any]) -> list[list[float]]:
    return [list(row) for row in zip(*(column.tolist() for column in columns), strict=True)]

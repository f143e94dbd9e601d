"""Every score behind a report, item by item, so that anyone can count again (V-2)."""

from collections.abc import Sequence
from typing import Any

from deepmed.learning.reference import ReferenceModel, Rows


class ItemLog:
    """Scores of the model on sets of drawings, with child, role and kind."""

    def __init__(self, model: ReferenceModel) -> None:
        self.model = model
        self._sets: dict[str, list[dict[str, Any]]] = {}

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
        if not len(rows):
            self._sets[name] = []
            return
        score = self.model.score_across_ages if across_ages else self.model.score
        scores = score(rows, self.model.encoder).tolist()
        self._sets[name] = [
            {
                "drawing": drawing,
                "child": child,
                "role": self.model.role(child).value,
                "score": score,
                "kind": kinds[index] if kinds else None,
            }
            for index, (drawing, child, score) in enumerate(
                zip(rows.drawings.tolist(), rows.children.tolist(), scores, strict=True)
            )
        ]

    def to_dict(self) -> dict[str, list[dict[str, Any]]]:
        return self._sets

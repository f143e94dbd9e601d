"""Which models are in use: taking one out, all of them, or two for one that spans both (D-29)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from deepmed.core.audit import repository as audit
from deepmed.features.drawings.models import repository
from deepmed.features.drawings.models.kinds import GROUP
from deepmed.features.drawings.models.ranges import AgeRange, range_of
from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ConflictError, ValidationError

if TYPE_CHECKING:
    from deepmed.features.drawings.models.manager import ModelManager

Bounds = tuple[float, float]


class ModelUse:
    """Takes models of one owner into use and out of it; rows and files are kept."""

    def __init__(self, bench: Workbench, models: "ModelManager") -> None:
        self.bench = bench
        self.models = models

    def deactivate(self, session: Session, model_id: int) -> AgeGroupModel:
        """Take a model out of use; one that is out of use already stays so.

        Raises:
            NotFoundError: there is no such model.
        """
        row = self.models.get(session, model_id)
        self._take_out(session, [row])
        return row

    def deactivate_all(self, session: Session) -> int:
        """Take every model out of use; returns how many groups' models were in use."""
        groups = self.models.active(session)
        pooled = self.models.pooled(session)
        self._take_out(session, [*groups, *([pooled] if pooled else [])])
        return len(groups)

    def merge(
        self, session: Session, originals: Sequence[Bounds], merged: Bounds
    ) -> tuple[AgeGroupModel, list[AgeGroupModel]]:
        """Use the trained candidate of the merged range instead of the original groups' models.

        Returns:
            The model that is in use now, and those that no longer are.

        Raises:
            ValidationError: the groups do not lie within the merged range.
            ConflictError: no candidate of that range is trained yet, or it is in use already.
        """
        span = AgeRange(*merged)
        _refuse_outside(originals, span)
        mine = [row for row in self.models.rows(session) if row.kind == GROUP]
        candidate = self._candidate(mine, merged)
        replaced = [
            row for row in mine if row.is_active and range_of(row).overlaps(range_of(candidate))
        ]
        self._take_out(session, replaced)
        repository.activate(session, candidate.id, f"group {range_of(candidate).label}")
        self._record(session, candidate, "model.activate")
        session.flush()
        session.refresh(candidate)
        return candidate, replaced

    @staticmethod
    def _candidate(mine: Sequence[AgeGroupModel], merged: Bounds) -> AgeGroupModel:
        found = [row for row in mine if (row.age_min, row.age_max) == merged]
        if any(row.is_active for row in found):
            raise ConflictError(
                f"A model for ages {merged[0]:g}-{merged[1]:g} is in use already; nothing was "
                "changed."
            )
        if not found:
            raise ConflictError(
                f"No model is trained for ages {merged[0]:g}-{merged[1]:g} yet, and no model "
                "exists without training; nothing was changed. Train a candidate of that range "
                "first (`candidate: true`), then merge."
            )
        return max(found, key=lambda row: row.id)

    def _take_out(self, session: Session, rows: Sequence[AgeGroupModel]) -> None:
        active = [row for row in rows if row.is_active]
        repository.deactivate(session, [row.id for row in active])
        for row in active:
            self._record(session, row, "model.deactivate")
        if not self.models.active(session):
            pooled = self.models.pooled(session)
            if pooled is not None:  # it stands beside groups, and there are none
                repository.deactivate(session, [pooled.id])

    def _record(self, session: Session, row: AgeGroupModel, deed: str) -> None:
        audit.record(
            session,
            self.bench.owner_id,
            deed,
            "age_group_model",
            row.id,
            age_group=range_of(row).label,
            kind=row.kind,
        )


def _refuse_outside(originals: Sequence[Bounds], merged: AgeRange) -> None:
    for low, high in originals:
        if low >= high or low < merged.age_min or high > merged.age_max:
            raise ValidationError(
                f"The group {low:g}-{high:g} does not lie within {merged.words}; nothing was "
                "changed."
            )

"""Active models of other ages: they lend fitting drawings, join the pool and are neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from deepmed.features.drawings.models import repository
from deepmed.features.drawings.models.eligibility import within
from deepmed.features.drawings.models.kinds import GROUP
from deepmed.features.drawings.models.ranges import AgeRange, range_of
from deepmed.learning.reference import GroupPlan, Half, Lenders, Rows


@dataclass(frozen=True)
class Standing:
    """An active model whose ages the groups to be trained leave alone."""

    ages: AgeRange
    plan: GroupPlan
    """Its own drawings as they took part, as far as they may still train; nothing borrowed.

    A drawing whose age was corrected out of the range is not its own any more: it belongs to the
    group of its present age, and must not be in two plans at once.
    """

    @property
    def lenders(self) -> Lenders:
        twin = self.plan.twin
        return Lenders(self.plan.model.fit, twin.fit if twin else _nobody(self.plan.model.fit))


def find_standing(
    session: Session,
    owner_id: int,
    encoder: str | None,
    groups: Sequence[AgeRange],
    rows: Rows,
    *,
    kind: str = GROUP,
) -> list[Standing]:
    """The active models that overlap none of the groups, in order of age.

    Args:
        session: of the database.
        owner_id: whose models.
        encoder: identity key of the encoder whose models are meant; None: whichever.
        groups: what is to be trained.
        rows: the drawings that may train now.
        kind: of the models that are trained; they stand beside others of their kind.
    """
    models = [
        model
        for model in repository.active_models(session, owner_id, kind)
        if encoder in {None, model.vision_model}
        and not any(range_of(model).overlaps(group) for group in groups)
    ]
    ranges = [(model, range_of(model)) for model in models]
    return [Standing(ages, _plan(session, model.id, within(rows, ages))) for model, ages in ranges]


def _plan(session: Session, model_id: int, rows: Rows) -> GroupPlan:
    parts: dict[tuple[str, str | None], list[int]] = {}
    for member in repository.members(session, model_id):
        parts.setdefault(("model", member.part), []).append(member.drawing_id)
        parts.setdefault(("twin", member.twin_part), []).append(member.drawing_id)
    return GroupPlan(
        *(
            Half(
                _pick(rows, parts.get((half, "fit"), [])),
                _nobody(rows),
                _pick(rows, parts.get((half, "calibration"), [])),
            )
            for half in ("model", "twin")
        )
    )


def _pick(rows: Rows, drawings: list[int]) -> Rows:
    return rows.take(np.isin(rows.drawings, drawings))


def _nobody(rows: Rows) -> Rows:
    return rows.take(np.zeros(len(rows), dtype=bool))

"""A batch as a search through many children, on the wire (D-10)."""

from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, Field

if TYPE_CHECKING:
    from deepmed.features.drawings.analysis.cohort import Cohort, CohortChild


class Outlook(BaseModel):
    """What looking at these drawings at once could select at best."""

    n_children: int = Field(ge=0)
    level: float = Field(ge=0, le=1)
    smallest_q: float | None = Field(ge=0, le=1)
    can_select_any: bool
    children_needed: int | None = Field(ge=1)
    statement: str | None
    """That no drawing could be selected, where that is so."""


class OutlookResponse(BaseModel):
    outlook: Outlook


class CohortChildResponse(BaseModel):
    id: int
    child_id: str | None
    """The caller's own; null where none was given."""
    drawing_ids: list[int]
    flagged_drawing_ids: list[int]
    """By their own answers, which no q changes."""
    p_value: float | None = Field(ge=0, le=1)
    q_value: float | None = Field(ge=0, le=1)
    selected: bool
    reason: str | None
    """Why a number is null."""

    @classmethod
    def of(cls, child: "CohortChild") -> Self:
        return cls(
            id=child.id,
            child_id=child.code,
            drawing_ids=child.drawing_ids,
            flagged_drawing_ids=child.flagged,
            p_value=child.p_value,
            q_value=child.q_value,
            selected=child.selected,
            reason=child.reason,
        )


class CohortResponse(BaseModel):
    batch_id: str
    status: str
    percentile: float
    outlook: Outlook
    children: list[CohortChildResponse]
    """New to the models, the smallest q first."""
    drawings_not_new: int = Field(ge=0)
    drawings_without_p: int = Field(ge=0)

    @classmethod
    def of(cls, found: "Cohort") -> Self:
        return cls(
            batch_id=found.batch.uid,
            status=found.batch.status,
            percentile=found.percentile,
            outlook=Outlook(**found.outlook),
            children=[CohortChildResponse.of(each) for each in found.children],
            drawings_not_new=found.not_new,
            drawings_without_p=found.without_p,
        )

"""Kinds of models side by side, and the one rule of which of them answers.

A drawing whose subject is given is answered by the subject-aware model in use for its age, where
there is one; every other drawing by the age group's own model, which does not look at subjects.

Subject-aware models are fitted and calibrated on drawings whose subject is given, and on no
others: a new drawing is ranked among those that meet the same rule as it does itself, so the share
of typical ones that is flagged stays the attained level (D-9). A drawing without a subject has slot
0 among the columns; ranked by such a model it would differ from all comparison drawings by that
alone, so there it has no answer.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from deepmed.features.drawings.models.ranges import AgeRange, range_of
from deepmed.features.drawings.subjects import SUBJECT_SLOTS, subject_index
from deepmed.features.drawings.tables import AgeGroupModel

if TYPE_CHECKING:
    from deepmed.learning.reference import Layout

GROUP = "group"
SUBJECT_AWARE = "subject"
POOLED = "pooled"
OF_AGES = (GROUP, SUBJECT_AWARE)
"""Kinds that answer for drawings of their ages; the pooled one stands beside them."""

BY_SUBJECT = ", by subject too"
"""Beside the ages of a subject-aware model, where both kinds are shown."""

SUBJECT_LAYOUT = "visual+subject"
FURTHER_COLUMNS = {"visual": 0, "visual+age": 1, SUBJECT_LAYOUT: SUBJECT_SLOTS}
HYBRID = "hybrid"
UNSPECIFIED_SLOT = 0

Model = TypeVar("Model")


def kind_of(layout: "Layout | str") -> str:
    """The kind of a group's model that takes these columns."""
    return SUBJECT_AWARE if layout == SUBJECT_LAYOUT else GROUP


def embedding_type(parameters: Mapping[str, Any]) -> str:
    """`hybrid` for a vector with the subject's slots, as the contract has it; else its layout."""
    layout = str(parameters["layout"])
    return HYBRID if layout == SUBJECT_LAYOUT else layout


def columns(layout: str, dimension: int) -> int:
    """How many columns a model of this layout sees of vectors of so many.

    Example:
        >>> [columns(layout, 768) for layout in ("visual", "visual+age", "visual+subject")]
        [768, 769, 832]
    """
    return dimension + FURTHER_COLUMNS[layout]


def is_given(subject: str | None) -> bool:
    """Whether a drawing has a subject of the list, `unspecified` aside."""
    return subject_index(subject) != UNSPECIFIED_SLOT


def words_of(row: AgeGroupModel) -> str:
    """The ages of a model, and whether it looks at the subject too."""
    return range_of(row).words + (BY_SUBJECT if row.kind == SUBJECT_AWARE else "")


def answering(fitting: Mapping[str, Model], *, given: bool) -> Model | None:
    """Of the models in use for an age, by kind, the one that answers.

    Example:
        >>> answering({"group": 1, "subject": 2}, given=True)
        2
        >>> answering({"group": 1, "subject": 2}, given=False)
        1
    """
    if given and SUBJECT_AWARE in fitting:
        return fitting[SUBJECT_AWARE]
    return fitting.get(GROUP)


def row_for(
    rows: Iterable[AgeGroupModel], age: float, subject: str | None = None
) -> AgeGroupModel | None:
    """The active model that answers for a drawing of this age and subject."""
    fitting = {row.kind: row for row in rows if range_of(row).holds(age)}
    return answering(fitting, given=is_given(subject))


def plan_in_use(rows: Iterable[AgeGroupModel]) -> list[AgeRange]:
    """The age groups in use: those of the default models, else of the subject-aware ones."""
    ranges: dict[str, list[AgeRange]] = {kind: [] for kind in OF_AGES}
    for row in rows:
        ranges[row.kind].append(range_of(row))
    return ranges[GROUP] or ranges[SUBJECT_AWARE]

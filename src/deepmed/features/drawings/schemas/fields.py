"""Values that requests carry, checked before any database sees them."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from deepmed.kit.errors import NotFoundError
from deepmed.kit.ids import LARGEST_ID

LARGEST_SEED = 2**63 - 1
LayoutName = Literal["visual", "visual+age", "visual+subject"]
"""The values of `learning.reference.Layout`, which would bring the learning library along."""
_UID = re.compile("[0-9a-f]{32}")


def is_uid(text: str) -> bool:
    """Whether a job, a batch or an upload can be called so.

    >>> is_uid("0" * 32), is_uid("0" * 31 + "g")
    (True, False)
    """
    return _UID.fullmatch(text) is not None


def _possible(number: int) -> int:
    if not 0 < number <= LARGEST_ID:
        raise NotFoundError(f"Nothing has the id {number}.")
    return number


def _known(text: str) -> str:
    if not is_uid(text):
        raise NotFoundError("Nothing has this id.")
    return text


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("holds a NUL character")
    return text


ObjectId = Annotated[int, AfterValidator(_possible)]
"""Of an object in the path; one that no object can have answers 404 like any unknown one."""
ListedId = Annotated[int, Field(gt=0, le=LARGEST_ID)]
"""Of an object in a body."""
Uid = Annotated[str, AfterValidator(_known)]
Text = Annotated[str, Field(max_length=500), AfterValidator(_without_nul)]
"""To be compared with what is stored."""
Number = Annotated[float, Field(allow_inf_nan=False)]

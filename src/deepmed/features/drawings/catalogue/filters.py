"""Which drawings, in which order."""

from dataclasses import dataclass

from deepmed.features.drawings.metadata import ExpertLabel
from deepmed.kit.errors import ValidationError

SORTS = ("upload_timestamp", "age_years", "subject", "filename", "original_name", "id")
NEWEST_FIRST = "-upload_timestamp"
MAX_PAGE_SIZE = 100


@dataclass(frozen=True)
class DrawingFilter:
    """None does not filter. Ages are inclusive; the subject is a part of it, in any case."""

    age_min: float | None = None
    age_max: float | None = None
    subject: str | None = None
    expert_label: ExpertLabel | None = None
    child: str | None = None
    """The caller's child id."""
    is_blank: bool | None = None
    is_duplicate: bool | None = None
    withdrawn: bool | None = None
    dataset_id: int | None = None
    flagged: bool | None = None
    """Whether the newest answer is a flag; false holds those without an answer too."""

    def __post_init__(self) -> None:
        if self.age_min is not None and self.age_max is not None and self.age_max <= self.age_min:
            raise ValidationError("The upper age must be above the lower one.")


@dataclass(frozen=True)
class Sort:
    column: str
    descending: bool

    @classmethod
    def parse(cls, text: str) -> "Sort":
        """`age_years`, or `-age_years` for the other direction."""
        column = text.removeprefix("-")
        if column not in SORTS:
            raise ValidationError(f"Drawings are sorted by {', '.join(SORTS)}, not by {column!r}.")
        return cls(column, text.startswith("-"))


def check_page(page: int, page_size: int) -> None:
    if page < 1:
        raise ValidationError("Pages are counted from 1.")
    if not 1 <= page_size <= MAX_PAGE_SIZE:
        raise ValidationError(f"A page has 1 to {MAX_PAGE_SIZE} drawings.")

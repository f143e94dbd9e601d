"""All drawings, by what one looks for."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from deepmed.features.drawings.catalogue.filters import NEWEST_FIRST, DrawingFilter
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.metadata import ExpertLabel
from deepmed.features.drawings.pages.content.tiles import tiles
from deepmed.features.drawings.subjects import SubjectCategory
from deepmed.kit.errors import ValidationError

PAGE_SIZE = 36
ORDERS = {
    NEWEST_FIRST: "newest first",
    "age_years": "youngest first",
    "-age_years": "oldest first",
    "subject": "by subject",
    "id": "by number",
}


@dataclass(frozen=True)
class Wanted:
    """The form of the gallery, as the address has it: texts, empty where nothing was chosen."""

    age_min: str = ""
    age_max: str = ""
    subject: str = ""
    label: str = ""
    flagged: str = ""
    child: str = ""
    sort: str = NEWEST_FIRST
    page: int = 1

    def filter(self) -> DrawingFilter:
        """Raises ValidationError where an age is no number, or a label none of the list."""
        return DrawingFilter(
            age_min=_number(self.age_min),
            age_max=_number(self.age_max),
            subject=self.subject.strip() or None,
            expert_label=_label(self.label),
            flagged={"yes": True, "no": False}.get(self.flagged),
            child=self.child.strip() or None,
        )

    def address(self, page: int) -> str:
        given = {name: value for name, value in vars(self).items() if value and name != "page"}
        if self.sort == NEWEST_FIRST:
            given.pop("sort")
        query = urlencode(given | ({"page": page} if page > 1 else {}))
        return f"/drawings?{query}" if query else "/drawings"

    @property
    def narrowed(self) -> bool:
        return any((self.age_min, self.age_max, self.subject, self.label, self.flagged, self.child))


def content(desk: Desk, wanted: Wanted) -> dict[str, Any]:
    """A page of the gallery; what cannot be asked for is told, and all are shown."""
    complaint = None
    try:
        found = desk.catalogue.list_drawings(
            wanted.filter(), sort=wanted.sort, page=max(1, wanted.page), page_size=PAGE_SIZE
        )
    except ValidationError as error:
        complaint, found = error.message, desk.catalogue.list_drawings(page_size=PAGE_SIZE)
    with desk.home.database.read() as session:
        shown = tiles(session, desk.home.owner_id, found.drawings)
    return {
        "tiles": shown,
        "found": found,
        "wanted": wanted,
        "complaint": complaint,
        "subjects": [each.value for each in SubjectCategory],
        "labels": list(ExpertLabel),
        "orders": ORDERS,
        "before": wanted.address(found.page - 1) if found.page > 1 else None,
        "after": wanted.address(found.page + 1) if found.page < found.total_pages else None,
    }


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", ".")) if text.strip() else None
    except ValueError:
        raise ValidationError(f"{text!r} is no age in years; write 6 or 6.5.") from None


def _label(text: str) -> ExpertLabel | None:
    if not text:
        return None
    if text not in set(ExpertLabel):
        raise ValidationError(f"There is no label {text!r}; choose one of the list.")
    return ExpertLabel(text)

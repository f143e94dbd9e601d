"""Which images a part of the split cannot use, and how many may be missing at most."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.imaging.rows import ImageRow

Reason = Literal["missing", "changed", "unreadable"]
_NAMED = 5


@dataclass(frozen=True)
class Rejection:
    """One image that cannot be used.

    Attributes:
        index: Its place among the rows of its part.
        image_id: The image's name in its data set.
        file: The file's name, without its folders.
        reason: `missing`, `changed` since it was listed, or `unreadable`.
        message: The same in words.

    Example:
        >>> Rejection(3, "a", "a.png", "missing", "The file is not there any more.").reason
        'missing'
    """

    index: int
    image_id: str
    file: str
    reason: Reason
    message: str


@dataclass(frozen=True)
class RejectionReport:
    """All rejections of one part.

    Attributes:
        part: `training`, `validation` or `test`.
        total: Rows that were listed.
        rejections: Those that cannot be used, in the rows' order.

    Example:
        >>> gone = Rejection(3, "a", "a.png", "missing", "The file is not there any more.")
        >>> report = RejectionReport("training", 10, (gone,))
        >>> report.accepted, report.to_json()["counts"]
        (9, {'missing': 1})
    """

    part: str
    total: int
    rejections: tuple[Rejection, ...]

    @property
    def accepted(self) -> int:
        """Rows that can be used."""
        return self.total - len(self.rejections)

    @property
    def counts(self) -> Mapping[str, int]:
        """Rejections by reason."""
        return dict(sorted(Counter(each.reason for each in self.rejections).items()))

    def to_json(self) -> dict[str, Any]:
        """The report as it is stored with a run."""
        return {
            "part": self.part,
            "total": self.total,
            "accepted": self.accepted,
            "counts": dict(self.counts),
            "rejections": [asdict(each) for each in self.rejections],
        }


@dataclass(frozen=True)
class Minimum:
    """Below what a part is refused.

    Attributes:
        share: Of its rows that must be readable, 0 to 1. With more than half of a data set gone,
            what is left was selected by the damage.
        images: That must be readable.
        classes: Of which at least one image must be readable; besides, no class that the rows
            name may vanish.

    Raises:
        ValueError: A value cannot be meant.

    Example:
        >>> Minimum(images=2).check(RejectionReport("training", 1, ()), [], [])
        Traceback (most recent call last):
        ...
        deepmed.learning.errors.InsufficientDataError: Of 1 training image 1 can be read; at ...
    """

    share: float = 0.5
    images: int = 1
    classes: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1 or self.images < 0 or self.classes < 0:
            raise ValueError("share is from 0 to 1; images and classes are not negative.")

    def check(
        self, report: RejectionReport, rows: Sequence[ImageRow], valid: Sequence[int]
    ) -> None:
        """Refuse a part that lost too much.

        Args:
            report: What was rejected.
            rows: All rows of the part.
            valid: Places of the readable ones.

        Raises:
            InsufficientDataError: Too few are left; the message names some of the rejected.
        """
        least = max(self.images, 0)
        if report.accepted < least or report.accepted < self.share * report.total:
            raise InsufficientDataError(
                f"Of {_images(report.total, report.part)} {report.accepted} can be read; at least "
                f"{least} and {self.share:.0%} of them are needed. {_named(report)}"
                "Nothing was trained. Mend or replace the files and start again."
            )
        self._check_classes(report, {row.label for row in rows}, {rows[n].label for n in valid})

    def _check_classes(self, report: RejectionReport, named: set[int], left: set[int]) -> None:
        if gone := sorted(named - left):
            raise InsufficientDataError(
                f"No {report.part} image of class {', '.join(map(str, gone))} can be read. "
                f"{_named(report)}Nothing was trained. Mend or replace the files and start again."
            )
        if len(left) < self.classes:
            raise InsufficientDataError(
                f"The {report.part} images are of {len(left)} class, and {self.classes} are "
                "needed: of one class alone nothing can be told apart. Nothing was trained. Add "
                "images of another class, or check the column with the labels."
            )


def _images(count: int, part: str) -> str:
    return f"{count} {part} image{'' if count == 1 else 's'}"


def _named(report: RejectionReport) -> str:
    if not report.rejections:
        return ""
    some = "; ".join(f"{each.file}: {each.message}" for each in report.rejections[:_NAMED])
    more = len(report.rejections) - _NAMED
    return f"{some}{f'; and {more} more' if more > 0 else ''} "

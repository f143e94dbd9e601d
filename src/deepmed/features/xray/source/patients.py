"""Whose an image is: what the table or the folder says, and what the DICOM file says, together."""

from collections.abc import Sequence
from dataclasses import dataclass

from deepmed.features.xray.source.grouping import Groups
from deepmed.features.xray.source.pseudonyms import Pseudonyms

_PLACEHOLDERS = {
    "",
    "0",
    "anon",
    "anonymized",
    "anonymised",
    "anonymous",
    "na",
    "n/a",
    "no name",
    "none",
    "patient",
    "removed",
    "unknown",
}
_NOBODY = _PLACEHOLDERS - {"0", "patient"}
"""In a table a number is a patient's."""
_SHARED_BY_MOST = 0.5
_FEW = 3


@dataclass(frozen=True)
class Claim:
    """Who an image's patient is by its table or folder, and by its own header; empty if unsaid."""

    image: str
    told: str
    header: str


def patients_of(claims: Sequence[Claim], pseudonyms: Pseudonyms) -> tuple[list[str], list[str]]:
    """A pseudonym for each image, and notes.

    Two names that meet in one image are one patient's. An image of which nothing is said
    counts by itself, under a name that says so. A header's name that stands in most files although
    the table tells their patients apart was put there by a program that removes names, and does not
    count.
    """
    notes = []
    shared = _shared(claims)
    if shared:
        notes.append(
            "one patient's id stands in the headers of most DICOM files, though they are said to "
            "be of different patients; it was not used"
        )
    alone = sum(not claim.told and not _header(claim, shared) for claim in claims)
    if alone:
        notes.append(
            f"patients known: of {len(claims) - alone} of {len(claims)} images. Nothing says whose "
            "the others are: each of them counts by itself, figures are over images where it is "
            "so, and one person's images may stand in several parts of the split"
        )
    groups = Groups()
    for claim in claims:
        groups.join(_first_name(claim, shared), *_names(claim, shared))
    return [_pseudonym(claim, groups, shared, pseudonyms) for claim in claims], notes


def told_patient(cell: str) -> str:
    """What a table says of whose an image is; empty where it says that nobody knows.

    >>> told_patient("Unknown"), told_patient("0")
    ('', '0')
    """
    return "" if cell.strip().lower() in _NOBODY else cell


def _pseudonym(claim: Claim, groups: Groups, shared: set[str], pseudonyms: Pseudonyms) -> str:
    if _names(claim, shared):
        return pseudonyms.of_patient(groups.of(_first_name(claim, shared)))
    return pseudonyms.of_image(claim.image)


def _names(claim: Claim, shared: set[str]) -> list[str]:
    header = _header(claim, shared)
    return [name for name in (claim.told, header) if name]


def _first_name(claim: Claim, shared: set[str]) -> str:
    return next(iter(_names(claim, shared)), f"image/{claim.image}")


def _header(claim: Claim, shared: set[str]) -> str:
    name = claim.header.strip()
    return "" if name.lower() in _PLACEHOLDERS or name in shared else name


def _shared(claims: Sequence[Claim]) -> set[str]:
    told: dict[str, set[str]] = {}
    for claim in claims:
        if claim.told and claim.header:
            told.setdefault(claim.header, set()).add(claim.told)
    everybody = {claim.told for claim in claims if claim.told}
    return {
        header
        for header, patients in told.items()
        if len(patients) > max(_FEW, _SHARED_BY_MOST * len(everybody))
    }

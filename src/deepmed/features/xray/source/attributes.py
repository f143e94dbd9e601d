"""What is kept of a patient beside the image: sex, age and view, each in a closed form (X-15).

The basic profile of DICOM PS3.15 Annex E removes all three or leaves them empty; they are kept here
by its option to retain patient characteristics. Ages from 90 on are one group, as so few people are
so old that the number alone can name somebody. Text in no known form is dropped: it may be a name.
"""

import re
from collections.abc import Mapping

SEX, AGE, VIEW = "sex", "age", "view"
OLDEST = 90

_SEXES = {"m": "M", "male": "M", "f": "F", "female": "F", "o": "O", "other": "O"}
_AGE = re.compile(r"0*(\d{1,3})(?:\.\d+)?\s*([dwmy]?)(?:ears?)?", re.IGNORECASE)
_DAYS = {"d": 1, "w": 7, "m": 365.25 / 12, "y": 365.25, "": 365.25}
_VIEWS = {"AP", "PA", "LL", "RL", "LLD", "RLD", "LLO", "RLO", "LATERAL", "LAT"}
_OLDEST_BELIEVED = 130


def known_attributes(given: Mapping[str, str]) -> dict[str, str]:
    """The attributes of a table's row or a file's header that have a known form.

    >>> known_attributes({"sex": "female", "age": "058Y", "view": "pa"})
    {'sex': 'F', 'age': '58', 'view': 'PA'}
    >>> known_attributes({"sex": "J. Doe", "age": "93"})
    {'age': '90+'}
    """
    found = {
        SEX: _SEXES.get(given.get(SEX, "").strip().lower(), ""),
        AGE: _age(given.get(AGE, "").strip()),
        VIEW: _view(given.get(VIEW, "").strip().upper()),
    }
    return {name: value for name, value in found.items() if value}


def _age(text: str) -> str:
    """Whole years."""
    match = _AGE.fullmatch(text)
    if match is None:
        return ""
    years = int(int(match[1]) * _DAYS[match[2].lower()] / _DAYS["y"])
    if years > _OLDEST_BELIEVED:
        return ""
    return f"{OLDEST}+" if years >= OLDEST else str(years)


def _view(text: str) -> str:
    return text if text in _VIEWS else ""

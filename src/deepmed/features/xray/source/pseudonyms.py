"""Patients under other names: the same patient always has the same, and nobody can go back.

An installation's key goes into it, so that a list of all possible numbers of patients, each put
through the same function elsewhere, names nobody.
"""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Protocol

_PURPOSE = b"deepmed: pseudonyms of patients, 1"
_CHARACTERS = 20
_PATIENT, _IMAGE = "p-", "i-"
PATIENT, IMAGE, EITHER = "patient", "image", "patient or image"
"""What figures may be over."""


class Signer(Protocol):
    def sign(self, content: bytes) -> bytes: ...


class Pseudonyms:
    """Keyed by 32 bytes that stay in this installation."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of(cls, keys: Signer) -> "Pseudonyms":
        """Of an installation: its Ed25519 signature under a fixed text is the same each time."""
        return cls(hashlib.sha256(keys.sign(_PURPOSE)).digest())

    def of_patient(self, name: str) -> str:
        """80 bits of a keyed hash: for a million patients two share one once in 10^12 times."""
        return f"{_PATIENT}{self._hashed(name)}"

    def of_image(self, name: str) -> str:
        """For an image of which nothing says whose it is; `is_patient` tells it from a patient."""
        return f"{_IMAGE}{self._hashed(name)}"

    def _hashed(self, name: str) -> str:
        found = hmac.new(self._key, name.strip().encode(), hashlib.sha256)
        return found.hexdigest()[:_CHARACTERS]


def is_patient(pseudonym: str) -> bool:
    """Whether somebody said whose the image is; else it stands for an image alone.

    >>> is_patient("p-0123"), is_patient("i-0123")
    (True, False)
    """
    return not pseudonym.startswith(_IMAGE)


def several(unit: str) -> str:
    """In the plural.

    >>> several(EITHER)
    'patients or images'
    """
    return " or ".join(f"{one}s" for one in unit.split(" or "))


def unit_of(pseudonyms: Iterable[str]) -> str:
    """What figures over them are over: `patient`, `image`, or both where some are unknown.

    >>> unit_of(["p-1", "i-2"])
    'patient or image'
    """
    known = {is_patient(each) for each in pseudonyms}
    if False not in known:
        return PATIENT
    return EITHER if True in known else IMAGE

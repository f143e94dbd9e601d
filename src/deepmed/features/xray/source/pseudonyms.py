"""Patients under other names: the same patient always has the same, and nobody can go back.

An installation's key goes into it, so that a list of all possible numbers of patients, each put
through the same function elsewhere, names nobody.
"""

import hashlib
import hmac
from typing import Protocol

_PURPOSE = b"deepmed: pseudonyms of patients, 1"
_CHARACTERS = 20


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
        found = hmac.new(self._key, name.strip().encode(), hashlib.sha256).hexdigest()
        return f"p-{found[:_CHARACTERS]}"

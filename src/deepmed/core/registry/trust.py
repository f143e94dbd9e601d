"""Whose signatures this installation believes beside its own: named by a person, one by one."""

import re
from pathlib import Path

from deepmed.core.registry.keys import full_fingerprint
from deepmed.kit.errors import ValidationError

FOLDER = "trusted"
_SEPARATORS = re.compile(r"[\s:-]")


class UntrustedKeyError(ValidationError):
    """Whoever signed the file is not trusted here; nothing of it was stored."""

    code = "untrusted_key"


class TrustedKeys:
    """Public keys in a folder, each under its full fingerprint, and the installation's own."""

    def __init__(self, folder: Path, own: bytes) -> None:
        self._folder = folder / FOLDER
        self._own = own

    def holds(self, public_key: bytes) -> bool:
        return public_key == self._own or self._place(public_key).exists()

    def require(self, public_key: bytes, said: str | None) -> None:
        """Let a key pass that is trusted, or whose fingerprint a person said.

        Raises:
            UntrustedKeyError: neither; the message shows the fingerprint to compare.
        """
        if self.holds(public_key) and said is None:
            return
        seen = full_fingerprint(public_key)
        if said is None or _SEPARATORS.sub("", said).lower() != seen:
            other = "" if said is None else " It is not the fingerprint that was given."
            raise UntrustedKeyError(
                f"The file was signed with the key {seen}, which is not trusted here; nothing of "
                f"it was stored.{other} Ask the sender for the fingerprint by another way than "
                "the file came, and if it is the same, run again with --trust FINGERPRINT.",
                fingerprint=seen,
            )

    def add(self, public_key: bytes) -> None:
        """Believe this key from now on."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._place(public_key).write_bytes(public_key)

    def _place(self, public_key: bytes) -> Path:
        return self._folder / f"{full_fingerprint(public_key)}.pub"

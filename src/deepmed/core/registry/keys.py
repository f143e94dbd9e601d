"""The key pair that this installation signs its artefacts with."""

import os
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from filelock import FileLock

from deepmed.kit.errors import ConfigurationError, IntegrityError

PRIVATE, PUBLIC = "signing.key", "signing.pub"
_OTHERS = 0o077


class SigningKeys:
    """An Ed25519 key pair. The public part is kept as PEM, which any tool can verify with."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public_key = private.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )
        self.fingerprint = fingerprint(self.public_key)

    def sign(self, content: bytes) -> bytes:
        return self._private.sign(content)


def fingerprint(public_key: bytes) -> str:
    """A short name for a public key in PEM."""
    return sha256(_raw(_public(public_key))).hexdigest()[:16]


def full_fingerprint(public_key: bytes) -> str:
    """What two people compare before one trusts the other's key: all of its SHA-256 in hex."""
    return sha256(_raw(_public(public_key))).hexdigest()


def is_signed(content: bytes, signature: bytes, public_key: bytes) -> bool:
    """Whether the owner of `public_key` (PEM) signed exactly this content."""
    try:
        _public(public_key).verify(signature, content)
    except InvalidSignature:
        return False
    return True


def open_keys(folder: Path) -> SigningKeys:
    """The key pair in `folder`; at first use it is made there, readable by its user alone.

    Raises:
        ConfigurationError: the private key is damaged, or others can read it.
        IntegrityError: the public key beside it belongs to another private key.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = folder / PRIVATE
    with FileLock(folder / ".lock"):
        if not private.exists():
            _write(private, _pem(Ed25519PrivateKey.generate()), mode=0o600)
        keys = SigningKeys(_read(private))
        public = folder / PUBLIC
        if not public.exists():
            _write(public, keys.public_key, mode=0o644)
    if public.read_bytes() != keys.public_key:
        raise IntegrityError(
            f"{public} does not belong to {private}. Restore the pair from a backup, or delete "
            "the public key to have it written again from the private one."
        )
    return keys


def replace_keys(folder: Path, private: bytes) -> SigningKeys:
    """Put another private key, in PEM, in the place of the one in `folder`.

    Raises:
        ConfigurationError: it is no such key; the one that is there stays.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        keys = SigningKeys(_private(private, folder / PRIVATE))
        _write(folder / PRIVATE, private, mode=0o600)
        _write(folder / PUBLIC, keys.public_key, mode=0o644)
    return keys


def _read(path: Path) -> Ed25519PrivateKey:
    if os.name == "posix" and path.stat().st_mode & _OTHERS:
        raise ConfigurationError(
            f"Others on this machine can read the signing key {path}. Run: chmod 600 {path}"
        )
    return _private(path.read_bytes(), path)


def _private(pem: bytes, path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"The signing key {path} is damaged. Restore it from a backup."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"The signing key {path} is not an Ed25519 key. Restore it.")
    return key


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all, and never readable by others for a moment."""
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _pem(private: Ed25519PrivateKey) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _public(pem: bytes) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(pem)
    except ValueError as error:
        raise ConfigurationError("The public key is not a PEM file.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationError("The public key is not an Ed25519 key.")
    return key


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)

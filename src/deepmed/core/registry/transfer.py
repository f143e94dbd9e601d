"""Artefacts between installations: one ZIP with files, manifest, signature and public key."""

import io
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Self

from deepmed.core.registry.contents import MANIFEST, SIGNATURE
from deepmed.core.registry.keys import full_fingerprint
from deepmed.core.registry.manifest import Package
from deepmed.core.registry.packages import read_package
from deepmed.core.registry.service import ArtifactRegistry
from deepmed.core.registry.tables import Artifact
from deepmed.core.registry.trust import TrustedKeys
from deepmed.kit.archives import ArchiveLimits, open_archive
from deepmed.kit.errors import ConfigurationError, ConflictError, NotFoundError, ValidationError
from deepmed.kit.sizes import MIB

PUBLIC_KEY = "signing.pub"
LIMITS = ArchiveLimits(max_entries=200, max_bytes=2048 * MIB, max_entry_bytes=1024 * MIB)
MOST_KEY_BYTES = 4096
# The least that a ZIP can date: equal artefacts make equal files.
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


class PackageTransfer:
    """Writes artefacts for other installations and takes theirs in."""

    def __init__(self, registry: ArtifactRegistry, trusted: TrustedKeys) -> None:
        self.registry = registry
        self.trusted = trusted

    @classmethod
    def of(cls, registry: ArtifactRegistry, keys: Path) -> Self:
        """With the keys that are trusted in an installation's folder of keys."""
        return cls(registry, TrustedKeys(keys, registry.keys.public_key))

    def pack(self, uid: str) -> bytes:
        """The ZIP of an artefact, checked first; the same artefact gives the same bytes.

        Raises:
            NotFoundError: there is none, or it is another owner's.
            IntegrityError: one of its files is not what was signed.
        """
        return _zipped({**self.registry.signed(uid), PUBLIC_KEY: self.registry.keys.public_key})

    def export(self, uid: str, target: Path) -> str:
        """Write the ZIP; returns the fingerprint by which the receiver knows this installation.

        Raises:
            ConflictError: there is a file of that name already.
        """
        content = self.pack(uid)
        try:
            with target.open("xb") as file:
                file.write(content)
        except FileExistsError as error:
            raise ConflictError(
                f"{target} exists already and was left as it is. Choose a new name."
            ) from error
        return full_fingerprint(self.registry.keys.public_key)

    def import_file(self, source: Path, trust: str | None = None) -> Artifact:
        """Take an artefact in; the same file a second time gives the artefact that is there.

        Args:
            source: the ZIP.
            trust: the fingerprint that a person compared; its key is believed from then on.

        Raises:
            UntrustedKeyError: the key is not trusted, and `trust` does not name it.
            ArchiveRefusedError: no ZIP, or an unsafe one.
            IntegrityError: a file is not what was signed.
            ValidationError: it holds what no artefact may hold here.
        """
        files = _unzipped(source)
        public_key = _key_of(files.pop(PUBLIC_KEY, b""))
        self.trusted.require(public_key, trust)
        package = _checked(files, public_key)
        found = self._own(package) or self.registry.adopt(package, _origin(package, public_key))
        if trust is not None:
            self.trusted.add(public_key)
        return found

    def _own(self, package: Package) -> Artifact | None:
        """What came back to where it was exported."""
        try:
            found = self.registry.find(package.manifest.uid)
        except NotFoundError:
            return None
        same = found.manifest_hash == sha256(package.manifest.to_bytes()).hexdigest()
        return found if same else None


def _key_of(content: bytes) -> bytes:
    try:
        full_fingerprint(content[:MOST_KEY_BYTES])
    except ConfigurationError as error:
        raise ValidationError(
            f"The file is no exported artefact: it has no public key in {PUBLIC_KEY}. Nothing was "
            "stored."
        ) from error
    return content


def _checked(files: Mapping[str, bytes], public_key: bytes) -> Package:
    package = read_package(files.__getitem__, public_key)
    unsigned = files.keys() - package.files.keys() - {MANIFEST, SIGNATURE}
    if unsigned:
        raise ValidationError(
            f"The file holds {', '.join(sorted(unsigned))}, which was not signed. Nothing of it "
            "was stored."
        )
    return package


def _origin(package: Package, public_key: bytes) -> dict[str, str]:
    manifest = package.manifest
    return {
        "uid": manifest.uid,
        "signed_by": full_fingerprint(public_key),
        "manifest_sha256": sha256(manifest.to_bytes()).hexdigest(),
        "made": manifest.created_at,
    }


def _zipped(files: Mapping[str, bytes]) -> bytes:
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w") as packed:
            for name in sorted(files):
                entry = zipfile.ZipInfo(name, _LONG_AGO)
                entry.external_attr = 0o644 << 16
                packed.writestr(entry, files[name], zipfile.ZIP_DEFLATED)
        return buffer.getvalue()


def _unzipped(source: Path) -> dict[str, bytes]:
    if not source.is_file():
        raise ValidationError(f"There is no file {source}. Nothing was stored.")
    with open_archive(source, LIMITS) as archive:
        for entry in archive.entries:
            if entry.problem is not None:
                raise ValidationError(f"{entry.name}: {entry.problem}. Nothing was stored.")
        return {entry.name: archive.read(entry) for entry in archive.entries}

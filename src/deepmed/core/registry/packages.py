"""Writing and reading a signed package, wherever its files lie."""

from collections.abc import Callable
from hashlib import sha256

from deepmed.core.registry.contents import MANIFEST, SIGNATURE
from deepmed.core.registry.keys import SigningKeys, is_signed
from deepmed.core.registry.manifest import FileSum, Manifest, Package
from deepmed.kit.errors import IntegrityError, NotFoundError

Read = Callable[[str], bytes]
Write = Callable[[str, bytes], object]


def write_package(package: Package, keys: SigningKeys, write: Write) -> str:
    """Write the files, then the manifest, then its signature; returns the manifest's hash."""
    content = package.manifest.to_bytes()
    for name, data in package.files.items():
        write(name, data)
    write(MANIFEST, content)
    write(SIGNATURE, keys.sign(content))
    return sha256(content).hexdigest()


def read_manifest(read: Read, public_key: bytes, manifest_hash: str | None = None) -> Manifest:
    """Read the manifest and check it.

    Args:
        read: gives a file's content by its name.
        public_key: the signer's, in PEM.
        manifest_hash: what the database says that it must be; keeps an older revision, signed
            just as well, from being put in its place.

    Raises:
        IntegrityError: it, or its signature, is missing or not what was signed.
    """
    content = _fetch(read, MANIFEST)
    if manifest_hash is not None and sha256(content).hexdigest() != manifest_hash:
        raise _changed(MANIFEST)
    if not is_signed(content, _fetch(read, SIGNATURE), public_key):
        raise IntegrityError(
            f"{SIGNATURE} does not fit {MANIFEST}: one of them was changed, or another key "
            "signed it. It was not used. Restore it from a backup."
        )
    return Manifest.from_bytes(content)


def read_package(read: Read, public_key: bytes, manifest_hash: str | None = None) -> Package:
    """Read all files of a package; see `read_manifest`.

    Raises:
        IntegrityError: names the first file that is missing or not what was signed.
    """
    manifest = read_manifest(read, public_key, manifest_hash)
    return Package(manifest, {name: _checked(read, name, manifest) for name in manifest.files})


def read_file(read: Read, name: str, public_key: bytes, manifest_hash: str) -> bytes:
    """Read one file of a package and no other; raises as `read_package`."""
    return _checked(read, name, read_manifest(read, public_key, manifest_hash))


def find_problems(read: Read, public_key: bytes, manifest_hash: str) -> list[str]:
    """Every problem of a package instead of the first one."""
    try:
        manifest = read_manifest(read, public_key, manifest_hash)
    except IntegrityError as error:
        return [error.message]
    problems = []
    for name, expected in manifest.files.items():
        try:
            if FileSum.of(_fetch(read, name)) != expected:
                problems.append(_changed(name).message)
        except IntegrityError as error:
            problems.append(error.message)
    return problems


def _checked(read: Read, name: str, manifest: Manifest) -> bytes:
    content = _fetch(read, name)
    if FileSum.of(content) != manifest.files.get(name):
        raise _changed(name)
    return content


def _fetch(read: Read, name: str) -> bytes:
    try:
        return read(name)
    except (NotFoundError, FileNotFoundError, KeyError) as error:
        raise IntegrityError(
            f"{name} is missing. The artefact was not used. Restore it from a backup.", file=name
        ) from error


def _changed(name: str) -> IntegrityError:
    return IntegrityError(
        f"{name} is not the file that was signed. It was not used. Restore it from a backup.",
        file=name,
    )

"""An artefact as a plain folder: copied out of the registry, used without it."""

import shutil
from pathlib import Path

from deepmed.core.registry.contents import MANIFEST, SIGNATURE, check_name
from deepmed.core.registry.manifest import Package
from deepmed.core.registry.packages import read_package
from deepmed.kit.errors import ConflictError


def load_folder(path: Path, public_key: bytes) -> Package:
    """Read a copied artefact, checked against the public key (PEM) of who signed it.

    Raises:
        IntegrityError: names the file that is missing or not what was signed.
    """
    return read_package(lambda name: _inside(path, name).read_bytes(), public_key)


def write_folder(folder: Path, files: dict[str, bytes]) -> None:
    """Write the files into a new folder, all of them or none.

    Raises:
        ConflictError: there is something at that place already.
    """
    if folder.exists():
        raise ConflictError(f"{folder} exists already and was left as it is. Choose a new name.")
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    for name, content in files.items():
        target = _inside(unfinished, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    unfinished.rename(folder)


def _inside(folder: Path, name: str) -> Path:
    # A signed manifest of a friend is still no licence to read or write elsewhere.
    if name not in {MANIFEST, SIGNATURE}:
        check_name(name)
    return folder / name

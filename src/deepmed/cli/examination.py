"""What `deepmed doctor` looks at. It reads, and makes nothing."""

import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr

import deepmed
from deepmed.core.registry.provenance import environment
from deepmed.kit.database import migration, open_database
from deepmed.kit.errors import DeepMedError
from deepmed.kit.logging import MASK, mask_url
from deepmed.kit.privacy import OPT_OUTS
from deepmed.kit.settings import PREFIX, Settings, from_file, settings_file, unknown_variables

LEAST_FREE_BYTES = 1 << 30
_OTHERS = 0o077
_FIRST_USE = "not there yet; made at first use"

State = Literal["ok", "warning", "failed"]


@dataclass(frozen=True)
class ShownSetting:
    variable: str
    value: str | None
    source: str
    meaning: str


@dataclass(frozen=True)
class Finding:
    name: str
    state: State
    finding: str


def resolved_settings(settings: Settings) -> list[ShownSetting]:
    """Every setting with the value that counts, where it comes from, and no secret."""
    file = from_file(settings_file(settings.home))
    return [
        ShownSetting(
            PREFIX + name.upper(),
            _shown(settings, name),
            _source(name, file),
            str(info.description),
        )
        for name, info in Settings.model_fields.items()
    ]


def versions() -> dict[str, Any]:
    """What somebody who helps needs to know first."""
    known = environment()
    return {
        "deepmed": deepmed.__version__,
        "commit": known["code"]["commit"],
        "python": known["python"],
        "platform": platform.platform(),
        "cpu": known["cpu"],
        **known["libraries"],
    }


def examine(settings: Settings) -> list[Finding]:
    """Every check, each by itself: one that fails does not hide the others."""
    checks: dict[str, Callable[[Settings], tuple[State, str]]] = {
        "environment": _environment,
        "data folder": _home,
        "free space": _space,
        "database": _database,
        "file store": _storage,
        "signing key": _key,
        "device": _device,
        "privacy": _privacy,
    }
    return [Finding(name, *_run(check, settings)) for name, check in checks.items()]


def _run(check: Callable[[Settings], tuple[State, str]], settings: Settings) -> tuple[State, str]:
    from deepmed.learning.errors import LearningError

    try:
        return check(settings)
    except (DeepMedError, LearningError) as error:
        return "failed", str(error)


def _shown(settings: Settings, name: str) -> str | None:
    if name == "database_url":
        return mask_url(settings.resolved_database_url)
    if name == "storage_url":
        return mask_url(settings.resolved_storage_url)
    value = getattr(settings, name)
    if value is None:
        return None
    return MASK if isinstance(value, SecretStr) else str(value)


def _source(name: str, file: dict[str, Any]) -> str:
    if os.environ.get(PREFIX + name.upper()):
        return "environment"
    return "file" if name in file else "default"


def _environment(_settings: Settings) -> tuple[State, str]:
    unknown = unknown_variables()
    if not unknown:
        return "ok", "every DEEPMED_ variable is known"
    told = [f"{name} (did you mean {near}?)" if near else name for name, near in unknown.items()]
    return "warning", f"these variables mean nothing: {', '.join(told)}"


def _home(settings: Settings) -> tuple[State, str]:
    home = settings.home
    if not home.exists():
        place = next(folder for folder in home.parents if folder.exists())
        if not os.access(place, os.W_OK | os.X_OK):
            return "failed", f"cannot be made in {place}: set DEEPMED_HOME to another folder"
        return "ok", _FIRST_USE
    if not home.is_dir() or not os.access(home, os.W_OK | os.X_OK):
        return "failed", f"{home} cannot be written to: set DEEPMED_HOME to another folder"
    if os.name == "posix" and home.stat().st_mode & _OTHERS:
        return "warning", f"others on this machine can look into it: chmod 700 {home}"
    return "ok", str(home)


def _space(settings: Settings) -> tuple[State, str]:
    place = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    told = f"{free / (1 << 30):.1f} GiB at {place}"
    return ("ok", told) if free >= LEAST_FREE_BYTES else ("warning", f"only {told}")


def _database(settings: Settings) -> tuple[State, str]:
    url = settings.resolved_database_url
    file = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not file.exists():
        return "ok", _FIRST_USE
    database = open_database(url)
    try:
        differences = migration.check(database)
        if differences:
            return "failed", f"{' '.join(differences)} Run: deepmed db upgrade"
        return "ok", f"at step {migration.current(database)}, as this program needs it"
    finally:
        database.close()


def _storage(settings: Settings) -> tuple[State, str]:
    if settings.storage_url is None and not (settings.home / "files").exists():
        return "ok", _FIRST_USE
    from deepmed.kit.storage import FileStorageService

    FileStorageService(settings.resolved_storage_url).check()
    return "ok", "can be reached"


def _key(settings: Settings) -> tuple[State, str]:
    folder = settings.home / "keys"
    if not (folder / "signing.key").exists():
        return "ok", _FIRST_USE
    from deepmed.core.registry.keys import open_keys

    return "ok", f"fingerprint {open_keys(folder).fingerprint}"


def _device(settings: Settings) -> tuple[State, str]:
    from deepmed.learning.device import DeviceManager

    return "ok", str(DeviceManager(settings.device).device_info["message"])


def _privacy(_settings: Settings) -> tuple[State, str]:
    changed = [name for name, value in OPT_OUTS.items() if os.environ.get(name) != value]
    if changed:
        return "warning", f"set by you, so libraries may connect outward: {', '.join(changed)}"
    return "ok", "libraries' telemetry and downloads are switched off"

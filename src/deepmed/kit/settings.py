"""Typed settings: one TOML file, every value by environment (P-2)."""

import os
import tomllib
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import Field, SecretStr, field_validator
from pydantic import ValidationError as SchemaError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import InitSettingsSource

from deepmed.kit.errors import ConfigurationError
from deepmed.kit.sizes import MIB

PREFIX = "DEEPMED_"
RATE_LIMITS = (
    "/api/v1/drawings/upload 10/100/3, /api/v1/analysis 30/500/5, /auth/ 5/50/2, / 60/1000/10"
)
_RATE = r"/[^\s,]* [1-9]\d*/[1-9]\d*/[1-9]\d*"
# Variables of the same prefix that steer a process and are no settings.
PROCESS_VARIABLES = {
    "BENCH_DRAWINGS",
    "BENCH_XRAY",
    "REQUIRE_ALL",
    "SETTINGS",
    "SOCKET_GUARD",
    "SOCKET_GUARD_LOG",
}


def default_home() -> Path:
    return Path(platformdirs.user_data_dir("deepmed", appauthor=False))


def demo_home() -> Path:
    """Where the demo keeps its samples when nobody names a folder: beside a person's own."""
    return default_home().with_name("deepmed-demo")


class Settings(BaseSettings):
    """All settings of DeepMed; the environment variable of `home` is `DEEPMED_HOME`, and so on.

    Arguments win over the environment, the environment over the file. Made by `load`, which
    turns pydantic's complaint into a `ConfigurationError`.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True
    )

    home: Path = Field(default_factory=default_home, description="Data folder of this installation")
    database_url: SecretStr | None = Field(
        None, description="Database; a SQLite file in the data folder when unset"
    )
    storage_url: str | None = Field(
        None, description="File store; the folder 'files' in the data folder when unset"
    )
    secret_key: SecretStr | None = Field(None, description="Secret of sessions and tokens")
    backup_folder: Path | None = Field(
        None, description="Folder of backups, best on another disk; 'backups' in the data folder"
    )
    backup_copy_url: str | None = Field(
        None, description="Second place of every backup, for example s3://bucket/backups"
    )
    backup_passphrase: SecretStr | None = Field(
        None, min_length=8, description="Encrypts every backup, and opens encrypted ones"
    )
    backup_key_file: Path | None = Field(
        None, description="File that holds the passphrase of backups, instead of the setting"
    )
    other_database_url: SecretStr | None = Field(
        None, description="Database that this one's tables may be compared with"
    )
    encoder: str = Field("hog-pyramid", description="Encoder of new embeddings")
    weights_dir: Path | None = Field(
        None, description="Folder with encoder weights, one folder a model"
    )
    datasets_dir: Path | None = Field(
        None, description="Folder whose subfolders requests may name to train on; none when unset"
    )
    sagemaker_bucket: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        description="S3 bucket of trainings in Amazon SageMaker; set it to allow any",
    )
    sagemaker_role_arn: str | None = Field(
        None,
        pattern=r"^arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]+$",
        description="Role that SageMaker takes to run a training",
    )
    sagemaker_image: str | None = Field(
        None, description="Container image of trainings, as it is named in Amazon's registry"
    )
    sagemaker_volume_gb: int = Field(
        30, ge=1, le=16384, description="Disk of a training's machine in SageMaker"
    )
    sagemaker_max_seconds: int = Field(
        86_400, ge=1, le=2_419_200, description="Longest training in SageMaker"
    )
    device: str = Field("auto", pattern="^(auto|cpu|cuda|mps)$", description="Where models compute")
    threads: int = Field(0, ge=0, le=1024, description="Computing threads; 0 takes all cores")
    job_concurrency: int = Field(
        2, ge=1, le=256, description="Jobs of one queue that a worker runs at once"
    )
    job_idle_seconds: float = Field(
        60.0, ge=0, description="How long a worker's child waits for the next job of its owner"
    )
    job_niceness: int = Field(
        15, ge=0, le=19, description="How far jobs stand back when others compute; 0 not at all"
    )
    job_event_days: int = Field(
        90, ge=1, le=36_500, description="How long it is kept how a job went, after its end"
    )
    seed: int = Field(0, ge=0, description="Seed from which every random stream is derived")
    log_level: str = Field(
        "warning", pattern="^(debug|info|warning|error)$", description="Least level that is logged"
    )
    threshold_percentile: float = Field(
        95.0, ge=50, le=99.9, description="Percentile from which a drawing is flagged"
    )
    parent_texts: bool = Field(default=False, description="Write texts for parents as well")
    max_file_bytes: int = Field(10 * MIB, gt=0, description="Largest picture file")
    max_pixels: int = Field(40_000_000, gt=0, description="Largest picture in pixels")
    max_archive_bytes: int = Field(2048 * MIB, gt=0, description="Largest archive, unpacked")
    max_archive_entries: int = Field(5000, gt=0, description="Most entries in an archive")
    max_request_bytes: int = Field(10 * MIB, gt=0, description="Largest request to the server")
    max_json_bytes: int = Field(MIB, gt=0, description="Largest request in JSON")
    max_upload_bytes: int = Field(
        512 * MIB, gt=0, description="Largest request that uploads many files"
    )
    max_kept_upload_bytes: int = Field(
        20_480 * MIB, gt=0, description="Largest size of all data sets that one person keeps"
    )
    reserved_disk_bytes: int = Field(
        512 * MIB, ge=0, description="Space on the disk that uploads of data sets leave free"
    )
    limits: str = Field(
        "auto",
        pattern="^(auto|on|off)$",
        description="Rate and concurrency limits; auto sets none while one person is served",
    )
    max_concurrent_requests: int = Field(10, gt=0, description="Most requests at a time")
    max_listeners: int = Field(
        256, gt=0, description="Most streams of events and WebSockets that are open at a time"
    )
    max_listeners_per_person: int = Field(64, gt=0, description="The same, of one person")
    rate_limits: str = Field(
        RATE_LIMITS,
        pattern=rf"^{_RATE}(, {_RATE})*$",
        description="Most requests by beginning of path: a minute/an hour/at once",
    )

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        if "?" in str(home):
            raise ValueError("a data folder's path must not hold a question mark")
        return home.expanduser().absolute()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = settings_file(init_settings().get("home"))
        return init_settings, env_settings, InitSettingsSource(settings_cls, from_file(file))

    @property
    def cors_origins(self) -> list[str]:
        """Other sites whose pages may ask this server: none, and no setting names one (S-6)."""
        return []

    @property
    def resolved_database_url(self) -> str:
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.home / 'deepmed.db'}"

    @property
    def resolved_backup_folder(self) -> Path:
        return (self.backup_folder or self.home / "backups").expanduser().absolute()

    @property
    def resolved_storage_url(self) -> str:
        return self.storage_url or (self.home / "files").resolve().as_uri()


def settings_file(home: Path | str | None = None) -> Path:
    """`DEEPMED_SETTINGS`, else `deepmed.toml` in the data folder."""
    named = os.environ.get(PREFIX + "SETTINGS")
    folder = Path(home or os.environ.get(PREFIX + "HOME") or default_home()).expanduser()
    return Path(named).expanduser() if named else folder / "deepmed.toml"


def from_file(path: Path) -> dict[str, Any]:
    """What the settings file says; nothing where there is none and none was named.

    Raises:
        ConfigurationError: it was named and is missing, cannot be read, or is not TOML.
    """
    if not path.exists() and PREFIX + "SETTINGS" not in os.environ:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"The settings file {path} cannot be read: {error.strerror}. "
            f"Mend it, or point {PREFIX}SETTINGS elsewhere."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The settings file {path} is not valid TOML: {error}. Mend that line."
        ) from error


def load(**overrides: Any) -> Settings:
    """Read the settings afresh.

    Raises:
        ConfigurationError: names each wrong setting, what is wrong with it and where to mend it.
    """
    try:
        return Settings(**overrides)
    except SchemaError as error:
        raise ConfigurationError(_explain(error, settings_file(overrides.get("home")))) from error


@cache
def current() -> Settings:
    """The settings of this process, read once."""
    return load()


def unknown_variables() -> dict[str, str | None]:
    """Variables with our prefix that mean nothing, each with the likeliest meant one."""
    known = {name.upper() for name in Settings.model_fields}
    given = {name.removeprefix(PREFIX) for name in os.environ if name.startswith(PREFIX)}
    return {
        PREFIX + name: next((PREFIX + meant for meant in get_close_matches(name, known, n=1)), None)
        for name in sorted(given - known - PROCESS_VARIABLES)
    }


def _explain(error: SchemaError, file: Path) -> str:
    problems = error.errors(include_url=False, include_input=False)
    return (
        "A setting is wrong, so nothing was started. "
        + "; ".join(_problem(str(item["loc"][0]), item["type"], item["msg"]) for item in problems)
        + f". Set the variable, or the line in {file}, to an allowed value."
    )


def _problem(name: str, kind: str, message: str) -> str:
    variable = PREFIX + name.upper()
    if kind != "extra_forbidden":
        return f"{variable}: {message}"
    near = get_close_matches(name, Settings.model_fields, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "remove it"
    return f"there is no setting {name!r} ({variable}): {hint}"

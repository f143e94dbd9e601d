"""Typed settings: one TOML file, every value by environment (P-2)."""

import os
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import Field, SecretStr
from pydantic import ValidationError as SchemaError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import InitSettingsSource

from deepmed.kit.errors import ConfigurationError

PREFIX = "DEEPMED_"
MIB = 1 << 20


def default_home() -> Path:
    return Path(platformdirs.user_data_dir("deepmed", appauthor=False))


class Settings(BaseSettings):
    """All settings of DeepMed; the environment variable of `home` is `DEEPMED_HOME`, and so on.

    Raises:
        ConfigurationError: a value has the wrong type or range; names the variable and the fix.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    home: Path = Field(default_factory=default_home, description="Data folder of this installation")
    database_url: SecretStr | None = Field(
        None, description="Database; a SQLite file in the data folder when unset"
    )
    storage_url: str | None = Field(
        None, description="File store; the folder 'files' in the data folder when unset"
    )
    secret_key: SecretStr | None = Field(None, description="Secret of sessions and tokens")
    encoder: str = Field("hog-pyramid", description="Encoder of new embeddings")
    weights_dir: Path | None = Field(
        None, description="Folder with encoder weights, one folder a model"
    )
    device: str = Field("auto", pattern="^(auto|cpu|cuda|mps)$", description="Where models compute")
    threads: int = Field(0, ge=0, le=1024, description="Computing threads; 0 takes all cores")
    seed: int = Field(0, ge=0, description="Seed from which every random stream is derived")
    log_level: str = Field(
        "warning", pattern="^(debug|info|warning|error)$", description="Least level that is logged"
    )
    threshold_percentile: float = Field(
        95.0, ge=50, le=99.9, description="Percentile from which a drawing is flagged"
    )
    max_file_bytes: int = Field(10 * MIB, gt=0, description="Largest picture file")
    max_pixels: int = Field(40_000_000, gt=0, description="Largest picture in pixels")
    max_archive_bytes: int = Field(2048 * MIB, gt=0, description="Largest archive, unpacked")
    max_archive_entries: int = Field(5000, gt=0, description="Most entries in an archive")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, InitSettingsSource(settings_cls, _from_file())

    @property
    def resolved_database_url(self) -> str:
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.home / 'deepmed.db'}"

    @property
    def resolved_storage_url(self) -> str:
        return self.storage_url or (self.home / "files").resolve().as_uri()


def settings_file() -> Path:
    """`DEEPMED_SETTINGS`, else `deepmed.toml` in the data folder."""
    named = os.environ.get(PREFIX + "SETTINGS")
    home = Path(os.environ.get(PREFIX + "HOME") or default_home())
    return Path(named) if named else home / "deepmed.toml"


def _from_file() -> dict[str, Any]:
    path = settings_file()
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The settings file {path} is not valid TOML: {error}") from error


def load(**overrides: Any) -> Settings:
    """Read the settings afresh.

    Raises:
        ConfigurationError: names each wrong setting, what is wrong with it and where to mend it.
    """
    try:
        return Settings(**overrides)
    except SchemaError as error:
        raise ConfigurationError(_explain(error)) from error


@cache
def current() -> Settings:
    """The settings of this process, read once."""
    return load()


def _explain(error: SchemaError) -> str:
    lines = [
        f"{PREFIX}{'.'.join(map(str, problem['loc'])).upper()}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)
    ]
    return (
        "A setting is wrong, so nothing was started. "
        + "; ".join(lines)
        + f". Set the variable, or the line in {settings_file()}, to an allowed value."
    )

"""Where the passphrase of backups comes from: never from an argument, which others can list."""

from pathlib import Path

from deepmed.kit.errors import ConfigurationError, ValidationError
from deepmed.kit.settings import Settings

LEAST = 8


def passphrase_of(settings: Settings) -> str | None:
    """As the settings say; None where backups are not encrypted.

    Raises:
        ConfigurationError: the key file cannot be read, or holds too little.
    """
    if settings.backup_passphrase is not None:
        return settings.backup_passphrase.get_secret_value()
    return None if settings.backup_key_file is None else read_key_file(settings.backup_key_file)


def read_key_file(path: Path) -> str:
    """The passphrase in a file: all of its text, without the line's end.

    Raises:
        ConfigurationError: it cannot be read, or holds too little.
    """
    try:
        found = path.expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The key file {path} of the backups cannot be read as text. Nothing was done; name a "
            "file with a passphrase, for example one made by: openssl rand -base64 32"
        ) from error
    if len(found) < LEAST:
        raise ConfigurationError(
            f"The key file {path} holds less than {LEAST} characters. Nothing was done."
        )
    return found


def check_passphrase(text: str) -> str:
    """Raises ValidationError where it is too short to protect anything."""
    if len(text) < LEAST:
        raise ValidationError(f"A passphrase has at least {LEAST} characters. Nothing was done.")
    return text

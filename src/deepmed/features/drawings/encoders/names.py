"""Which encoders may be asked for by name over HTTP: installed and well-known ones, no folders."""

from deepmed.kit.errors import ValidationError
from deepmed.kit.settings import Settings

SUFFIXES = ("", "@bf16", "@onnx")


def offered(settings: Settings) -> list[str]:
    """Names without precision: the present encoder first, then installed ones, then transformers.

    The weights of a transformer may not be on this machine; asking for it then says so.
    """
    from deepmed.learning.encoders import (  # noqa: PLC0415 - it brings torch along
        KNOWN_TRANSFORMERS,
        available_encoders,
    )

    present = settings.encoder.partition("@")[0]
    return list(dict.fromkeys([present, *available_encoders(), *KNOWN_TRANSFORMERS]))


def checked(name: str, settings: Settings) -> str:
    """The name itself, where it may be asked for.

    A folder is never taken from a request: whoever may write settings names it there.

    Raises:
        ValidationError: it may not; names those that may.
    """
    allowed = {f"{plain}{suffix}" for plain in offered(settings) for suffix in SUFFIXES}
    if name not in allowed | {settings.encoder}:
        raise ValidationError(
            "There is no encoder of that name to ask for. Choose one of "
            f"{', '.join(offered(settings))}; with @onnx or @bf16 behind it where it offers that. "
            "An encoder in a folder is named in the settings."
        )
    return name

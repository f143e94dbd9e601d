"""Which encoders this machine can run, and why the others cannot."""

from collections.abc import Sequence
from dataclasses import dataclass

from deepmed.kit.settings import Settings
from deepmed.learning.encoders import (
    DEFAULT_ENCODER,
    KNOWN_TRANSFORMERS,
    Encoder,
    available_encoders,
    get_encoder,
)
from deepmed.learning.encoders.scattering.encoder import NAME as SCATTERING
from deepmed.learning.errors import LearningError

BUILT_IN = (DEFAULT_ENCODER, SCATTERING)
"""They need no weights, so they are compared everywhere."""
NOT_HERE = "not available here: its weights are not on this machine"


@dataclass(frozen=True)
class Candidate:
    """An encoder by name; None where it cannot be run."""

    name: str
    encoder: Encoder | None


def candidates(settings: Settings) -> list[Candidate]:
    """The default first, then all that are installed, set or commonly asked for.

    Nothing is fetched: weights that are not on this machine make an encoder unavailable.
    """
    names = [DEFAULT_ENCODER, *available_encoders(), settings.encoder, *KNOWN_TRANSFORMERS]
    return [Candidate(name, _loaded(name, settings)) for name in dict.fromkeys(names)]


def usable(found: Sequence[Candidate]) -> list[tuple[str, Encoder]]:
    """Those that can be run."""
    return [(one.name, one.encoder) for one in found if one.encoder is not None]


def _loaded(name: str, settings: Settings) -> Encoder | None:
    try:
        encoder = get_encoder(name, weights_dir=settings.weights_dir, device=settings.device)
        # Reads the weights' hash, so that a missing file shows now.
        encoder.identity  # noqa: B018 - the property loads
    except LearningError:
        return None
    return encoder

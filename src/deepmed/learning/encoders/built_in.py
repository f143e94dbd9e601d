"""Identities of the encoders without weights, known before anything that encodes is loaded."""

from collections.abc import Callable, Mapping
from functools import cache

from deepmed.learning.encoders.hog_pyramid import layout as hog_pyramid
from deepmed.learning.encoders.identity import EncoderIdentity
from deepmed.learning.encoders.scattering import layout as scattering

HOG_PYRAMID, SCATTERING = "hog-pyramid", "scattering"


def hog_pyramid_identity() -> EncoderIdentity:
    """What must be equal for two vectors to be comparable."""
    return EncoderIdentity(
        name=HOG_PYRAMID,
        version=hog_pyramid.VERSION,
        weight_hash=hog_pyramid.layout_hash(),
        preprocessing_version=hog_pyramid.PREPROCESSING,
        precision="fp32",
        dimension=hog_pyramid.DIMENSION,
    )


def scattering_identity() -> EncoderIdentity:
    """What must be equal for two vectors to be comparable."""
    return EncoderIdentity(
        name=SCATTERING,
        version=scattering.VERSION,
        weight_hash=scattering.layout_hash(),
        preprocessing_version=scattering.PREPROCESSING,
        precision="fp32",
        dimension=scattering.DIMENSION,
    )


IDENTITIES: Mapping[str, Callable[[], EncoderIdentity]] = {
    HOG_PYRAMID: hog_pyramid_identity,
    SCATTERING: scattering_identity,
}


@cache
def known_identity(name: str) -> EncoderIdentity | None:
    """The identity of an encoder that has no weights; None for every other.

    Example:
        >>> known_identity("hog-pyramid").dimension
        768
        >>> known_identity("hog-pyramid@onnx") is None
        True
    """
    made = IDENTITIES.get(name)
    return None if made is None else made()

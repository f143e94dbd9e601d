"""Encoders: from an image to the vector that everything else is computed from.

Names are loaded when they are first asked for: what only names an encoder does not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepmed.learning.encoders.base import (
        Embeddings,
        Encoder,
        Image,
        Prepared,
        Progress,
    )
    from deepmed.learning.encoders.hog_pyramid.encoder import HogPyramidEncoder
    from deepmed.learning.encoders.identity import EncoderIdentity
    from deepmed.learning.encoders.onnx_runtime.encoder import OnnxEncoder
    from deepmed.learning.encoders.registry import (
        DEFAULT_ENCODER,
        KNOWN_TRANSFORMERS,
        EncoderOptions,
        available_encoders,
        get_encoder,
        register_encoder,
    )
    from deepmed.learning.encoders.scattering.encoder import ScatteringEncoder
    from deepmed.learning.encoders.vision_transformer.wrapper import (
        AttentionPass,
        VisionTransformerWrapper,
    )

_MODULES = {
    "base": ("Embeddings", "Encoder", "Image", "Prepared", "Progress"),
    "hog_pyramid.encoder": ("HogPyramidEncoder",),
    "identity": ("EncoderIdentity",),
    "onnx_runtime.encoder": ("OnnxEncoder",),
    "registry": (
        "DEFAULT_ENCODER",
        "KNOWN_TRANSFORMERS",
        "EncoderOptions",
        "available_encoders",
        "get_encoder",
        "register_encoder",
    ),
    "scattering.encoder": ("ScatteringEncoder",),
    "vision_transformer.wrapper": ("AttentionPass", "VisionTransformerWrapper"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "DEFAULT_ENCODER",
    "KNOWN_TRANSFORMERS",
    "AttentionPass",
    "Embeddings",
    "Encoder",
    "EncoderIdentity",
    "EncoderOptions",
    "HogPyramidEncoder",
    "Image",
    "OnnxEncoder",
    "Prepared",
    "Progress",
    "ScatteringEncoder",
    "VisionTransformerWrapper",
    "available_encoders",
    "get_encoder",
    "register_encoder",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"{__name__} has no name {name!r}.")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)

"""Encoders: from an image to the vector that everything else is computed from."""

from deepmed.learning.encoders.base import (
    Embeddings,
    Encoder,
    EncoderIdentity,
    Image,
    Prepared,
    Progress,
)
from deepmed.learning.encoders.hog_pyramid.encoder import HogPyramidEncoder
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

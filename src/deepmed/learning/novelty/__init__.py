"""Whether an image is one of those that a network was made for (X-17)."""

from deepmed.learning.novelty.appearance import PictureShapeError, appearance, colour_steps
from deepmed.learning.novelty.classwise import ClassDistance
from deepmed.learning.novelty.features import deciding_features, features_and_output
from deepmed.learning.novelty.gate import Check, Look, Novelty, NoveltyGate

__all__ = [
    "Check",
    "ClassDistance",
    "Look",
    "Novelty",
    "NoveltyGate",
    "PictureShapeError",
    "appearance",
    "colour_steps",
    "deciding_features",
    "features_and_output",
]

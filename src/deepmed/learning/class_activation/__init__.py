"""Which places of an image a network's class rests on, and how faithful such maps are (X-17)."""

from deepmed.learning.class_activation.baselines import choose_baseline
from deepmed.learning.class_activation.cam import ActivationMap, class_activation_map
from deepmed.learning.class_activation.explaining import (
    ALL_METHODS,
    ClassExplanation,
    ClassFaithfulness,
    explain_class,
    reinitialised_network,
)
from deepmed.learning.class_activation.observing import last_convolution
from deepmed.learning.class_activation.randomising import Explained, check_class_maps
from deepmed.learning.class_activation.scoring import ClassScore

__all__ = [
    "ALL_METHODS",
    "ActivationMap",
    "ClassExplanation",
    "ClassFaithfulness",
    "ClassScore",
    "Explained",
    "check_class_maps",
    "choose_baseline",
    "class_activation_map",
    "explain_class",
    "last_convolution",
    "reinitialised_network",
]

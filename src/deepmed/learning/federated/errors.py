"""What goes wrong in federated training, beneath the one root of the library.

LearningError
└── FederatedTrainingError     a round that no client, or too few, answered
    └── FlowerMissingError     the extra that brings Flower is not installed
"""

from deepmed.learning.errors import LearningError


class FederatedTrainingError(LearningError):
    """Too few clients answered a round; what was learned up to the round before is kept."""


class FlowerMissingError(FederatedTrainingError):
    """Flower is not installed."""

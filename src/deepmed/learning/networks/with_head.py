"""A backbone with our head: what is trained, served and explained."""

from typing import Self

import torch
from torch import nn
from torch.nn import functional

from deepmed.learning.networks.backbone import Backbone, Layer
from deepmed.learning.networks.errors import NetworkChoiceError
from deepmed.learning.networks.names import RESNETS
from deepmed.learning.networks.pretrained import WeightsRecord, load_pretrained
from deepmed.learning.networks.resnet import ResNet
from deepmed.learning.networks.settings import NetworkSettings


class NetworkWithCustomHead(nn.Module):
    """Feature maps, their mean, and a small network that decides.

    The head is one hidden layer of 512 with a rectifier and dropout, by default. It takes images
    of any size that the backbone takes.

    Args:
        settings: what it is built from.
        features: the backbone, with the weights it begins with.
        weights: where these come from.

    Attributes:
        features: the backbone.
        classifier: the head.

    Example:
        >>> settings = NetworkSettings("vgg16_bn", width=4, classes=3, head=())
        >>> from deepmed.learning.networks.registry import build_network
        >>> build_network(settings)(torch.zeros(2, 3, 32, 32)).shape
        torch.Size([2, 3])
    """

    def __init__(
        self, settings: NetworkSettings, features: Backbone, weights: WeightsRecord
    ) -> None:
        super().__init__()
        self.settings = settings
        self.weights = weights
        self.features = features
        self.classifier = _head(features.channels_out, settings)
        if settings.fine_tune_layers is not None:
            self.freeze_backbone()
            self.unfreeze_last_n_layers(settings.fine_tune_layers)

    @property
    def num_classes(self) -> int:
        """Outputs: 1 is one logit, more are one a class."""
        return self.settings.classes

    @property
    def dropout_rate(self) -> float:
        """Share of the head's numbers left out while training."""
        return self.settings.dropout

    @property
    def fine_tune_layers_count(self) -> int:
        """How many of the backbone's layers training moves at present."""
        return sum(layer.trainable for layer in self.layers())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, which are no probabilities yet.

        Args:
            images: (B, C, H, W) float32, normalised.

        Returns:
            (B, classes).
        """
        logits: torch.Tensor = self.classifier(self.embed(images))
        return logits

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """What the backbone sees: the mean of each feature map.

        Args:
            images: (B, C, H, W) float32, normalised.

        Returns:
            (B, channels_out of the backbone).
        """
        return functional.adaptive_avg_pool2d(self.features(images), 1).flatten(1)

    def layers(self) -> list[Layer]:
        """The backbone's layers in the order in which images pass them."""
        return self.features.layers()

    def freeze_backbone(self) -> None:
        """Train the head alone; frozen layers keep their running means too."""
        for layer in self.layers():
            layer.freeze()
        self.train(self.training)

    def unfreeze_backbone(self) -> None:
        """Train everything."""
        self.unfreeze_last_n_layers(len(self.layers()))

    def unfreeze_last_n_layers(self, count: int) -> None:
        """Train at least the last layers of the backbone; nothing is frozen by this.

        Args:
            count: how many; 0 changes nothing, more than there are means all.

        Raises:
            NetworkChoiceError: the count is negative.
        """
        if count < 0:
            raise NetworkChoiceError(f"{count} layers cannot be unfrozen. Nothing was changed.")
        layers = self.layers()
        for layer in layers[max(0, len(layers) - count) :]:
            layer.unfreeze()
        self.train(self.training)

    def trainable_names(self) -> list[str]:
        """Names of the weights that training moves, as in the state dict."""
        return [name for name, weight in self.named_parameters() if weight.requires_grad]

    def set_trainable(self, names: list[str]) -> None:
        """Let training move exactly these weights.

        Args:
            names: what :meth:`trainable_names` gave.

        Raises:
            NetworkChoiceError: a name is unknown; nothing was changed.
        """
        own = dict(self.named_parameters())
        if unknown := set(names) - set(own):
            raise NetworkChoiceError(
                f"This network has no weights named {min(unknown)!r}. Nothing was changed. "
                "They are of another network."
            )
        for name, weight in own.items():
            weight.requires_grad_(name in set(names))
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - torch's signature
        """Go into training mode, or out of it; frozen layers stay out of it."""
        super().train(mode)
        for layer in self.layers():
            layer.follow(training=mode)
        return self


class ResNetWithCustomHead(NetworkWithCustomHead):
    """A residual network with our head: 2048 to 512, a rectifier, dropout, and one logit.

    Args:
        settings: with the name of a ResNet, and pretrained weights or none.

    Raises:
        NetworkChoiceError: the settings name another network.
        ModelLoadingError: the pretrained weights cannot be used.

    Example:
        >>> network = ResNetWithCustomHead(NetworkSettings("resnet18", width=4, head=(8,)))
        >>> network(torch.zeros(2, 3, 64, 64)).shape
        torch.Size([2, 1])
        >>> network.freeze_backbone()
        >>> network.unfreeze_last_n_layers(2)
        >>> network.fine_tune_layers_count
        2
    """

    def __init__(self, settings: NetworkSettings) -> None:
        if settings.name not in RESNETS:
            raise NetworkChoiceError(
                f"{settings.name!r} is no ResNet. Nothing was built. Use build_network for it."
            )
        features = ResNet(
            settings.name, settings.channels, settings.stem, settings.max_pool, settings.width
        )
        super().__init__(settings, features, load_pretrained(features, settings))


def _head(before: int, settings: NetworkSettings) -> nn.Sequential:
    pieces: list[nn.Module] = []
    for width in settings.head:
        pieces += [nn.Linear(before, width), nn.ReLU(), nn.Dropout(settings.dropout)]
        before = width
    return nn.Sequential(*pieces, nn.Linear(before, settings.classes))

"""Networks by name."""

from collections.abc import Callable

from deepmed.learning.networks import names
from deepmed.learning.networks.backbone import Backbone
from deepmed.learning.networks.errors import NetworkChoiceError
from deepmed.learning.networks.pretrained import load_pretrained
from deepmed.learning.networks.settings import NetworkSettings
from deepmed.learning.networks.vgg import VGG
from deepmed.learning.networks.with_head import NetworkWithCustomHead, ResNetWithCustomHead

Factory = Callable[[NetworkSettings], Backbone]


def build_network(settings: NetworkSettings) -> NetworkWithCustomHead:
    """The network that the settings describe, with its first weights.

    Args:
        settings: name, sizes and weights. What is random comes from torch's own generator; seed it
            to have the same again.

    Returns:
        In training mode. Its ``weights`` say where the first weights come from.

    Raises:
        NetworkChoiceError: there is no such network.
        ModelLoadingError: the pretrained weights cannot be used.

    Example:
        >>> network = build_network(NetworkSettings("resnet18", width=4, head=(8,)))
        >>> network.weights.statement
        'The network began with random weights: no pretrained weights were given.'
    """
    name = names.check_network(settings.name)
    if name in names.RESNETS:
        return ResNetWithCustomHead(settings)
    features = _FACTORIES[name](settings)
    return NetworkWithCustomHead(settings, features, load_pretrained(features, settings))


def register_network(name: str, factory: Factory) -> None:
    """Offer a backbone of one's own by a name.

    Args:
        name: a new one.
        factory: makes the backbone with random weights.

    Raises:
        NetworkChoiceError: the name is taken.

    Example:
        >>> register_network("vgg16", lambda settings: VGG("vgg16"))
        Traceback (most recent call last):
        ...
        deepmed.learning.networks.errors.NetworkChoiceError: ...
    """
    if name in names.available_networks():
        raise NetworkChoiceError(f"There is a network named {name!r} already. Take another name.")
    _FACTORIES[name] = factory
    names.add_name(name)


def _vgg(settings: NetworkSettings) -> Backbone:
    return VGG(settings.name, settings.channels, settings.max_pool, settings.width)


def _densenet(settings: NetworkSettings) -> Backbone:
    from deepmed.learning.networks.densenet import DenseNet  # noqa: PLC0415 - seconds for MONAI

    return DenseNet(settings.name, settings.channels, settings.stem, settings.max_pool)


def _efficientnet(settings: NetworkSettings) -> Backbone:
    from deepmed.learning.networks.efficientnet import EfficientNet  # noqa: PLC0415 - likewise

    return EfficientNet(settings.name, settings.channels, settings.stem)


def _mobilenet(settings: NetworkSettings) -> Backbone:
    from deepmed.learning.networks.mobilenet import MobileNet  # noqa: PLC0415 - seconds as well

    return MobileNet(settings.name, settings.channels, settings.stem)


_FACTORIES: dict[str, Factory] = {
    **dict.fromkeys(names.VGGS, _vgg),
    **dict.fromkeys(names.DENSENETS, _densenet),
    **dict.fromkeys(names.EFFICIENTNETS, _efficientnet),
    **dict.fromkeys(names.MOBILENETS, _mobilenet),
}

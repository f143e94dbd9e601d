"""Which networks there are, by name alone: what builds them brings torch along."""

from deepmed.learning.networks.errors import NetworkChoiceError, NetworkNotOfferedError

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101")
VGGS = ("vgg16", "vgg19", "vgg16_bn", "vgg19_bn")
DENSENETS = ("densenet121", "densenet169", "densenet201", "densenet264")
EFFICIENTNETS = tuple(f"efficientnet_b{size}" for size in range(8))
MOBILENETS = ("mobilenet_v1", "mobilenet_v2")
OURS = RESNETS + VGGS + DENSENETS + EFFICIENTNETS + MOBILENETS

_installed: list[str] = []


def available_networks() -> list[str]:
    """Names of all networks, ours first, then those that were registered.

    Example:
        >>> available_networks()[:4]
        ['resnet18', 'resnet34', 'resnet50', 'resnet101']
    """
    return [*OURS, *_installed]


def check_network(name: str) -> str:
    """The name, where there is such a network.

    Args:
        name: as a person gave it.

    Returns:
        The same name.

    Raises:
        NetworkChoiceError: there is none.
        NetworkNotOfferedError: it is an Inception network; the message says why there is none.

    Example:
        >>> check_network("resnet50")
        'resnet50'
        >>> check_network("inception_v3")
        Traceback (most recent call last):
        ...
        deepmed.learning.networks.errors.NetworkNotOfferedError: 'inception_v3' is not offered: ...
    """
    if name in available_networks():
        return name
    if "inception" in name.lower() or name.lower() == "googlenet":
        raise NetworkNotOfferedError(
            f"{name!r} is not offered: Inception networks are fixed to pictures of 299x299 pixels "
            "and are trained through a second output, and neither MONAI nor transformers has one. "
            "Nothing was built. Choose 'resnet50' or 'densenet121', which cost about as much."
        )
    raise NetworkChoiceError(
        f"There is no network named {name!r}. Nothing was built. "
        f"Choose one of {', '.join(available_networks())}."
    )


def add_name(name: str) -> None:
    """Remember a registered network's name."""
    if name not in available_networks():
        _installed.append(name)

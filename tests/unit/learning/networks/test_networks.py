"""All networks by name: what the rest relies on."""

import pytest
import torch
from torch import nn

from deepmed.learning.networks import (
    NetworkChoiceError,
    NetworkSettings,
    NetworkWithCustomHead,
    ResNetWithCustomHead,
    available_networks,
    build_network,
    names,
    register_network,
    registry,
)
from deepmed.learning.networks.resnet import ResNet

SMALL = ("resnet18", "vgg16_bn", "densenet121", "efficientnet_b0", "mobilenet_v1", "mobilenet_v2")


def small(name: str = "resnet18", **changed: object) -> NetworkSettings:
    width = 4 if name in names.RESNETS + names.VGGS else 64
    return NetworkSettings(name, **{"width": width, "head": (8,), **changed})  # type: ignore[arg-type] # of any setting


def build(**changed: object) -> NetworkWithCustomHead:
    return build_network(small(**changed))  # type: ignore[arg-type] # of any setting


@pytest.mark.req("X-6.3")
@pytest.mark.parametrize("name", [*names.OURS[:10], "efficientnet_b0", *names.MOBILENETS])
def test_every_weight_of_a_backbone_belongs_to_one_layer(name: str) -> None:
    with torch.device("meta"):
        network = build_network(NetworkSettings(name))
    in_layers = [id(weight) for layer in network.layers() for weight in layer.parameters]
    assert sorted(in_layers) == sorted(id(weight) for weight in network.features.parameters())
    names_of_layers = [layer.name for layer in network.layers()]
    assert len(set(names_of_layers)) == len(names_of_layers) > 5
    assert network.features.first_convolution() in network.features.state_dict()


@pytest.mark.req("X-6.3")
@pytest.mark.parametrize("name", SMALL)
def test_small_grey_images_of_several_classes_pass(name: str) -> None:
    network = build_network(small(name, channels=1, classes=3, stem="3x3", max_pool=False)).eval()
    images = torch.rand(2, 1, 28, 28, requires_grad=True)
    logits = network(images)
    assert logits.shape == (2, 3)
    assert torch.isfinite(logits).all()
    assert torch.allclose(network.classifier(network.embed(images)), logits)
    logits.sum().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0


@pytest.mark.parametrize("name", ["resnet18", "vgg16_bn", "mobilenet_v2"])
def test_the_small_stem_sees_finer_than_the_usual_one(name: str) -> None:
    images = torch.rand(1, 3, 64, 64)
    usual = build_network(small(name)).eval().features(images)
    fine = build_network(small(name, stem="3x3", max_pool=False)).eval().features(images)
    assert fine.shape[2] >= 2 * usual.shape[2]


@pytest.mark.parametrize("name", SMALL)
def test_no_activation_overwrites_its_input(name: str) -> None:
    with torch.device("meta"):
        network = build_network(small(name))
    assert not [one for one in network.modules() if getattr(one, "inplace", False)]


@pytest.mark.req("X-6.1")
def test_the_usual_network_is_a_resnet_50_with_512_between_and_one_logit() -> None:
    with torch.device("meta"):
        network = build_network(NetworkSettings())
    assert isinstance(network, ResNetWithCustomHead)
    first, rectifier, dropout, last = network.classifier
    assert first.weight.shape == (512, 2048)
    assert isinstance(rectifier, nn.ReLU)
    assert isinstance(dropout, nn.Dropout)
    assert dropout.p == network.dropout_rate == 0.3
    assert last.weight.shape == (network.num_classes, 512) == (1, 512)
    # The number of weights that the published network has without its classifier.
    assert sum(weight.numel() for weight in network.features.parameters()) == 23_508_032


@pytest.mark.req("X-6.1")
@pytest.mark.parametrize(
    ("name", "weights"),
    [("resnet18", 11_176_512), ("resnet34", 21_284_672), ("resnet101", 42_500_160)],
)
def test_the_other_residual_networks_have_their_published_sizes(name: str, weights: int) -> None:
    with torch.device("meta"):
        network = build_network(NetworkSettings(name))
    assert sum(weight.numel() for weight in network.features.parameters()) == weights


@pytest.mark.req("X-6.1")
def test_a_frozen_backbone_does_not_change_while_its_head_learns() -> None:
    network = build().train()
    network.freeze_backbone()
    before = {name: one.clone() for name, one in network.state_dict().items()}
    step(network)
    changed = {name for name, one in network.state_dict().items() if not one.equal(before[name])}
    assert changed
    assert all(name.startswith("classifier.") for name in changed)


@pytest.mark.req("X-6.1")
def test_the_last_layers_alone_learn_where_they_alone_were_unfrozen() -> None:
    network = build().train()
    network.freeze_backbone()
    network.unfreeze_last_n_layers(2)
    before = {name: one.clone() for name, one in network.state_dict().items()}
    step(network)
    changed = {name for name, one in network.state_dict().items() if not one.equal(before[name])}
    parts = {".".join(name.split(".")[:3]) for name in changed if name.startswith("features.")}
    assert parts == {"features.layer4.0", "features.layer4.1"}


@pytest.mark.req("X-6.1")
def test_unfreezing_the_backbone_trains_all_of_it() -> None:
    network = build(fine_tune_layers=0)
    assert network.fine_tune_layers_count == 0
    network.unfreeze_backbone()
    assert network.fine_tune_layers_count == len(network.layers()) == 9
    assert all(module.training for module in network.modules())


def test_unfreezing_freezes_nothing() -> None:
    network = build(fine_tune_layers=3)
    network.unfreeze_last_n_layers(1)
    assert network.fine_tune_layers_count == 3
    network.unfreeze_last_n_layers(0)
    assert network.fine_tune_layers_count == 3
    with pytest.raises(NetworkChoiceError, match="cannot be unfrozen"):
        network.unfreeze_last_n_layers(-1)


def test_which_weights_train_can_be_kept_and_given_back() -> None:
    network, other = build(fine_tune_layers=3), build()
    other.set_trainable(network.trainable_names())
    assert other.trainable_names() == network.trainable_names()
    with pytest.raises(NetworkChoiceError, match="no weights named 'foreign'"):
        other.set_trainable(["foreign"])


@pytest.mark.req("X-6.3")
@pytest.mark.parametrize("name", ["inception_v3", "Inception-ResNet", "googlenet"])
def test_an_inception_network_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(NetworkChoiceError, match=r"not offered: .*299x299.*second output"):
        NetworkSettings(name)


def test_an_unknown_network_is_refused_with_the_known_ones() -> None:
    with pytest.raises(NetworkChoiceError, match="Choose one of resnet18"):
        NetworkSettings("lenet")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"channels": 2}, "channels"),
        ({"classes": 0}, "classes"),
        ({"dropout": 1.0}, "dropout"),
        ({"head": (0,)}, "head"),
        ({"stem": "5x5"}, "stem"),
        ({"width": 0}, "width"),
        ({"name": "densenet121", "width": 8}, "width must be 64"),
        ({"fine_tune_layers": -1}, "fine_tune_layers"),
    ],
)
def test_settings_outside_their_range_are_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(NetworkChoiceError, match=message):
        NetworkSettings(**changed)  # type: ignore[arg-type] # wrong on purpose


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(NetworkChoiceError, match="unknown: colour"):
        NetworkSettings.from_json({"colour": 3})


def test_a_backbone_of_ones_own_is_built_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "_installed", [])
    monkeypatch.setattr(registry, "_FACTORIES", dict(registry._FACTORIES))
    register_network("mine", lambda settings: ResNet("resnet18", settings.channels, width=4))
    assert available_networks()[-1] == "mine"
    assert build_network(NetworkSettings("mine")).num_classes == 1


def step(network: NetworkWithCustomHead) -> None:
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1, weight_decay=0.1)
    images = torch.rand(4, 3, 32, 32)
    nn.functional.binary_cross_entropy_with_logits(network(images)[:, 0], torch.ones(4)).backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
    optimizer.step()

import pytest
import torch
from torch import nn

from deepmed.learning.errors import EmbeddingGenerationError
from deepmed.learning.networks import NetworkSettings, build_network
from deepmed.learning.novelty import deciding_features


def test_features_are_what_the_head_is_given() -> None:
    torch.manual_seed(0)
    network = build_network(NetworkSettings("resnet18", channels=1, stem="3x3", width=4, head=(8,)))
    network.train()
    images = torch.randn(6, 1, 32, 32)
    found = deciding_features(network, images.split(4))
    assert network.training
    assert not any(module._forward_pre_hooks for module in network.modules())
    with torch.no_grad():
        wanted = network.eval().embed(images)
    assert torch.from_numpy(found).float() == pytest.approx(wanted, abs=1e-5)


def test_a_network_without_such_a_layer_has_none() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3))
    with pytest.raises(EmbeddingGenerationError, match="no features"):
        deciding_features(network, [torch.zeros(1, 1, 8, 8)])
    with pytest.raises(EmbeddingGenerationError):
        deciding_features(nn.Linear(2, 2), [])

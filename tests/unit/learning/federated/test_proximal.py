"""The pull of FedProx is the gradient of its term."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from deepmed.learning.federated import ProximalTerm


@pytest.mark.req("X-14.1")
def test_the_pull_is_the_gradient_of_the_proximal_term() -> None:
    torch.manual_seed(0)
    network, images = nn.Linear(3, 2), torch.randn(5, 3)
    common = {name: torch.randn_like(one) for name, one in network.named_parameters()}
    mu = 0.3

    def gradients() -> list[torch.Tensor]:
        return [one.grad.clone() for one in network.parameters() if one.grad is not None]

    term = sum((one - common[name]).square().sum() for name, one in network.named_parameters())
    (network(images).square().mean() + mu / 2 * term).backward()
    wanted = gradients()
    network.zero_grad()
    network(images).square().mean().backward()
    ProximalTerm(common, mu).on_before_optimizer_step(None, SimpleNamespace(model=network), None)
    for ours, theirs in zip(gradients(), wanted, strict=True):
        torch.testing.assert_close(ours, theirs)

"""Whether maps need the weights: those of a network that learned nothing, and of one that looks."""

import pytest
import torch
from torch import nn

from deepmed.learning.class_activation import Explained, check_class_maps
from deepmed.learning.class_activation.explaining import reinitialised_network
from deepmed.learning.limits import LIKENESS


class Stubborn(nn.Conv2d):
    """Shows its input, whatever its weights are drawn to."""

    def __init__(self) -> None:
        super().__init__(1, 1, 1, bias=False)

    def reset_parameters(self) -> None:
        nn.init.ones_(self.weight)


def network(first: nn.Module, last: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(first, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), last)


class Positive(nn.Linear):
    def reset_parameters(self) -> None:
        nn.init.ones_(self.weight)
        nn.init.constant_(self.bias, -4.0)


def images(count: int) -> list[Explained]:
    """Noise, two pictures of each patient."""
    random = torch.Generator().manual_seed(1)
    return [
        Explained(torch.rand(1, 1, 16, 16, generator=random) - 0.5, 1, number // 2)
        for number in range(count)
    ]


@pytest.mark.req("V-4.1")
def test_maps_that_show_the_image_alone_do_not_pass() -> None:
    same = network(Stubborn(), Positive(1, 1))
    wanted = {"grad_cam": 12, "grad_cam_plus_plus": 12, "occlusion": 2}
    found = check_class_maps(same, images(16), {"head": ["4"]}, wanted=wanted)
    for method in ("grad_cam", "grad_cam_plus_plus"):
        for check in found[method].values():
            assert check.correlations == pytest.approx([1.0] * 12)
            assert check.mean is not None
            assert (check.mean.sample_size, check.mean.n_items) == (6, 12)
            assert not check.passed


@pytest.mark.req("V-4.1")
def test_maps_of_weights_pass_and_where_few_were_drawn_the_rest_is_kept() -> None:
    whole = network(nn.Conv2d(1, 16, 5), nn.Linear(16, 1))
    before = {name: one.clone() for name, one in whole.state_dict().items()}
    found = check_class_maps(whole, images(30), {"head": ["4"]}, wanted={"grad_cam": 20})
    check = found["grad_cam"]["all"]
    assert check.passed
    assert max(abs(one) for one in check.correlations) <= 1
    assert len(set(check.correlations)) > 10  # every image has networks of its own
    assert sum(check.correlations) / len(check.correlations) < LIKENESS
    assert all(torch.equal(one, before[name]) for name, one in whole.state_dict().items())
    head = reinitialised_network(whole, 3, ["4"]).state_dict()
    assert torch.equal(head["0.weight"], before["0.weight"])
    assert not torch.equal(head["4.weight"], before["4.weight"])


def test_a_method_without_any_map_is_left_out() -> None:
    """Whatever replaces a patch scores like the image: there is nothing to occlude."""
    constant = network(Stubborn(), nn.Linear(1, 1))
    nn.init.zeros_(constant[4].weight)  # type: ignore[index] # a sequence
    assert check_class_maps(constant, images(4), {}, wanted={"occlusion": 2, "grad_cam": 2}) == {}


def test_where_no_map_can_be_made_the_others_are_checked_all_the_same() -> None:
    """A side of 17 pixels has no equal parts, and a pooled picture no places."""
    torch.manual_seed(0)
    odd = [Explained(torch.rand(1, 1, 17, 17), 1, number) for number in range(4)]
    wanted = {"grad_cam": 2, "occlusion": 2}
    seeing = network(nn.Conv2d(1, 16, 5), nn.Linear(16, 1))
    assert set(check_class_maps(seeing, odd, {}, wanted=wanted)) == {"grad_cam"}
    blind = nn.Sequential(nn.Flatten(), nn.Linear(289, 1))
    assert check_class_maps(blind, odd, {}, wanted=wanted) == {}
    assert check_class_maps(seeing, [], {}, wanted=wanted) == {}

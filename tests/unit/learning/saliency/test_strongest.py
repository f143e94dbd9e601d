"""The patches with the most attention, against the attention itself."""

import numpy as np
import pytest
import torch

from deepmed.learning.encoders import AttentionPass, VisionTransformerWrapper
from deepmed.learning.errors import AttentionVisualizationError
from deepmed.learning.saliency.strongest import strongest_patches


@pytest.mark.req("D-17.1")
def test_they_are_the_largest_weights_of_the_last_layer(
    tiny_transformer: VisionTransformerWrapper,
) -> None:
    sheet = np.random.default_rng(3).integers(0, 256, (100, 60, 3), dtype=np.uint8)
    prepared = tiny_transformer.prepare([sheet])
    seen = tiny_transformer.forward_with_attention(prepared)
    x0, y0, x1, y1 = prepared.frames[0].tolist()
    found = strongest_patches(seen, (x0, y0, x1, y1), (60, 100))
    assert [one.layer for one in found] == [1] * 5
    last = seen.attentions[-1][0, :, 0, 1:].detach().numpy()
    for one in found:
        left, top, right, bottom = one.box
        middle = (left + right) / 2 - x0, (top + bottom) / 2 - y0
        side = (x1 - x0) / 14
        place = int(middle[1] / side) * 14 + int(middle[0] / side)
        assert one.weight == pytest.approx(last[:, place].max())
        assert one.head == last[:, place].argmax()
        assert 0 <= left < right <= 60
        assert 0 <= top < bottom <= 100
    weights = [one.weight for one in found]
    assert weights == sorted(weights, reverse=True)


def test_patches_beyond_the_page_are_passed_over() -> None:
    attention = torch.zeros(1, 1, 5, 5)
    attention[0, 0, 0, 1:] = torch.tensor([0.4, 0.3, 0.2, 0.1])
    seen = AttentionPass(torch.zeros(1, 8), (attention,), torch.zeros(1, 5, 8), 1, (2, 2))
    found = strongest_patches(seen, (-10, 0, 10, 20), (10, 20))
    assert [one.box for one in found] == [(0, 0, 10, 10), (0, 10, 10, 20)]
    assert [round(one.weight, 3) for one in found] == [0.3, 0.1]


def test_two_pages_at_once_are_refused() -> None:
    seen = AttentionPass(
        torch.zeros(2, 8), (torch.zeros(2, 1, 5, 5),), torch.zeros(2, 5, 8), 1, (2, 2)
    )
    with pytest.raises(AttentionVisualizationError, match="2 pages"):
        strongest_patches(seen, (0, 0, 20, 20), (20, 20))

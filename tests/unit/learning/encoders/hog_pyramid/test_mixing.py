"""The short way to pages that are mixed patch by patch leads to the same vectors."""

import numpy as np
import torch

from deepmed.learning.encoders import HogPyramidEncoder, Prepared


def test_mixed_pages_have_the_vectors_of_their_pictures_to_the_last_bit(
    hog: HogPyramidEncoder,
) -> None:
    random = np.random.default_rng(0)
    noise = torch.from_numpy(random.random((2, 1, 224, 224), dtype=np.float32))
    frame, extras = torch.tensor([[-9.0, 0, 91, 100]]), torch.tensor([[0.0, 9, 80, 90, 100, 120]])
    prepared = Prepared(noise[:1], frame, extras)
    corners = np.isin(np.arange(196), (0, 13, 182, 195))
    filled = np.stack([corners, ~corners, *(random.random((3, 196)) < 0.5)])
    masks = np.kron(filled.reshape(-1, 14, 14), np.ones((16, 16), dtype=bool))
    pictures = torch.where(torch.from_numpy(masks)[:, None], noise[1], noise[0])
    expected = hog.encode(prepared.with_pixels(pictures))
    assert torch.equal(hog.encode_mixed(prepared, noise[1:], filled), expected)

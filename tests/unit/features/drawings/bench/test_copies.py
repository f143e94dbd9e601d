import numpy as np

from deepmed.features.drawings.bench.collection import Collection
from deepmed.features.drawings.bench.copies import COPIES, repeats


def test_copies_are_turned_both_ways_and_cropped(drawings: Collection) -> None:
    made = repeats(drawings.images[:3], seed=0)
    assert [len(copies) for copies in made] == [COPIES] * 3
    for image, (first, second, third) in zip(drawings.images, made, strict=False):
        assert first.shape[0] > image.shape[0]
        assert second.shape[0] > image.shape[0]
        assert third.shape[0] < image.shape[0]
        assert first.dtype == np.uint8
    assert all(
        (one == other).all()
        for copies, again in zip(made, repeats(drawings.images[:3], seed=0), strict=True)
        for one, other in zip(copies, again, strict=True)
    )

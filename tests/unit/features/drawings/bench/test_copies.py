import numpy as np

from deepmed.features.drawings.bench.collection import Collection
from deepmed.features.drawings.bench.copies import COPIES, redrawn, repeats
from deepmed.learning.planting import PlantedKind, changed_share, compare, plant


def test_the_control_looks_like_its_original_and_is_another_picture(drawings: Collection) -> None:
    for image in drawings.images[:8]:
        again = redrawn(image)
        ratio, box = compare(image, again)
        assert abs(ratio - 1) < 0.1
        assert box.largest < 0.1
        jittered = plant(image, PlantedKind.JITTER_3, np.random.default_rng(0)).image
        assert changed_share(image, again) < changed_share(image, jittered) / 2
        assert (again != image).any()


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

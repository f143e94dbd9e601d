"""What training may do to an image, and what it must not."""

import math
from typing import Any

import monai.transforms
import numpy as np
import pytest
import torch

from deepmed.learning.imaging import Preprocessing, TransformBuilder, Variation
from deepmed.learning.imaging.transforms import (
    FocusedAtRandom,
    LevelledAtRandom,
    MirroredAtRandom,
    NoisyAtRandom,
    PlacedAtRandom,
    resampled,
    reseed,
)

SIZE = (24, 32)
PREPROCESSING = Preprocessing(SIZE)
NOISE = np.random.default_rng(5).integers(0, 256, (*SIZE, 1), np.uint8)
COLOUR = np.random.default_rng(6).integers(0, 256, (*SIZE, 3), np.uint8)


@pytest.mark.req("X-4.1")
def test_transforms_are_monais_and_normalise_as_validation_does() -> None:
    builder = TransformBuilder(PREPROCESSING)
    train, validation = builder.build_train_transforms(), builder.build_val_transforms()
    assert isinstance(train, monai.transforms.Compose)
    assert isinstance(validation, monai.transforms.Compose)
    assert torch.equal(validation(COLOUR), PREPROCESSING.apply(COLOUR))
    lowest, highest = (
        (level - np.array(PREPROCESSING.mean)) / PREPROCESSING.std for level in (0, 1)
    )
    seen = train(COLOUR).numpy().reshape(3, -1)
    assert (seen.min(axis=1) >= lowest - 1e-6).all()
    assert (seen.max(axis=1) <= highest + 1e-6).all()


@pytest.mark.req("X-4.1")
def test_chests_are_not_mirrored_unless_it_is_allowed() -> None:
    left_bright = np.zeros((*SIZE, 1), np.uint8)
    left_bright[:, :16] = 255

    def mirrored(*, may_flip: bool) -> int:
        builder = TransformBuilder(PREPROCESSING, may_flip=may_flip)
        transforms = builder.build_train_transforms()
        reseed(transforms, 1)
        seen = [transforms(left_bright)[0] for _ in range(60)]
        return sum(bool(image[:, 16:].mean() > image[:, :16].mean()) for image in seen)

    assert mirrored(may_flip=False) == 0
    assert 15 <= mirrored(may_flip=True) <= 45


def test_without_strength_training_sees_what_validation_sees() -> None:
    builder = TransformBuilder(PREPROCESSING, augmentation_strength=0, may_flip=True)
    assert torch.equal(builder.build_train_transforms()(COLOUR), PREPROCESSING.finish(COLOUR))


@pytest.mark.parametrize("strength", [-0.1, 2.1, math.nan])
def test_a_strength_outside_its_range_is_refused(strength: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 2"):
        TransformBuilder(PREPROCESSING, augmentation_strength=strength)


@pytest.mark.req("X-4.1")
@pytest.mark.parametrize("strength", [0.5, 1.0, 2.0])
def test_turns_shifts_and_zooms_fill_their_ranges_and_stay_inside(strength: float) -> None:
    step = PlacedAtRandom(SIZE, strength)
    step.set_random_state(seed=3)
    angles, zooms, shifts = [], [], []
    for _ in range(300):
        step.randomize()
        linear = step.matrix[:2, :2]
        zooms.append(math.sqrt(np.linalg.det(linear)))
        turn = linear / zooms[-1]
        np.testing.assert_allclose(turn @ turn.T, np.eye(2), atol=1e-6)  # both sides alike
        angles.append(math.degrees(math.atan2(turn[1, 0], turn[0, 0])))
        shifts.append(np.linalg.inv(turn) @ step.matrix[:2, 2] / SIZE)
    assert 14 * strength < max(np.abs(angles)) <= 15 * strength + 1e-6
    assert min(zooms) == pytest.approx(1 - 0.1 * strength, abs=0.005 * strength)
    assert max(zooms) == pytest.approx(1 + 0.1 * strength, abs=0.005 * strength)
    assert abs(np.mean(angles)) < 2 * strength
    assert np.abs(shifts).max() < 0.1 * strength


@pytest.mark.parametrize("planes", [NOISE, COLOUR], ids=["grey", "colour"])
def test_resampling_agrees_with_monais(planes: np.ndarray) -> None:
    step = PlacedAtRandom(SIZE, 2.0)
    step.set_random_state(seed=4)
    smooth = np.stack(
        [
            np.add.outer(np.arange(24) * 4, np.arange(32) * 3 + 5 * n)
            for n in range(planes.shape[2])
        ],
        axis=-1,
    ).astype(np.uint8)
    for _ in range(5):
        step.randomize()
        reference = monai.transforms.Affine(
            affine=torch.tensor(step.matrix), padding_mode="zeros", image_only=True
        )(torch.tensor(smooth.transpose(2, 0, 1), dtype=torch.float32))
        ours = torch.tensor(resampled(smooth, step.matrix).transpose(2, 0, 1), dtype=torch.float32)
        inside = (reference > 0) & (ours > 0)
        assert inside.float().mean() > 0.5
        # At the rim of the image one blends with black and the other does not.
        difference = (reference - ours).abs()[inside]
        assert (difference < 1.5).float().mean() > 0.93
        assert difference.median() <= 0.75


def test_brightness_contrast_and_gamma_keep_the_order_of_levels() -> None:
    step = LevelledAtRandom(PREPROCESSING, 2.0)
    step.set_random_state(seed=6)
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 256, 1)
    means = []
    for _ in range(50):
        levels = step(ramp)[0, 0].numpy()
        assert (np.diff(levels) >= 0).all()
        means.append(levels.mean())
    assert np.std(means) > 0.1


def test_mirroring_is_exact() -> None:
    step = MirroredAtRandom(1.0)
    np.testing.assert_array_equal(step(COLOUR), COLOUR[:, ::-1])


def test_what_is_drawn_follows_from_the_seed_alone() -> None:
    builder = TransformBuilder(PREPROCESSING, may_flip=True)
    transforms, others = builder.build_train_transforms(), builder.build_train_transforms()
    reseed(transforms, 11)
    first = transforms(COLOUR)
    second = transforms(COLOUR)
    reseed(others, 11)
    assert torch.equal(others(COLOUR), first)
    assert not torch.equal(second, first)
    reseed(transforms, 12)
    assert not torch.equal(transforms(COLOUR), first)


def test_the_matrix_is_the_one_that_monai_makes_of_what_it_drew() -> None:
    step = PlacedAtRandom(SIZE, 1.0)
    step.set_random_state(seed=8)
    step.randomize()
    grid = monai.transforms.RandAffineGrid(
        rotate_range=math.radians(15), translate_range=(1.2, 1.6), lazy=True
    )
    grid.set_random_state(seed=8)
    grid(SIZE, lazy=True)
    zoom = grid.R.uniform(0.9, 1.1)
    expected = np.asarray(grid.get_transformation_matrix()) * [[zoom, zoom, 1]]
    np.testing.assert_allclose(step.matrix, expected, atol=1e-5)


def test_levels_change_as_monais_transforms_change_an_image() -> None:
    plain = Preprocessing((16, 16), "L", (0.0,), (1.0,))
    step = LevelledAtRandom(plain, 2.0)
    step.set_random_state(seed=9)
    image = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    changed = step(image)[0]
    gamma = monai.transforms.RandAdjustContrast(prob=1.0, gamma=(0.8, 1.2))
    scale = monai.transforms.RandScaleIntensity(factors=0.2, prob=1.0)
    random = np.random.RandomState(9)
    expected = torch.from_numpy(image[..., 0] / 255)[None]
    for each in (gamma, scale):
        each.set_random_state(state=random)
        expected = each(expected)
    offset = (changed - expected[0]).flatten()
    inner = (changed.flatten() > 0) & (changed.flatten() < 1)
    assert offset[inner].std() < 1e-5
    assert abs(offset[inner].mean()) <= 0.2


def test_a_repeated_edge_is_that_of_the_nearest_pixel() -> None:
    step = PlacedAtRandom(SIZE, 2.0, Variation(zoom_share=0.25, stretch_share=0.1, edge="repeat"))
    step.set_random_state(seed=4)
    flat, ramp = (
        np.full((*SIZE, 3), 90, np.uint8),
        np.add.outer(np.arange(24) * 4, np.arange(32) * 3).astype(np.uint8)[..., None],
    )
    for _ in range(5):
        np.testing.assert_array_equal(step(flat), flat)
        ours = resampled(ramp, step.matrix, "repeat")[..., 0].astype(float)
        reference = monai.transforms.Affine(
            affine=torch.tensor(step.matrix), padding_mode="border", image_only=True
        )(torch.tensor(ramp.transpose(2, 0, 1), dtype=torch.float32))[0].numpy()
        difference = np.abs(ours - reference)
        assert np.median(difference) <= 0.75
        assert np.mean(difference < 2) > 0.95


def test_sides_are_stretched_against_each_other_only_where_it_is_asked_for() -> None:
    step = PlacedAtRandom(SIZE, 1.0, Variation(rotation_degrees=0, zoom_share=0, stretch_share=0.2))
    step.set_random_state(seed=3)
    ratios = []
    for _ in range(200):
        step.randomize()
        down, along = step.matrix[0, 0], step.matrix[1, 1]
        assert down * along == pytest.approx(1)
        ratios.append(math.log(down))
    assert (min(ratios), max(ratios)) == pytest.approx((-0.2, 0.2), abs=0.01)


def test_as_many_images_are_blurred_as_sharpened() -> None:
    step = FocusedAtRandom(0.6)
    step.set_random_state(seed=2)
    spread = [float(np.std(step(COLOUR))) for _ in range(200)]
    before = float(np.std(COLOUR))
    counts = [sum(one < before for one in spread), sum(one > before for one in spread)]
    assert all(40 <= count <= 80 for count in counts)
    flat = np.full((*SIZE, 1), 40, np.uint8)
    assert all((step(flat) == flat).all() for _ in range(10))


def test_noise_has_every_strength_up_to_its_most() -> None:
    step = NoisyAtRandom(0.1)
    step.set_random_state(seed=2)
    middle = np.full((*SIZE, 1), 128, np.uint8)
    deviations = [np.std(step(middle).astype(float)) for _ in range(200)]
    assert 0 <= min(deviations) < 1.5
    assert max(deviations) == pytest.approx(25.5, rel=0.08)


def test_blur_and_noise_are_part_of_training_alone_and_grow_with_its_strength() -> None:
    wide = Variation(blur_share=0.4, noise_share=0.1, level_share=0.3, edge="repeat")

    def steps(strength: float) -> list[str]:
        builder = TransformBuilder(
            PREPROCESSING, augmentation_strength=strength, variation=wide, may_flip=True
        )
        return [type(step).__name__ for step in builder.build_train_transforms().transforms]

    assert steps(1.0) == [
        "MirroredAtRandom",
        "PlacedAtRandom",
        "FocusedAtRandom",
        "NoisyAtRandom",
        "LevelledAtRandom",
    ]
    assert len(steps(0)) == 1
    transforms = TransformBuilder(PREPROCESSING, variation=wide).build_train_transforms()
    reseed(transforms, 5)
    first = transforms(COLOUR)
    reseed(transforms, 5)
    assert torch.equal(transforms(COLOUR), first)


@pytest.mark.parametrize(
    "wrong",
    [
        {"zoom_share": 0.5},
        {"blur_share": 1.5},
        {"noise_share": -0.1},
        {"rotation_degrees": 181},
        {"edge": "mirror"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_variation_outside_its_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Variation(**wrong)

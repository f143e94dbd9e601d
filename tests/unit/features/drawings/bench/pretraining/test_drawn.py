"""The procedural drawings that a network learns from."""

import numpy as np
import pytest
import torch

from deepmed.features.drawings.bench.pretraining import drawn
from deepmed.features.drawings.bench.pretraining.drawn import (
    KINDS,
    TRAITS,
    draw_lessons,
    draw_one,
)
from deepmed.features.drawings.samples.hand import draw_hand
from deepmed.features.drawings.samples.sheet import Frame, Sheet
from deepmed.kit.pictures import is_blank
from deepmed.kit.seeds import generator


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_draws_something(kind: str) -> None:
    rng = generator(0, "test of kinds", kind)
    for age in (3.0, 11.0):
        sheet = Sheet(draw_hand(age, rng), rng)
        sheet.frame = Frame(0.1, 0.1, 0.8, 0.8)
        KINDS[kind](sheet)
        assert sheet.strokes > 0
        assert not is_blank(sheet.finish())


def test_a_drawing_is_that_of_its_seed_and_number() -> None:
    first, again, other = draw_one(0, 3), draw_one(0, 3), draw_one(1, 3)
    assert np.array_equal(first.image, again.image)
    assert (first.kind, first.traits) == (again.kind, again.traits)
    assert not np.array_equal(first.image, other.image)


def test_lessons_are_the_crops_that_the_encoder_sees() -> None:
    from deepmed.learning.encoders.hog_pyramid.preparing import prepare_ink_boxes

    told: list[tuple[int, int]] = []
    lessons = draw_lessons(3, seed=0, progress=lambda *done: told.append(done))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert lessons.traits.shape == (3, len(TRAITS))
    assert torch.isfinite(lessons.traits).all()
    pages = prepare_ink_boxes([draw_one(0, one).image for one in range(3)], torch.device("cpu"))
    seen = torch.nn.functional.avg_pool2d(1 - pages.pixels, 2)
    assert (lessons.ink.float() / 255 - seen).abs().max() <= 0.5 / 255 + 1e-6


def test_hands_of_all_ages_and_pens_of_many_widths_draw() -> None:
    hands = [drawn._hand(generator(0, "test of hands", one)) for one in range(200)]
    levels, widths = [hand.level for hand in hands], [hand.width for hand in hands]
    assert min(levels) < 3.5
    assert max(levels) > 11.5
    assert max(widths) / min(widths) > 4

"""Drawings to learn from: procedural ones alone, no real drawing comes near this module."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from deepmed.features.drawings.bench.pretraining import things
from deepmed.features.drawings.samples.hand import Hand, draw_hand
from deepmed.features.drawings.samples.sheet import Frame, Sheet
from deepmed.kit.seeds import generator
from deepmed.learning.encoders.hog_pyramid.inkbox import crop_ink
from deepmed.learning.encoders.stroke_net import layout
from deepmed.learning.pretraining.lessons import Lessons

Progress = Callable[[int, int], None]
KINDS: dict[str, Callable[[Sheet], None]] = {
    "scribble": things.scribble,
    "loops": things.loops,
    "person": things.person,
    "house": things.house,
    "scene": things.scene,
    "sun": things.sun,
    "face": things.face,
    "plant": things.plant,
    "creature": things.creature,
    "vehicle": things.vehicle,
    "shapes": things.shapes,
    "signs": things.signs,
}
TRAITS = ("level", "width", "wobble", "tremor", "rounding", "gap", "strokes")
"""What is known of each drawing: the age that it looks like, how its pen was held, and how many
strokes it took; widths, wobble, tremor and strokes as logarithms."""
YOUNGEST, OLDEST = 3.0, 12.5
COMPANY = 0.3
"""How often something stands beside the thing."""


@dataclass(frozen=True)
class Drawn:
    """One drawing: its page as uint8 (224, 224, 3), what it shows, and its traits."""

    image: NDArray[np.uint8]
    kind: int
    traits: tuple[float, ...]


def draw_one(seed: int, number: int) -> Drawn:
    """The drawing of this number in this seed's stack."""
    rng = generator(seed, "stroke-net drawings", number)
    hand = _hand(rng)
    sheet = Sheet(hand, rng)
    kind = int(rng.integers(len(KINDS)))
    names = list(KINDS)
    # A scene has a page of its own; everything else stands somewhere, in some size.
    sheet.frame = Frame() if names[kind] == "scene" else _place(rng, hand)
    KINDS[names[kind]](sheet)
    if sheet.chance(COMPANY):
        sheet.frame = _place(rng, hand, largest=0.45)
        KINDS[str(rng.choice(names))](sheet)
    return Drawn(sheet.finish(), kind, _traits(sheet))


def draw_lessons(count: int, seed: int, progress: Progress | None = None) -> Lessons:
    """A stack of drawings, cropped as the encoder crops them."""
    ink = torch.empty(count, 1, layout.SIDE, layout.SIDE, dtype=torch.uint8)
    kinds, traits = torch.empty(count, dtype=torch.int64), torch.empty(count, len(TRAITS))
    for number in range(count):
        drawn = draw_one(seed, number)
        ink[number] = _halved(crop_ink(drawn.image).ink)
        kinds[number], traits[number] = drawn.kind, torch.tensor(drawn.traits)
        if progress is not None:
            progress(number + 1, count)
    return Lessons(ink, kinds, traits)


def _hand(rng: np.random.Generator) -> Hand:
    """A hand of some age, with pens and habits beyond those of the samples."""
    hand = draw_hand(float(rng.uniform(YOUNGEST, OLDEST)), rng)
    own = np.exp(rng.normal(0.0, 0.35, 3))
    return replace(
        hand,
        width=hand.width * float(own[0]),
        wobble=hand.wobble * float(own[1]),
        tremor=hand.tremor * float(own[2]),
    )


def _place(rng: np.random.Generator, hand: Hand, largest: float = 0.95) -> Frame:
    side = float(rng.uniform(0.3, largest))
    wide, high = side * np.exp(rng.normal(0.0, 0.12, 2)).clip(0.7, 1.0)
    x, y = rng.uniform(0.02, [0.98 - wide, 0.98 - high])
    return Frame(float(x), float(y), float(wide), float(high), hand.tilt)


def _traits(sheet: Sheet) -> tuple[float, ...]:
    hand = sheet.hand
    pen = np.log([hand.width, hand.wobble, hand.tremor]).tolist()
    return (hand.level, *pen, float(hand.rounding), hand.gap, float(np.log(sheet.strokes)))


def _halved(ink: NDArray[np.uint8]) -> torch.Tensor:
    """(1, 112, 112) as the network is shown it."""
    whole = torch.from_numpy(ink.copy()).float()[None]
    return functional.avg_pool2d(whole, layout.REDUCTION).round().to(torch.uint8)

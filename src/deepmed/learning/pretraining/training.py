"""Training a network on procedural drawings, the same for the same seed."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import nn

from deepmed.kit import seeds
from deepmed.learning.encoders.stroke_net.network import StrokeNet
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.pretraining.lessons import Lessons, Recipe
from deepmed.learning.pretraining.objective import Learner
from deepmed.learning.pretraining.views import view

Progress = Callable[[int, int], None]
POINTS = 20
"""Points of the curve that is kept of a training."""


@dataclass
class Pretrained:
    """A network, and the way to it.

    Attributes:
        network: in evaluation mode.
        curve: the parts of the loss, means over a stretch of steps that ends with `step`.
    """

    network: StrokeNet
    curve: list[dict[str, float]] = field(default_factory=list)


def pretrain(
    lessons: Lessons, recipe: Recipe, seed: int, progress: Progress | None = None
) -> Pretrained:
    """Teach a fresh network to tell drawings apart, what they show and how they were drawn.

    Method: VICReg (Bardes, Ponce and LeCun 2022) between two views of a drawing, beside which kind
    and traits are read off the vector linearly.

    Args:
        lessons: drawings that it learns from.
        recipe: how.
        seed: of first weights, batches and views.
        progress: called with (steps done, steps in all) after each step.

    Returns:
        The network in evaluation mode; the same for the same arguments on the same machine with as
        many threads.

    Raises:
        InsufficientDataError: fewer drawings than a batch has.
    """
    if len(lessons) < recipe.batch:
        raise InsufficientDataError(
            f"{len(lessons)} drawings do not fill a batch of {recipe.batch}. Nothing was learned."
        )
    learner = _fresh(lessons, recipe, seed)
    optimizer = torch.optim.AdamW(
        learner.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    random = torch.Generator().manual_seed(seeds.derive(seed, "pretraining", "views"))
    traits = lessons.standardized_traits()
    found, passed = Pretrained(learner.network), []
    for step, chosen in enumerate(_batches(len(lessons), recipe, seed), start=1):
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * pace(step, recipe)
        ink = lessons.ink[chosen].float() / 255
        terms = learner.terms(
            (view(ink, random), view(ink, random)), lessons.kinds[chosen], traits[chosen]
        )
        loss = terms.loss(recipe)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
        passed.append({"loss": float(loss.detach()), **terms.numbers()})
        if step * POINTS // recipe.steps > (step - 1) * POINTS // recipe.steps:
            found.curve.append({"step": step, **_means(passed)})
            passed = []
        if progress is not None:
            progress(step, recipe.steps)
    _laid_out(found.network.eval(), torch.contiguous_format)
    return found


def untrained(seed: int) -> StrokeNet:
    """The network that a training with this seed begins with, for comparison.

    Example:
        >>> bool((untrained(0).heads["deep"].weight == untrained(0).heads["deep"].weight).all())
        True
    """
    return _seeded(seed, 1, 1, 1).network.eval()


def pace(step: int, recipe: Recipe) -> float:
    """The share of the learning rate at a step: rising evenly, then falling as a cosine.

    Args:
        step: counted from 1.
        recipe: with the steps in all and the share of them in which it rises.

    Example:
        >>> recipe = Recipe(steps=20, warm_up=0.1)
        >>> [round(pace(step, recipe), 2) for step in (1, 2, 11, 20)]
        [0.5, 1.0, 0.5, 0.0]
    """
    rising = max(1, round(recipe.warm_up * recipe.steps))
    if step <= rising:
        return step / rising
    return (1 + math.cos(math.pi * (step - rising) / max(1, recipe.steps - rising))) / 2


def _fresh(lessons: Lessons, recipe: Recipe, seed: int) -> Learner:
    kinds, traits = int(lessons.kinds.max()) + 1, lessons.traits.shape[1]
    learner = _seeded(seed, kinds, traits, recipe.projection).train()
    _laid_out(learner, torch.channels_last)  # the faster one where there are few channels
    return learner


def _laid_out(module: nn.Module, form: torch.memory_format) -> None:
    module.to(memory_format=form)  # type: ignore[call-overload]  # its types lack this one


def _seeded(seed: int, kinds: int, traits: int, projection: int) -> Learner:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.derive(seed, "pretraining", "weights"))
        return Learner(kinds, traits, projection)


def _batches(count: int, recipe: Recipe, seed: int) -> Iterator[torch.Tensor]:
    """Batches without replacement, in a new order when all were seen."""
    random = torch.Generator().manual_seed(seeds.derive(seed, "pretraining", "batches"))
    left = torch.empty(0, dtype=torch.int64)
    for _ in range(recipe.steps):
        if len(left) < recipe.batch:
            left = torch.randperm(count, generator=random)
        yield left[: recipe.batch]
        left = left[recipe.batch :]


def _means(passed: list[dict[str, float]]) -> dict[str, float]:
    return {
        name: round(math.fsum(each[name] for each in passed) / len(passed), 5) for name in passed[0]
    }

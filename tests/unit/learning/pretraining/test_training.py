"""What pretraining does, with few drawings and few steps."""

import pytest
import torch

from deepmed.learning.encoders.stroke_net.weights import weight_hash
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.pretraining import training
from deepmed.learning.pretraining.lessons import Lessons, Recipe
from deepmed.learning.pretraining.objective import Learner
from deepmed.learning.pretraining.training import pretrain, untrained
from deepmed.learning.pretraining.views import view

RECIPE = Recipe(steps=2, batch=4, drawings=8, projection=16)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def lessons() -> Lessons:
    """Bars of two directions, thin and thick, at random places."""
    random = torch.Generator().manual_seed(0)
    ink = torch.zeros(8, 1, 112, 112, dtype=torch.uint8)
    for number in range(8):
        at, wide = int(torch.randint(20, 80, (), generator=random)), 2 + number
        page = ink[number, 0] if number % 2 else ink[number, 0].T
        page[at : at + wide, 10:100] = 255
    return Lessons(ink, torch.arange(8) % 2, torch.arange(8.0)[:, None])


def test_a_fixed_batch_is_learned(lessons: Lessons) -> None:
    torch.manual_seed(0)
    learner, recipe = Learner(2, 1, 16), Recipe()
    optimizer = torch.optim.AdamW(learner.parameters(), lr=1e-3)
    ink, traits = lessons.ink.float() / 255, lessons.standardized_traits()
    losses = []
    for _ in range(8):
        loss = learner.terms((ink, ink), lessons.kinds, traits).loss(recipe)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]


def test_the_same_seed_gives_the_same_weights(lessons: Lessons) -> None:
    torch.manual_seed(1)
    first = pretrain(lessons, RECIPE, seed=0)
    torch.manual_seed(2)  # what else a process drew makes no difference
    second = pretrain(lessons, RECIPE, seed=0)
    assert weight_hash(first.network) == weight_hash(second.network)
    assert first.curve == second.curve
    assert not first.network.training
    hashes = {
        weight_hash(made)
        for made in (first.network, pretrain(lessons, RECIPE, 1).network, untrained(0))
    }
    assert len(hashes) == 3


def test_training_leaves_the_processs_random_numbers_alone(lessons: Lessons) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    pretrain(lessons, RECIPE, 0)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_curve_is_of_all_steps(lessons: Lessons) -> None:
    told: list[tuple[int, int]] = []
    made = pretrain(lessons, RECIPE, 0, lambda *done: told.append(done))
    assert told == [(1, 2), (2, 2)]
    assert [point["step"] for point in made.curve] == [1, 2]
    for point in made.curve:
        parts = RECIPE.alike * point["alike"] + RECIPE.spread * point["spread"]
        parts += RECIPE.apart * point["apart"] + RECIPE.known * (point["kind"] + point["traits"])
        assert point["loss"] == pytest.approx(parts, abs=1e-3)


def test_every_drawing_is_seen_before_one_comes_again() -> None:
    batches = list(training._batches(8, Recipe(steps=4, batch=4), seed=0))
    assert sorted(torch.cat(batches[:2]).tolist()) == list(range(8))
    assert sorted(torch.cat(batches[2:]).tolist()) == list(range(8))


def test_too_few_drawings_are_said_to_be(lessons: Lessons) -> None:
    with pytest.raises(InsufficientDataError, match="8 drawings"):
        pretrain(lessons, Recipe(steps=1, batch=9), 0)


def test_views_differ_but_show_the_same_drawing(lessons: Lessons) -> None:
    ink = lessons.ink.float() / 255
    random = torch.Generator().manual_seed(0)
    first, second = view(ink, random), view(ink, random)
    assert first.min() >= 0
    assert first.max() <= 1
    assert not torch.equal(first, second)

    # The same bar lies under both; a mirrored one would lie elsewhere.
    def centre(found: torch.Tensor) -> torch.Tensor:
        mass = (found > 0.3).float().sum(dim=(1, 2))
        return (mass * torch.arange(112)).sum(dim=1) / mass.sum(dim=1)

    assert (centre(first) - centre(ink)).abs().max() < 12

"""The questions, put to encoders that see little."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from deepmed.features.drawings.bench.collection import Collection
from deepmed.features.drawings.bench.material import Material, Pictures, Trial
from deepmed.features.drawings.bench.prepared import Real
from deepmed.features.drawings.bench.pretraining.questions import (
    BUILT_IN,
    LEARNED,
    PRIMARY,
    Asking,
    Looker,
    answers,
)
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.subjects import subject_index
from deepmed.learning.encoders import Embeddings, EncoderIdentity, Image, Prepared, Progress
from deepmed.learning.reference import Rows, join


class Dull:
    """Four numbers of a page: chance, or with `eyes` how much ink lies in each quarter."""

    patch_grid = (14, 14)

    def __init__(self, *, eyes: bool) -> None:
        self.eyes = eyes
        self.identity = EncoderIdentity("eyes" if eyes else "chance", "1", "0" * 64, "1", "fp32", 4)

    def prepare(self, images: Sequence[Image]) -> Prepared:
        raise NotImplementedError

    def encode(self, prepared: Prepared) -> torch.Tensor:
        raise NotImplementedError

    def embed(
        self, images: Sequence[Image], batch_size: int = 32, progress: Progress | None = None
    ) -> Embeddings:
        del batch_size, progress
        return np.array([self._look(image) for image in images], dtype=np.float32)

    def _look(self, image: Image) -> list[float]:
        dark = 255.0 - image.min(axis=2)
        if not self.eyes:
            return list(np.random.default_rng(int(dark.sum())).normal(size=4))
        rows, columns = dark.shape[0] // 2, dark.shape[1] // 2
        quarters = [
            part[:, half]
            for part in (dark[:rows], dark[rows:])
            for half in (slice(None, columns), slice(columns, None))
        ]
        return [float(quarter.mean()) for quarter in quarters]


def made() -> Real:
    """Pages by 60 children, darker the older they are, on the left or the right by subject.

    Two thirds are fitted on; from the others darker ones are made, and others that are moved.
    """
    random, n = np.random.default_rng(0), 60
    ages = np.array([4.0 + child % 5 for child in range(n)])
    left = np.arange(n) // 5 % 2 == 0
    images: list[Image] = []
    for age, on_the_left in zip(ages, left, strict=True):
        page = np.full((24, 24, 3), 255, np.uint8)
        at = 2 if on_the_left else 14
        page[4:20, at : at + 8] = 255 - int(12 * age + random.integers(0, 30))
        images.append(page)
    held = np.arange(40, n)
    darker = [np.where(images[child] < 255, 0, 255).astype(np.uint8) for child in held]
    moved = [images[child][::-1].copy() for child in held]
    subjects = tuple("bird" if on_the_left else "dog" for on_the_left in left)
    rows = Rows(
        drawings=np.arange(n),
        children=np.arange(n),
        ages=ages,
        subjects=np.array([subject_index(subject) for subject in subjects]),
        vectors=np.zeros((n, 0), dtype=np.float32),
    )
    groups = (AgeRange(4.0, 9.0),)
    material = Material(
        name="made",
        split="one trial",
        pictures=Pictures([*images, *darker, *moved]),
        rows=join([rows, rows.take(held), rows.take(held)]),
        kinds=("",) * n + ("scribble",) * len(held) + ("parts_shuffled",) * len(held),
        trials=(Trial(np.arange(40), held, np.arange(n, n + 2 * len(held))),),
    )
    return Real(Collection(images, rows, subjects, groups, "made up"), material)


@pytest.fixture(scope="module")
def tasks() -> dict[str, dict[str, Any]]:
    lookers = (
        Looker("chance", BUILT_IN, None, Dull(eyes=False)),
        Looker("eyes", LEARNED, 0, Dull(eyes=True)),
    )
    asked = answers(made(), Asking(lookers, 0, 50, lambda _what: None))
    return {task["task"]: task for task in asked}


def test_the_primary_question_comes_first_and_sees_who_looks(
    tasks: dict[str, dict[str, Any]],
) -> None:
    assert next(iter(tasks)) == PRIMARY
    chance, eyes = tasks[PRIMARY]["rows"]
    assert chance["beside"] is None
    assert (eyes["role"], eyes["seed"]) == (LEARNED, 0)
    assert eyes["beside"]["low"] > 0
    less = eyes["figure"]["estimate"] - chance["figure"]["estimate"]
    assert eyes["beside"]["estimate"] == pytest.approx(less)
    assert {"scribble", "parts_shuffled"} == set(eyes["kinds"])


def test_all_questions_are_put_to_everyone(tasks: dict[str, dict[str, Any]]) -> None:
    assert len(tasks) == 6
    for task in tasks.values():
        assert [row["name"] for row in task["rows"]] == ["chance", "eyes"]
        for row in task["rows"]:
            assert row["figure"]["low"] <= row["figure"]["estimate"] <= row["figure"]["high"]
    nearest = tasks["retrieval"]["rows"]
    less = nearest[1]["figure"]["estimate"] - nearest[0]["figure"]["estimate"]
    assert nearest[1]["beside"]["estimate"] == pytest.approx(less)


def test_a_difference_is_above_zero_where_the_age_is_told_better(
    tasks: dict[str, dict[str, Any]],
) -> None:
    chance, eyes = tasks["age error"]["rows"]
    nearer = chance["figure"]["estimate"] - eyes["figure"]["estimate"]
    assert eyes["beside"]["estimate"] == pytest.approx(nearer)

"""Losses against formulas written in numpy."""

import numpy as np
import pytest
import torch

from deepmed.learning.classification import (
    CallbacksSetup,
    LossFactory,
    TrainingSettings,
    TrainingSettingsError,
    class_weights,
    probabilities,
)
from deepmed.learning.errors import InsufficientDataError

LOGITS = np.array([-2.0, -0.5, 0.3, 1.7, 4.0])
LABELS = np.array([0, 1, 1, 0, 1])


def binary_reference(alpha: float | None, gamma: float) -> float:
    chance = 1 / (1 + np.exp(-LOGITS))
    of_label = np.where(LABELS == 1, chance, 1 - chance)
    say = 1.0 if alpha is None else np.where(LABELS == 1, alpha, 1 - alpha)
    return float(np.mean(-say * (1 - of_label) ** gamma * np.log(of_label)))


@pytest.mark.req("X-7.1")
@pytest.mark.parametrize(("alpha", "gamma"), [(0.6, 1.5), (0.25, 2.0), (None, 3.0), (None, 0.0)])
def test_focal_loss_is_that_of_its_formula(alpha: float | None, gamma: float) -> None:
    loss = LossFactory.create_loss(use_focal_loss=True, focal_alpha=alpha, focal_gamma=gamma)
    found = loss(torch.tensor(LOGITS)[:, None], torch.tensor(LABELS))
    assert float(found) == pytest.approx(binary_reference(alpha, gamma), rel=1e-6)


@pytest.mark.req("X-7.1")
def test_weights_give_both_classes_the_same_say() -> None:
    loss = LossFactory.create_loss(class_weights([30, 10]))
    logits, labels = torch.zeros(40, 1), torch.tensor([0] * 30 + [1] * 10)
    each = [
        loss(logits[labels == one], labels[labels == one]) * (labels == one).sum() for one in (0, 1)
    ]
    assert float(each[0]) == pytest.approx(float(each[1]))
    assert float(loss(logits, labels)) == pytest.approx(np.log(2))


@pytest.mark.req("X-7.1")
def test_weighted_binary_loss_is_that_of_torch_with_the_same_ratio() -> None:
    weights = class_weights([30, 10])
    found = LossFactory.create_loss(weights)(torch.tensor(LOGITS)[:, None], torch.tensor(LABELS))
    ratio = (weights[1] / weights[0]).double()
    theirs = torch.nn.functional.binary_cross_entropy_with_logits(
        torch.tensor(LOGITS), torch.tensor(LABELS).double(), pos_weight=ratio
    )
    assert float(found) == pytest.approx(float(theirs * weights[0]), rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_several_classes_are_torchs_cross_entropy(smoothing: float) -> None:
    logits, labels = torch.randn(6, 3), torch.tensor([0, 1, 2, 2, 1, 0])
    found = LossFactory.create_loss(label_smoothing=smoothing)(logits, labels)
    theirs = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=smoothing)
    assert float(found) == pytest.approx(float(theirs), rel=1e-5)


@pytest.mark.req("X-7.1")
@pytest.mark.parametrize(
    ("weights", "focal", "sampled"),
    [(True, True, False), (True, False, True), (False, True, True)],
)
def test_two_answers_to_unequal_classes_are_refused(
    weights: bool,  # noqa: FBT001 - a case of the table
    focal: bool,  # noqa: FBT001 - likewise
    sampled: bool,  # noqa: FBT001 - likewise
) -> None:
    with pytest.raises(TrainingSettingsError, match="Keep one of them"):
        LossFactory.create_loss(
            class_weights([3, 1]) if weights else None,
            use_focal_loss=focal,
            balanced_sampling=sampled,
        )


@pytest.mark.req("X-7.1")
def test_settings_make_the_loss_that_they_name() -> None:
    made = {
        name: LossFactory.from_settings(TrainingSettings(loss=name), [30, 10])  # type: ignore[arg-type] # each is a name
        for name in ("cross_entropy", "weighted", "focal")
    }
    assert made["cross_entropy"].weights is None
    assert made["weighted"].weights is not None
    assert made["weighted"].weights.tolist() == class_weights([30, 10]).tolist()
    assert made["focal"].gamma == 1.5
    assert LossFactory.from_settings(TrainingSettings(loss="focal"), [3, 2, 1]).weights is None


def test_a_class_without_images_is_refused() -> None:
    with pytest.raises(InsufficientDataError, match="3, 0 training images"):
        CallbacksSetup.compute_class_weights_for_pl([0, 0, 0])
    with pytest.raises(InsufficientDataError):
        class_weights([5])


def test_probabilities_are_sigmoid_and_softmax() -> None:
    found = probabilities(torch.tensor(LOGITS)[:, None])
    assert np.allclose(found, 1 / (1 + np.exp(-LOGITS)))
    logits = torch.randn(4, 3)
    assert torch.allclose(probabilities(logits), logits.softmax(1))


def test_half_the_bits_do_not_lose_the_loss() -> None:
    logits = torch.full((4, 1), 3.0, dtype=torch.bfloat16)
    loss = LossFactory.create_loss()(logits, torch.ones(4, dtype=torch.int64))
    assert float(loss) == pytest.approx(np.log1p(np.exp(-3)), rel=1e-5)

"""From a model and an image to what is said of it."""

from deepmed.features.xray.inference.prediction import OutOfDistribution, Withheld
from deepmed.features.xray.inference.served_model import ServedModel
from deepmed.learning.novelty import Novelty


def decided(model: ServedModel, shares: list[float]) -> tuple[int, Withheld]:
    """The class that threshold or largest probability decides for, and whether that is answered."""
    point, classes = model.loaded.point, model.loaded.classes
    answer = point.answer(shares[1] if model.loaded.binary else shares)
    withheld = Withheld(
        abstains=answer.abstains,
        reason=answer.reason,
        possible=tuple(classes[number] for number in answer.possible),
        band=None if point.threshold is None else point.abstention.band(point.threshold),
        percentile=point.abstention.percentile,
    )
    return answer.decision, withheld


def judged(model: ServedModel, novelty: Novelty) -> OutOfDistribution:
    """What the gate says, with the percentile that it keeps to."""
    return OutOfDistribution(
        flagged=novelty.flagged,
        p_value=novelty.p_value,
        percentile=None if model.gate is None else model.gate.percentile,
        reason=novelty.reason,
        checks=tuple(vars(check) for check in novelty.checks),
    )

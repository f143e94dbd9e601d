"""From logits to probabilities that mean what they say."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation.binary.cases import class_labels
from deepmed.learning.evaluation.bootstrap import FloatArray
from deepmed.learning.evaluation.errors import EvaluationError

STEEPEST = 1e4
"""A fitted temperature lies within this and its inverse."""


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """The temperature at which a model's probabilities have the least log loss.

    The loss is convex in the inverse of the temperature, so its slope has at most one root.
    Source: Guo et al., On calibration of modern neural networks, ICML 2017. It moves no decision at
    0.5 and no order of two classes; a prior that training changed, by weights for example, it does
    not undo.

    Args:
        logits: (n,) of class 1, or (n, classes); of validation, never of the test part.
        labels: (n,) class numbers.

    Returns:
        A positive number: above 1 where the model was too sure.

    Raises:
        InsufficientDataError: There are no images, or no temperature is best: the logits are no
            better than chance, or they separate the classes without an error. Use 1 then.
        EvaluationError: Lengths differ, or a value is none of its kind.

    >>> round(fit_temperature([3.0, 3.0, 3.0, -3.0, -3.0, -3.0], [1, 1, 0, 0, 0, 1]), 4)
    4.3281
    """
    columns = _class_logits(logits)
    truth = class_labels(labels, columns.shape[1])
    if len(truth) != len(columns):
        raise EvaluationError(f"{len(columns)} logits were given with {len(truth)} labels.")
    right = columns[np.arange(len(truth)), truth]

    def slope(log_steepness: float) -> float:
        shares = special.softmax(columns * np.exp(log_steepness), axis=1)
        return float(np.mean((shares * columns).sum(axis=1) - right))

    furthest = float(np.log(STEEPEST))
    if slope(-furthest) >= 0:
        raise InsufficientDataError(
            "The logits tell the classes apart no better than chance, so no temperature is best."
        )
    if _without_error(columns, right) or slope(furthest) <= 0:
        raise InsufficientDataError(
            "The logits separate the classes without an error, so no temperature is best: how "
            "sure the model may be cannot be learned from these images."
        )
    return float(np.exp(-optimize.brentq(slope, -furthest, furthest, xtol=1e-12)))


def calibrated(logits: ArrayLike, temperature: float = 1.0) -> FloatArray:
    """Probabilities of logits at a temperature.

    Args:
        logits: (n,) of class 1, or (n, classes).
        temperature: Positive; 1 changes nothing.

    Returns:
        (n,) of class 1, or (n, classes) that sum to 1; float64.

    Raises:
        EvaluationError: The temperature is not positive, or a logit is not finite.

    >>> calibrated([0.0, np.log(3.0)]).round(4).tolist()
    [0.5, 0.75]
    """
    if not 0 < temperature < np.inf:
        raise EvaluationError(f"A temperature is a positive number, not {temperature}.")
    array = _finite_logits(logits) / temperature
    found: FloatArray = special.expit(array) if array.ndim == 1 else special.softmax(array, axis=1)
    return found


def correct_prevalence(
    probabilities: ArrayLike, learned: ArrayLike, stated: ArrayLike
) -> FloatArray:
    """Probabilities where the classes are as frequent as stated, images of each being the same.

    Source: Saerens, Latinne and Decaestecker, Neural Computation 14 (2002) 21-41. It presumes that
    the probabilities are calibrated where the classes are as frequent as learned. A threshold is
    corrected like a probability; corrected alike, decisions stay what they are.

    Args:
        probabilities: (n,) of class 1, or (n, classes).
        learned: Share of class 1, or (classes,) shares, where the model was calibrated.
        stated: The same where it is used.

    Returns:
        As many probabilities, float64.

    Raises:
        EvaluationError: A value is none of its kind.

    >>> correct_prevalence([0.5, 0.9], learned=0.5, stated=0.1).round(4).tolist()
    [0.1, 0.5]
    """
    given = np.asarray(probabilities, dtype=np.float64)
    if given.ndim == 2:
        return _reweighted(given, np.asarray(learned, float), np.asarray(stated, float))
    shares = [
        np.array([1 - one, one])
        for one in (checked_prevalence(learned), checked_prevalence(stated))
    ]
    return _reweighted(np.stack([1 - given, given], axis=-1), *shares)[..., 1]


def checked_prevalence(prevalence: ArrayLike | None) -> float:
    """A share between 0 and 1, or NaN for None.

    Raises:
        EvaluationError: It is not between.

    >>> checked_prevalence(0.1)
    0.1
    """
    if prevalence is None:
        return float("nan")
    share = np.asarray(prevalence, dtype=np.float64)
    if share.ndim or not 0 < share < 1:
        raise EvaluationError(f"A prevalence is one number between 0 and 1, not {prevalence}.")
    return float(share)


def _reweighted(given: FloatArray, learned: FloatArray, stated: FloatArray) -> FloatArray:
    classes = given.shape[-1:]
    for shares in (learned, stated):
        if shares.shape != classes or not (shares > 0).all() or abs(shares.sum() - 1) > 1e-9:
            raise EvaluationError("Each class needs a share above 0, and shares sum to 1.")
    if not ((given >= 0) & (given <= 1)).all():
        raise EvaluationError("A probability lies within 0 and 1.")
    weighted = given * (stated / learned)
    corrected: FloatArray = weighted / weighted.sum(axis=-1, keepdims=True)
    return corrected


def _class_logits(logits: ArrayLike) -> FloatArray:
    """(n, classes); one logit is that of class 1 against one of 0."""
    array = _finite_logits(logits)
    return array if array.ndim == 2 else np.stack([np.zeros_like(array), array], axis=1)


def _finite_logits(logits: ArrayLike) -> FloatArray:
    array = np.asarray(logits, dtype=np.float64)
    fits = array.ndim == 1 or (array.ndim == 2 and array.shape[1] > 1)
    if not fits or not np.isfinite(array).all():
        raise EvaluationError(
            f"Logits are finite numbers, one an image or one a class; shape {array.shape}."
        )
    return array


def _without_error(columns: FloatArray, right: FloatArray) -> bool:
    return bool((right >= columns.max(axis=1)).all())

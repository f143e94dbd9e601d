"""From logits to probabilities that mean what they say."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation.binary.cases import class_labels
from deepmed.learning.evaluation.bootstrap import FloatArray
from deepmed.learning.evaluation.errors import EvaluationError

STEEPEST = 1e4
"""A fitted temperature lies within this and its inverse."""
_NO_SLOPE = 1e-12
_CHANCE = "The logits tell the classes apart no better than chance, so no temperature is best."
_SEPARATED = (
    "The logits separate the classes without an error, so no temperature is best: how sure the "
    "model may be cannot be learned from these images."
)


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """The temperature at which a model's probabilities have the least log loss.

    The loss is convex in the inverse of the temperature, so its slope has at most one root.
    Source: Guo et al., On calibration of modern neural networks, ICML 2017. It moves no decision at
    0.5 and no order of two classes; a prior that training changed, by weights for example, it does
    not undo: see `fit_temperature_and_offsets`.

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
    columns, truth = _with_labels(logits, labels)
    right = columns[np.arange(len(truth)), truth]

    def slope(log_steepness: float) -> float:
        shares = special.softmax(columns * np.exp(log_steepness), axis=1)
        return float(np.mean((shares * columns).sum(axis=1) - right))

    furthest = float(np.log(STEEPEST))
    if slope(-furthest) >= 0:
        raise InsufficientDataError(_CHANCE)
    if _without_error(columns, right) or slope(furthest) <= 0:
        raise InsufficientDataError(_SEPARATED)
    return float(np.exp(-optimize.brentq(slope, -furthest, furthest, xtol=1e-12)))


def fit_temperature_and_offsets(
    logits: ArrayLike, labels: ArrayLike
) -> tuple[float, tuple[float, ...]]:
    """Temperature and offsets at which a model's probabilities have the least log loss.

    For models whose training weighted classes: at these, the mean probability of each class is its
    share of the images. Source: Platt, Advances in large margin classifiers, 2000, with labels as
    they are; for several classes Alexandari, Kundaje and Shrikumar, ICML 2020.

    Args:
        logits: (n,) of class 1, or (n, classes); of validation, never of the test part.
        labels: (n,) class numbers.

    Returns:
        A positive number, and what is added to the logits after they were divided by it: one number
        for (n,) logits, else one a class, with a mean of 0.

    Raises:
        InsufficientDataError: A class has no image, or nothing is best: the logits are no better
            than chance, or they separate the classes without an error.
        EvaluationError: Lengths differ, or a value is none of its kind.

    >>> logits = [3.0, 2.0, 1.0, 0.0, -1.0]
    >>> found = fit_temperature_and_offsets(logits, [1, 0, 1, 0, 0])
    >>> round(float(calibrated(logits, *found).mean()), 6)
    0.4
    """
    columns, truth = _with_labels(logits, labels)
    n_classes = columns.shape[1]
    counts = np.bincount(truth, minlength=n_classes)
    if not counts.all():
        raise InsufficientDataError("Offsets of classes need images of each class.")
    right = columns[np.arange(len(truth)), truth]
    scale = float(columns.std())
    # How the loss falls as the logits begin to count, where offsets alone are best.
    if float(np.mean(columns @ (counts / len(truth)) - right)) >= -_NO_SLOPE * scale:
        raise InsufficientDataError(_CHANCE)
    if _separated(columns, truth):
        raise InsufficientDataError(_SEPARATED)
    steepness, offsets = _steepness_and_offsets(columns / scale, truth)
    if np.ndim(logits) == 1:
        return scale / steepness, (float(offsets[1] - offsets[0]),)
    return scale / steepness, tuple((offsets - offsets.mean()).tolist())


def calibrated(
    logits: ArrayLike, temperature: float = 1.0, offsets: Sequence[float] = ()
) -> FloatArray:
    """Probabilities of logits at a temperature.

    Args:
        logits: (n,) of class 1, or (n, classes).
        temperature: Positive; 1 changes nothing.
        offsets: What is added after logits were divided by it: one number, or one a class.

    Returns:
        (n,) of class 1, or (n, classes) that sum to 1; float64.

    Raises:
        EvaluationError: The temperature is not positive, a logit is not finite, or there are other
            than as many offsets as logits of an image.

    >>> calibrated([0.0, np.log(3.0)]).round(4).tolist()
    [0.5, 0.75]
    >>> calibrated([0.0], 1.0, [np.log(3.0)]).round(4).tolist()
    [0.75]
    """
    if not 0 < temperature < np.inf:
        raise EvaluationError(f"A temperature is a positive number, not {temperature}.")
    array = _finite_logits(logits) / temperature
    if len(offsets):
        array = array + _fitting_offsets(offsets, 1 if array.ndim == 1 else array.shape[1])
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


def _with_labels(logits: ArrayLike, labels: ArrayLike) -> tuple[FloatArray, NDArray[np.int64]]:
    columns = _class_logits(logits)
    truth = class_labels(labels, columns.shape[1])
    if len(truth) != len(columns):
        raise EvaluationError(f"{len(columns)} logits were given with {len(truth)} labels.")
    return columns, truth


def _steepness_and_offsets(
    columns: FloatArray, truth: NDArray[np.int64]
) -> tuple[float, FloatArray]:
    """Where the log loss, convex in both, has its least value; the first class's offset is 0."""
    n, n_classes = columns.shape
    # What each parameter adds to each class's logit: (n, classes, parameters).
    adds = np.concatenate(
        [
            columns[..., None],
            np.broadcast_to(np.eye(n_classes)[:, 1:], (n, n_classes, n_classes - 1)),
        ],
        axis=2,
    )
    right = adds[np.arange(n), truth]

    def loss(parameters: FloatArray) -> float:
        return float(np.mean(special.logsumexp(adds @ parameters, axis=1) - right @ parameters))

    def mean(parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        shares: FloatArray = special.softmax(adds @ parameters, axis=1)
        return shares, np.einsum("nk,nkp->np", shares, adds)

    def slope(parameters: FloatArray) -> FloatArray:
        found: FloatArray = (mean(parameters)[1] - right).mean(axis=0)
        return found

    def bend(parameters: FloatArray) -> FloatArray:
        shares, means = mean(parameters)
        found: FloatArray = (np.einsum("nk,nkp,nkq->pq", shares, adds, adds) - means.T @ means) / n
        return found

    best = optimize.minimize(
        loss, np.eye(n_classes)[0], jac=slope, hess=bend, method="trust-exact",
        options={"gtol": 1e-12, "maxiter": 500},
    )  # fmt: skip
    return float(best.x[0]), np.append(0.0, best.x[1:])


def _separated(columns: FloatArray, truth: NDArray[np.int64]) -> bool:
    """Whether some offsets leave no image nearer to another class than to its own.

    Such offsets exist where no round trip through classes asks for more than nothing in all.
    """
    n_classes = columns.shape[1]
    ahead = np.stack(
        [
            (columns[truth == own] - columns[truth == own, own][:, None]).max(axis=0)
            for own in range(n_classes)
        ]
    )
    for through in range(n_classes):
        ahead = np.maximum(ahead, ahead[:, [through]] + ahead[[through]])
    return bool((np.diag(ahead) <= 0).all())


def _fitting_offsets(offsets: Sequence[float], size: int) -> FloatArray:
    found = np.asarray(offsets, dtype=np.float64)
    if found.shape != (size,) or not np.isfinite(found).all():
        raise EvaluationError(f"{size} logits of an image need as many offsets, not {found.size}.")
    return found


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

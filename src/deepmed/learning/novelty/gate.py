"""Whether an image is one of those that the model was made for (X-17, V-9)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepmed.learning.calibration import CalibrationSet, is_flagged, level_of
from deepmed.learning.calibration.children import Children
from deepmed.learning.encoders.base import Image
from deepmed.learning.errors import LearningError, ModelLoadingError
from deepmed.learning.evaluation.binary.cases import patient_codes
from deepmed.learning.novelty.appearance import appearance, colour_steps
from deepmed.learning.novelty.classwise import ClassDistance, parts_of

FloatArray = NDArray[np.float64]

PERCENTILES = (99.0, 95.0)
"""Of typical images, so many per cent shall pass: the first that validation has patients for."""
FEATURES, APPEARANCE, NEGATIVE, COLOUR = "features", "appearance", "negative", "colour"
CHECKS = (FEATURES, APPEARANCE, NEGATIVE, COLOUR)
FAR = 2.0
"""Times as far as any of validation's images, where patients are too few to rank among.

Chosen on PneumoniaMNIST's training part, from 30 images to 300 with a fifth as many of validation:
about 1 in 100 further ones were flagged so, and above 9 in 10 photographs, noise, drawings and
negatives.
"""
COLOUR_MARGIN = 2.0
"""Steps of colour beyond any of validation's images, likewise."""
WORDS = {
    FEATURES: "in what the network sees in it",
    APPEARANCE: "in its levels of grey and its detail",
    NEGATIVE: "in that its negative is more like them",
    COLOUR: "in its colours",
}


@dataclass(frozen=True, eq=False)
class Look:
    """What of a picture is compared beside what the network makes of it.

    Attributes:
        itself: (71,), see `appearance`.
        negative: (71,), of the picture with black and white exchanged.
        colour: see `colour_steps`.

    Example:
        >>> Look.of(np.full((32, 32, 3), 255, np.uint8)).colour
        0.0
    """

    itself: FloatArray
    negative: FloatArray
    colour: float

    @classmethod
    def of(cls, image: Image) -> Self:
        """The look of a picture (H, W, 3) uint8.

        Raises:
            PictureShapeError: it is not a picture.
        """
        return cls(appearance(image), appearance(255 - image), colour_steps(image))


@dataclass(frozen=True)
class Check:
    """One look at an image.

    Example:
        >>> Check("colour", 0.0, 1.0, False).flagged
        False
    """

    name: str
    score: float
    """Higher is more unusual; comparable within a check only."""
    p_value: float
    """Share of validation's patients whose images are as unusual, the image itself included."""
    flagged: bool


@dataclass(frozen=True)
class Novelty:
    """What is said of an image.

    Example:
        >>> Novelty(None, None, (), "Validation has 3 patients.").flagged is None
        True
    """

    flagged: bool | None
    """Whether no prediction should be given; None where validation is too small to say no."""
    p_value: float | None
    """The least p of the checks, times how many there are, at most 1; None where it says little."""
    checks: tuple[Check, ...]
    reason: str | None
    """Why it is flagged, or why nothing is said."""

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {**vars(self), "checks": [vars(check) for check in self.checks]}


@dataclass(frozen=True, eq=False)
class NoveltyGate:
    """Four looks at an image, each ranked among validation's patients.

    What the network makes of it, and what it looks like, are compared with the training images by
    distance to the nearest class; so is its negative, with black and white exchanged, by how much
    nearer that lies; its colours are taken as they are. Of new patients' images that are like
    validation's at most `100 - percentile` per cent are flagged, all looks together
    (Bonferroni); of other images nothing is promised. Validation that also chose the model's epoch
    is a little less strange to it than new patients are. Where validation has too few patients for
    any percentile, what lies far beyond all of its images is flagged, and no rate is promised.

    Attributes:
        distances: by check, learned on training.
        calibration: by check, scores of validation.
        percentile: None where validation has too few patients to flag anything.

    Example:
        >>> random = np.random.default_rng(0)
        >>> greys = [np.repeat(random.integers(90, 160, (32, 32, 1), dtype=np.uint8), 3, axis=2)
        ...          for _ in range(160)]
        >>> rows = random.normal(size=(160, 4))
        >>> gate = NoveltyGate.fit(rows[:80], greys[:80], [0, 1] * 40, rows[80:], greys[80:],
        ...                        patients=range(80))
        >>> gate.percentile, gate.judge(np.full(4, 20.0), greys[0]).reason
        (95.0, 'The image is unlike those that the model was made for: in what the network sees in
        it.')
    """

    distances: Mapping[str, ClassDistance]
    calibration: Mapping[str, CalibrationSet]
    percentile: float | None

    @classmethod
    def fit(
        cls,
        features: ArrayLike,
        images: Sequence[Image],
        labels: ArrayLike,
        validation_features: ArrayLike,
        validation_images: Sequence[Image],
        *,
        patients: Children,
        percentiles: Sequence[float] = PERCENTILES,
    ) -> Self:
        """Learn from training what is typical, and from validation how unusual typical images are.

        Args:
            features: (n, D) of training, see `deciding_features`.
            images: n training images, (H, W, 3) uint8, before the network's preprocessing.
            labels: (n,) class numbers of training.
            validation_features: (m, D).
            validation_images: m images.
            patients: (m,) patient of each validation image.
            percentiles: the first that validation's patients support is used.

        Raises:
            InsufficientDataError: lengths differ, or no class has two images.
            EvaluationError: validation's images, features and patients are not as many.
        """
        return cls.fit_looks(
            features,
            [Look.of(image) for image in images],
            labels,
            validation_features,
            [Look.of(image) for image in validation_images],
            patients=patients,
            percentiles=percentiles,
        )

    @classmethod
    def fit_looks(
        cls,
        features: ArrayLike,
        looks: Sequence[Look],
        labels: ArrayLike,
        validation_features: ArrayLike,
        validation_looks: Sequence[Look],
        *,
        patients: Children,
        percentiles: Sequence[float] = PERCENTILES,
    ) -> Self:
        """The same of pictures that were looked at before, so that they need not be in memory.

        Args:
            features: (n, D) of training.
            looks: n of training.
            labels: (n,) class numbers of training.
            validation_features: (m, D).
            validation_looks: m.
            patients: (m,) patient of each validation image.
            percentiles: as for `fit`.

        Raises:
            InsufficientDataError: as `fit`.
            EvaluationError: likewise.
        """
        codes, _ = patient_codes(patients, len(validation_looks))
        distances = {
            FEATURES: ClassDistance.fit(features, labels),
            APPEARANCE: ClassDistance.fit([look.itself for look in looks], labels),
        }
        scores = _scores(distances, validation_features, validation_looks)
        calibration = {name: CalibrationSet(scores[name], codes) for name in CHECKS}
        supported = [one for one in percentiles if _supports(calibration[COLOUR].n_children, one)]
        return cls(distances, calibration, supported[0] if supported else None)

    @property
    def n_patients(self) -> int:
        """How many patients calibrate."""
        return self.calibration[COLOUR].n_children

    def judge(self, features: ArrayLike, image: Image) -> Novelty:
        """What is said of one image.

        Args:
            features: (D,) of the network.
            image: (H, W, 3) uint8, before the network's preprocessing.

        Raises:
            PictureShapeError: it is not a picture.
        """
        scores = _scores(self.distances, np.asarray(features)[None], [Look.of(image)])
        if self.percentile is None:
            return self._by_distance({name: float(one[0]) for name, one in scores.items()})
        found = tuple(self._check(name, float(scores[name][0])) for name in CHECKS)
        least = min(1.0, len(CHECKS) * min(check.p_value for check in found))
        unlike = [WORDS[check.name] for check in found if check.flagged]
        reason = f"The image is unlike those that the model was made for: {', '.join(unlike)}."
        return Novelty(bool(unlike), least, found, reason if unlike else None)

    def _by_distance(self, scores: Mapping[str, float]) -> Novelty:
        found = tuple(
            Check(name, one, self.calibration[name].p_value(one), self._is_far(name, one))
            for name, one in scores.items()
        )
        few = f"Validation has {self.n_patients} patients, too few to say"
        unlike = [WORDS[check.name] for check in found if check.flagged]
        if not unlike:
            reason = f"{few} which images are unlike those that the model was made for."
            return Novelty(None, None, found, reason)
        return Novelty(
            True,
            None,
            found,
            "The image is unlike those that the model was made for, further from them than any of "
            f"validation: {', '.join(unlike)}. {few} how often that happens to typical images.",
        )

    def _is_far(self, name: str, score: float) -> bool:
        furthest = float(self.calibration[name].scores.max())
        if name == NEGATIVE:  # above 0 the negative lies nearer than the image itself
            return score > max(0.0, furthest)
        if name == COLOUR:
            return score > furthest + COLOUR_MARGIN
        return score > FAR * max(1.0, furthest)  # squared distances: 1 is a standard deviation

    def _check(self, name: str, score: float) -> Check:
        p = self.calibration[name].p_value(score)
        assert self.percentile is not None  # noqa: S101 - judge has asked
        return Check(name, score, p, is_flagged(_together(p), self.percentile))

    def get_state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Everything learned, as arrays and values for JSON; patients are numbers without names."""
        arrays: dict[str, NDArray[Any]] = {}
        records = {}
        for name, distance in self.distances.items():
            own, records[name] = distance.get_state()
            arrays |= {f"{name}.{part}": array for part, array in own.items()}
        arrays |= {f"{name}.scores": one.scores for name, one in self.calibration.items()}
        arrays["patients"] = np.array(self.calibration[COLOUR].children, dtype=np.int64)
        return arrays, {"percentile": self.percentile, "distances": records}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], record: Mapping[str, Any]) -> Self:
        """The gate that `get_state` made this of; nothing in it is trusted.

        Raises:
            ModelLoadingError: it is damaged.
        """
        try:
            codes = arrays["patients"]
            calibration = {name: CalibrationSet(arrays[f"{name}.scores"], codes) for name in CHECKS}
            distances = {
                name: ClassDistance.from_state(
                    parts_of(arrays, f"{name}."), record["distances"][name]
                )
                for name in (FEATURES, APPEARANCE)
            }
            return cls(distances, calibration, _percentile(record["percentile"], len(set(codes))))
        except (KeyError, TypeError, ValueError, LearningError) as error:
            raise ModelLoadingError(f"The stored novelty gate is damaged: {error}") from error


def _scores(
    distances: Mapping[str, ClassDistance], features: ArrayLike, looks: Sequence[Look]
) -> dict[str, FloatArray]:
    themselves = distances[APPEARANCE].scores([look.itself for look in looks])
    negatives = distances[APPEARANCE].scores([look.negative for look in looks])
    return {
        FEATURES: distances[FEATURES].scores(features),
        APPEARANCE: themselves,
        NEGATIVE: np.log1p(themselves) - np.log1p(negatives),
        COLOUR: np.array([look.colour for look in looks]),
    }


def _together(p: float) -> float:
    """100 less p in per cent, p counting for as many as there are checks; as flags compare it."""
    return round(100 * (1 - len(CHECKS) * p), 9)


def _supports(n_patients: int, percentile: float) -> bool:
    return round(len(CHECKS) / (n_patients + 1), 12) <= level_of(percentile)


def _percentile(stored: object, n_patients: int) -> float | None:
    if stored is None:
        return None
    number = float(str(stored))
    if not _supports(n_patients, number):
        raise ModelLoadingError(f"{n_patients} patients do not support the percentile {number}.")
    return number

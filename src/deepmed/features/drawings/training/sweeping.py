"""Settings compared with each other, on the drawings that watch; the test part is not opened.

A low reconstruction error alone says little of what a detector finds: a network that copies its
input has none. So anomalies are planted into the watching children's drawings, and the settings
that tell them best from the originals come first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepmed.features.drawings.embeddings.service import EmbeddingService
from deepmed.features.drawings.training.config.models import TrainingConfig
from deepmed.features.drawings.training.config.sweeps import ParameterSweepConfig, trials
from deepmed.features.drawings.training.datasets import Dataset, DatasetPlace
from deepmed.features.drawings.training.fitting import Fitted, fit
from deepmed.features.drawings.training.looking import opened
from deepmed.features.drawings.training.preparing import TrainingData, prepare
from deepmed.features.drawings.training.vectors import VectorStore
from deepmed.kit import seeds
from deepmed.kit.pictures import PictureLimits, read_picture
from deepmed.kit.settings import Settings
from deepmed.learning.errors import AutoencoderTrainingError, InsufficientDataError
from deepmed.learning.evaluation import auroc_interval
from deepmed.learning.planting import MATCHED_KINDS, PlantedKind, plant_set
from deepmed.learning.reference import Rows

MOST_SOURCES = 24
"""Watching drawings that anomalies are planted into."""
KINDS = tuple(kind for kind in MATCHED_KINDS if kind is not PlantedKind.OTHER_GROUP)
"""Matched in ink and size: a scribble across the page is found by every setting."""
SPLIT = "planted anomalies against the drawings that watched"
_OWN = "own"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Trial:
    """One combination: what was chosen, and how it did on the drawings that watch.

    `validation_error` is the mean squared error, whatever loss was lowered, so that losses can be
    compared; `planted` is an AUROC with its interval. Both are None where the training diverged.
    """

    number: int
    chosen: dict[str, Any]
    config: TrainingConfig
    validation_error: float | None
    best_epoch: int | None
    epochs_run: int | None
    seconds: float | None
    planted: dict[str, Any] | None
    reason: str | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"config": self.config.model_dump(mode="json")}


@dataclass(frozen=True)
class Sweep:
    """All trials, best first, and by what they were ordered."""

    trials: list[Trial]
    rule: str
    drawings: dict[str, int]
    planted: int

    @property
    def best(self) -> Trial | None:
        first = self.trials[0]
        return None if first.validation_error is None else first


def sweep(
    service: EmbeddingService,
    base: TrainingConfig,
    wanted: ParameterSweepConfig,
    dataset: Dataset,
    progress: Progress = lambda _done, _total: None,
) -> Sweep:
    """Train every combination on the same drawings and order them by what they find.

    Raises:
        DatasetRefusedError: the folder cannot be trained on.
        ValidationError: too many combinations, or one that is not acceptable.
    """
    combinations = list(trials(base, wanted))
    place = dataset.find(service.settings)
    data = prepare(
        place,
        service,
        base.data,
        base.seed,
        vectors=VectorStore(service.identity.key),
        progress=lambda _done, _total: None,
    )
    planted = plant(place, service, data, base.seed)
    made = []
    for number, (chosen, config) in enumerate(combinations, 1):
        made.append(_trial(number, chosen, config, data, planted))
        progress(number, len(combinations))
    by_planted = any(one.planted for one in made)
    return Sweep(
        sorted(made, key=lambda one: _order(one, by_planted=by_planted)),
        "AUROC of planted anomalies" if by_planted else "validation error",
        {name: len(data.parts[name]) for name in ("train", "validation")},
        len(planted),
    )


def plant(place: DatasetPlace, service: EmbeddingService, data: TrainingData, seed: int) -> Rows:
    """Anomalies in the drawings that watch, embedded; none where not one could be planted."""
    watching = data.parts["validation"]
    order = seeds.generator(seed, "training sweep", "sources").permutation(len(watching))
    sources = data.typical.take(watching[np.sort(order[:MOST_SOURCES])])
    names = [data.files[-1 - drawing] for drawing in sources.drawings.tolist()]
    try:
        made = plant_set(
            pictures(place, service.settings, names),
            sources.children.tolist(),
            [_OWN] * len(names),
            seed,
            kinds=KINDS,
        )
    except InsufficientDataError:
        return sources.take(np.zeros(0, dtype=np.int64))
    index = np.array([one.source for one in made], dtype=np.int64)
    return sources.take(index).with_vectors(service.encoder.embed([one.image for one in made]))


def pictures(
    place: DatasetPlace, settings: Settings, names: Sequence[str]
) -> list[NDArray[np.uint8]]:
    """The pictures of these files."""
    limits = PictureLimits.of(settings)
    with opened(place, settings) as (source, _):
        files = {file.name: file for file in source.files}
        return [read_picture(source.read(files[name]), limits).pixels for name in names]


def _trial(
    number: int,
    chosen: Mapping[str, Any],
    config: TrainingConfig,
    data: TrainingData,
    planted: Rows,
) -> Trial:
    try:
        fitted = fit(config, data)
    except AutoencoderTrainingError as error:
        return Trial(number, dict(chosen), config, None, None, None, None, None, str(error))
    watching = data.part("validation")
    training = fitted.detector.training_
    figure, reason = _found(fitted, watching, planted, config.seed)
    return Trial(
        number,
        dict(chosen),
        config,
        float(fitted.scores(watching).mean()),
        int(training["best_epoch"]),
        int(training["epochs_run"]),
        round(fitted.seconds, 3),
        figure,
        reason,
    )


def _found(
    fitted: Fitted, watching: Rows, planted: Rows, seed: int
) -> tuple[dict[str, Any] | None, str | None]:
    if not len(planted):
        return None, "No anomaly could be planted into the drawings that watch."
    try:
        figure = auroc_interval(
            fitted.scores(watching),
            fitted.scores(planted),
            watching.children,
            planted.children,
            seed,
            split=SPLIT,
        )
    except InsufficientDataError as error:
        return None, str(error)
    return figure.to_dict(), None


def _order(trial: Trial, *, by_planted: bool) -> tuple[float, float]:
    """Ascending: the best comes first, a diverged training last."""
    error = np.inf if trial.validation_error is None else trial.validation_error
    if not by_planted:
        return error, 0.0
    return -trial.planted["estimate"] if trial.planted else np.inf, error

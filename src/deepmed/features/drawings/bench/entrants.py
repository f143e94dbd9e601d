"""Who is compared: detectors on encoders' vectors, simple baselines, and plain features."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepmed.features.drawings.bench.collection import Image
from deepmed.features.drawings.bench.material import Material, Numbers
from deepmed.kit import seeds
from deepmed.learning.detectors import Detector, detector_names, make_detector
from deepmed.learning.detectors.reference_features import REFERENCE_FEATURES
from deepmed.learning.encoders import Encoder
from deepmed.learning.reference import Layout

Floats = NDArray[np.float64]
Score = Callable[[Floats], Floats]
Fit = Callable[[Floats, int], Score]

DETECTOR, BASELINE, REFERENCE = "detector", "baseline", "reference row"
NEAREST = "1-NN"
CONSTANT = "constant score"
LAYOUT = Layout.AGE
"""The product's default: the age stands beside the vector."""


@dataclass(frozen=True)
class Entrant:
    """One row of a comparison.

    Attributes:
        name: of the detector, baseline or plain features.
        role: `detector`, `baseline` or `reference row`.
        features: (n, d), one row a picture of the material.
        fit: learns from rows (m, d), with a seed, and gives a function that scores rows.
    """

    name: str
    role: str
    features: Floats
    fit: Fit


def entrants(material: Material, encoder: Encoder) -> Iterator[Entrant]:
    """Every detector of the registry on an encoder's vectors, and the nearest neighbour."""
    columns = _columns(material, encoder, LAYOUT)
    yield from detector_entrants(material, encoder, LAYOUT)
    nearest = partial(_detector, "knn", {"neighbors": 1})
    yield Entrant(NEAREST, BASELINE, columns, nearest)


def detector_entrants(material: Material, encoder: Encoder, layout: Layout) -> Iterator[Entrant]:
    """Every detector of the registry on an encoder's vectors, with a layout's columns."""
    columns = _columns(material, encoder, layout)
    for name in detector_names():
        fit = partial(_detector, name, {}, slots=layout.slots)
        yield Entrant(name, DETECTOR, columns, fit)


def plain_entrants(material: Material, seed: int) -> Iterator[Entrant]:
    """What ink, edges or chance alone would tell, and a score that tells nothing."""
    for name, features in REFERENCE_FEATURES.items():
        view = material.seen(name, partial(features, seed=seed))
        yield Entrant(name, REFERENCE, view.astype(np.float64), partial(_detector, "knn", {}))
    yield Entrant(CONSTANT, BASELINE, np.zeros((len(material.rows), 1)), _constant)


def _columns(material: Material, encoder: Encoder, layout: Layout) -> Floats:
    vectors = material.seen(encoder.identity.key, partial(_embed, encoder))
    return material.rows.with_vectors(vectors.astype(np.float32)).columns(layout)


def _embed(encoder: Encoder, images: Sequence[Image]) -> Numbers:
    vectors: Numbers = encoder.embed(images)
    return vectors


def _detector(
    name: str, parameters: dict[str, Any], rows: Floats, seed: int, *, slots: int = 0
) -> Score:
    made = make_detector(name, seed=seeds.derive(seed, "bench", name) % 2**31, **parameters)
    fitted: Detector = made.fit(rows, slots=slots)
    return fitted.score_samples


def _constant(_rows: Floats, _seed: int) -> Score:
    return lambda rows: np.zeros(len(rows))

"""What all parts of the benchmark look at, made once."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from deepmed.features.drawings.bench.collection import Collection, SampleSets, make_sample_sets
from deepmed.features.drawings.bench.effort import Effort
from deepmed.features.drawings.bench.encoders import BUILT_IN, Candidate
from deepmed.features.drawings.bench.material import Material, real_material, sample_material
from deepmed.learning.encoders import Encoder
from deepmed.learning.reference import Rows

Step = Callable[[str], None]


@dataclass(frozen=True)
class Real:
    """The real drawings, and what detectors are tried on with them.

    The drawings come first among the material's pictures.
    """

    drawings: Collection
    material: Material

    def vectors(self, encoder: Encoder) -> Rows:
        """The drawings' rows with an encoder's vectors."""
        rows = self.drawings.rows
        views = self.material.pictures.view(encoder.identity.key, encoder.embed, range(len(rows)))
        return rows.with_vectors(views.astype(np.float32))


@dataclass
class Prepared:
    """What the parts are given, and what later ones take from earlier ones.

    Attributes:
        effort: sizes of the run.
        seed: seed of the run.
        candidates: encoders, the default first.
        samples: the generated sets.
        sample_material: what detectors are tried on with them.
        real: the real drawings, None where they are not there.
        step: told what is done now.
        milliseconds: an image, batched, by name of encoder, once timed.
        default_detector: what planted anomalies in real drawings chose, once they did.
    """

    effort: Effort
    seed: int
    candidates: list[Candidate]
    samples: SampleSets
    sample_material: Material
    real: Real | None
    step: Step
    milliseconds: dict[str, float] = field(default_factory=dict)
    default_detector: str = "knn"

    @property
    def encoder(self) -> Encoder:
        """The default encoder: it needs no weights, so it is always there."""
        return next(one.encoder for one in self.candidates if one.encoder is not None)

    @property
    def built_in(self) -> list[Encoder]:
        """The encoders that need no weights, the default first."""
        named = {one.name: one.encoder for one in self.candidates}
        return [found for name in BUILT_IN if (found := named.get(name)) is not None]


def prepare(
    effort: Effort, seed: int, candidates: list[Candidate], real: Collection | None, step: Step
) -> Prepared:
    """Draw the samples and plant the anomalies."""
    per_kind = effort.planted_per_kind
    step("sample drawings")
    samples = make_sample_sets(seed, effort.further_per_group, effort.sources_per_group)
    planted = sample_material(samples, per_kind, seed)
    step("anomalies in real drawings")
    with_real = Real(real, real_material(real, per_kind, seed)) if real else None
    return Prepared(effort, seed, candidates, samples, planted, with_real, step)

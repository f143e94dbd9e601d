"""Drawings on which an exported score is held against the model's own: samples, by no child."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from deepmed.features.drawings.embeddings.service import EmbeddingService
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.samples.maker import make_planting_sources
from deepmed.features.drawings.subjects import subject_index
from deepmed.learning.errors import ModelLoadingError
from deepmed.learning.reference import ReferenceModel, Rows
from deepmed.learning.reference.rows import Floats

GOLDEN_FILE = "golden.safetensors"
_PER_GROUP = 3
_SEED = 14


@dataclass(frozen=True)
class Golden:
    """Stored vectors of the golden drawings, and the scores that the exported model gave them."""

    rows: Rows
    scores: Floats

    @classmethod
    def make(cls, model: ReferenceModel, ages: AgeRange, encoding: EmbeddingService) -> Self:
        """Draw, embed and score them; every one gets an age that the model is for."""
        samples = make_planting_sources(_SEED, _PER_GROUP)
        count = len(samples)
        vectors = encoding.encoder.embed([sample.image for sample in samples])
        nobody = -np.arange(1, count + 1, dtype=np.int64)
        subjects = [subject_index(sample.subject) for sample in samples]
        steps = (np.arange(count) + 0.5) / count
        rows = Rows(
            nobody,
            nobody,
            ages.age_min + (ages.age_max - ages.age_min) * steps,
            np.array(subjects, dtype=np.int64),
            np.asarray(vectors, dtype=np.float32),
        )
        return cls(rows, model.score(rows, model.encoder))

    def to_bytes(self) -> bytes:
        return safetensors.numpy.save(
            {
                "vectors": self.rows.vectors,
                "ages": self.rows.ages,
                "subjects": self.rows.subjects,
                "scores": self.scores,
            }
        )

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read them back.

        Raises:
            ModelLoadingError: they are not there, or not of one length.
        """
        try:
            held = safetensors.numpy.load(content)
            vectors, ages, subjects, scores = (
                held[name] for name in ("vectors", "ages", "subjects", "scores")
            )
        except (SafetensorError, KeyError) as error:
            raise ModelLoadingError("The golden drawings of the package are damaged.") from error
        if not len(vectors) == len(ages) == len(subjects) == len(scores) > 0:
            raise ModelLoadingError("The golden drawings of the package are not whole.")
        nobody = -np.arange(1, len(scores) + 1, dtype=np.int64)
        return cls(Rows(nobody, nobody, ages, subjects, vectors), scores)

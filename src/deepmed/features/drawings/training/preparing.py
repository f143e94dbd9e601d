"""From a folder to rows that train, watch and test: by child, without what must not train."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepmed.features.drawings.dataset_preparation import RECOMMENDED_DRAWINGS, DatasetSplit
from deepmed.features.drawings.embeddings.service import EmbeddingService
from deepmed.features.drawings.importing.plan import ImportPlan, PlannedDrawing
from deepmed.features.drawings.importing.sources import Source
from deepmed.features.drawings.metadata import DrawingMetadata
from deepmed.features.drawings.models.kinds import GROUP, is_given, kind_of
from deepmed.features.drawings.subjects import subject_index
from deepmed.features.drawings.training.config.models import DataConfig
from deepmed.features.drawings.training.datasets import DatasetPlace
from deepmed.features.drawings.training.looking import is_typical, known_of, opened, split_of
from deepmed.features.drawings.training.vectors import VectorStore
from deepmed.kit.digests import json_digest
from deepmed.kit.errors import ImageProcessingError
from deepmed.kit.pictures import PictureLimits, is_blank, pixel_hash, read_picture
from deepmed.learning.reference import Rows

PARTS = ("train", "validation", "test")
CHUNK = 64
Progress = Callable[[int, int], None]
Indexes = NDArray[np.int64]

LEFT_OUT = {
    "unreadable": "cannot be read as a picture",
    "blank": "nearly blank page",
    "duplicate": "the same picture as another one",
    "labelled": "labelled other than normal: kept for evaluation",
    "no_subject": "no subject, and the model looks at it",
}


@dataclass(frozen=True)
class TrainingData:
    """Drawings as rows. Their numbers are negative, so that none is a stored drawing's or child's.

    Attributes:
        encoder: identity key of the encoder that made the vectors.
        typical: drawings that train, watch or test.
        parts: rows of `typical` by part; no child is in two.
        labelled: drawings labelled other than normal, which only evaluate.
        pixel_hashes: of `typical` and then `labelled`, for knowing a picture again.
        files: of `typical`, within the folder.
        left_out: how many were left out, by reason.
    """

    encoder: str
    typical: Rows
    parts: Mapping[str, Indexes]
    labelled: Rows
    pixel_hashes: tuple[str, ...]
    files: tuple[str, ...]
    left_out: dict[str, int]
    notes: list[str]

    def part(self, name: str) -> Rows:
        return self.typical.take(self.parts[name])

    @cached_property
    def data_hash(self) -> str:
        """SHA-256 over every drawing: its picture, child, age, subject and part."""
        part_of = {int(row): name for name, rows in self.parts.items() for row in rows}
        everything = [*_facts(self.typical), *_facts(self.labelled)]
        told = [
            [digest, *facts, part_of.get(place, "labelled")]
            for place, (digest, facts) in enumerate(zip(self.pixel_hashes, everything, strict=True))
        ]
        return json_digest(sorted(told))


def prepare(
    place: DatasetPlace,
    service: EmbeddingService,
    config: DataConfig,
    seed: int,
    *,
    vectors: VectorStore,
    progress: Progress,
) -> TrainingData:
    """Read every picture once, embed it, and split the typical ones by child.

    Args:
        place: the folder and its table.
        service: whose encoder makes the vectors.
        config: the shares of the parts.
        seed: of the split.
        vectors: keeps what was embedded, so that a repeated run goes on.
        progress: told how many pictures are done, of how many.

    Raises:
        DatasetRefusedError: ages are missing, or too few drawings are left for the parts.
    """
    with opened(place, service.settings) as (source, plan):
        reading = _Reading(source, service, vectors)
        for start in range(0, len(plan.drawings), CHUNK):
            reading.take(plan.drawings[start : start + CHUNK])
            progress(min(start + CHUNK, len(plan.drawings)), len(plan.drawings))
    return reading.finished(plan, config, seed)


class _Reading:
    """The pictures of a folder, one chunk after the other."""

    def __init__(self, source: Source, service: EmbeddingService, vectors: VectorStore) -> None:
        self._source = source
        self._service = service
        self._vectors = vectors
        self._limits = PictureLimits.of(service.settings)
        self._left_out: Counter[str] = Counter()
        self._seen: set[str] = set()
        self._kept: list[tuple[PlannedDrawing, str]] = []

    def take(self, chunk: Sequence[PlannedDrawing]) -> None:
        pictures: dict[str, NDArray[np.uint8]] = {}
        for planned in chunk:
            pixels = self._pixels(planned)
            if pixels is None:
                continue
            digest = pixel_hash(pixels)
            if digest in self._seen:
                self._left_out["duplicate"] += 1
                continue
            self._seen.add(digest)
            self._kept.append((planned, digest))
            pictures[digest] = pixels
        self._embed(pictures)

    def finished(self, plan: ImportPlan, config: DataConfig, seed: int) -> TrainingData:
        self._left_out["unreadable"] += len(plan.rejected)
        typical = self._of_layout(
            [one for one in self._kept if is_typical(one[0].metadata)], config.layout
        )
        labelled = [one for one in self._kept if not is_typical(one[0].metadata)]
        self._left_out["labelled"] = len(labelled)
        files = [Path(planned.file.name) for planned, _ in typical]
        metadata = [known_of(planned) for planned, _ in typical]
        split = split_of(files, metadata, config, seed)
        places = {path: place for place, path in enumerate(files)}
        children = _child_numbers([*typical, *labelled])
        return TrainingData(
            encoder=self._service.identity.key,
            typical=self._rows(typical, children, 0),
            parts={
                name: np.array(
                    [places[path] for path in getattr(split, f"{name}_files")], dtype=np.int64
                )
                for name in PARTS
            },
            labelled=self._rows(labelled, children, len(typical)),
            pixel_hashes=tuple(digest for _, digest in [*typical, *labelled]),
            files=tuple(path.as_posix() for path in files),
            left_out={reason: self._left_out[reason] for reason in LEFT_OUT},
            notes=[*plan.notes, *_notes(split, metadata)],
        )

    def _of_layout(
        self, typical: list[tuple[PlannedDrawing, str]], layout: str
    ) -> list[tuple[PlannedDrawing, str]]:
        """A model that looks at subjects learns and ranks drawings whose subject is given."""
        if kind_of(layout) == GROUP:
            return typical
        given = [one for one in typical if is_given(known_of(one[0]).subject)]
        self._left_out["no_subject"] = len(typical) - len(given)
        return given

    def _pixels(self, planned: PlannedDrawing) -> NDArray[np.uint8] | None:
        try:
            pixels = read_picture(self._source.read(planned.file), self._limits).pixels
        except ImageProcessingError:
            self._left_out["unreadable"] += 1
            return None
        reason = "unreadable" if planned.metadata is None else "blank" if is_blank(pixels) else None
        if reason is not None:
            self._left_out[reason] += 1
            return None
        return pixels

    def _embed(self, pictures: Mapping[str, NDArray[np.uint8]]) -> None:
        missing = [digest for digest in pictures if digest not in self._vectors]
        if missing:
            made = self._service.encoder.embed([pictures[digest] for digest in missing])
            self._vectors.keep(dict(zip(missing, made, strict=True)))

    def _rows(
        self, kept: Sequence[tuple[PlannedDrawing, str]], children: Mapping[str, int], before: int
    ) -> Rows:
        known = [known_of(planned) for planned, _ in kept]
        dimension = self._service.get_embedding_dimension()
        vectors = [self._vectors[digest] for _, digest in kept]
        return Rows(
            drawings=-np.arange(1 + before, 1 + before + len(kept), dtype=np.int64),
            children=np.array([children[_child(*one)] for one in kept], dtype=np.int64),
            ages=np.array([each.age_years for each in known], dtype=np.float64),
            subjects=np.array([subject_index(each.subject) for each in known], dtype=np.int64),
            vectors=np.array(vectors, dtype=np.float32).reshape(len(kept), dimension),
        )


def _facts(rows: Rows) -> list[list[Any]]:
    return [
        [child, age, subject]
        for child, age, subject in zip(
            rows.children.tolist(), rows.ages.tolist(), rows.subjects.tolist(), strict=True
        )
    ]


def _child(planned: PlannedDrawing, _digest: str) -> str:
    """Two kinds of names, so that no child's code is taken for a file."""
    code = known_of(planned).child_id
    return f"file {planned.file.name}" if code is None else f"child {code}"


def _child_numbers(kept: Sequence[tuple[PlannedDrawing, str]]) -> dict[str, int]:
    names = sorted({_child(*one) for one in kept})
    return {name: -number for number, name in enumerate(names, 1)}


def _notes(split: DatasetSplit, metadata: Sequence[DrawingMetadata]) -> list[str]:
    notes = []
    alone = sum(each.child_id is None for each in metadata)
    if alone:
        notes.append(f"{alone} drawings came without a child id and count as separate children.")
    if split.train_count < RECOMMENDED_DRAWINGS:
        notes.append(
            f"{split.train_count} drawings train; {RECOMMENDED_DRAWINGS} or more are recommended."
        )
    return notes

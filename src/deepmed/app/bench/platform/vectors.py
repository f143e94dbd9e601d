"""Embeddings by the hundred thousand: written, read back in order, and searched."""

import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from deepmed.app.bench.platform.drawings import add_drawings
from deepmed.app.bench.platform.figures import Figure
from deepmed.core.home import Home
from deepmed.features.drawings.embeddings.search import SimilarityIndex
from deepmed.features.drawings.embeddings.storage import EmbeddingStorage
from deepmed.kit.seeds import generator
from deepmed.learning.encoders import EncoderIdentity

DIMENSION = 768
CHUNK = 2000
NEAREST = 10
READS, SEARCHES, CHECKED = 3, 20, 5
MEGABYTE = 1_000_000
Matrix = NDArray[np.float32]
Stage = Callable[[str], None]


def embeddings(home: Home, count: int, seed: int, stage: Stage) -> Iterator[tuple[str, Figure]]:
    """Each figure with its name.

    What is timed is what the product does: rows in the database with a hash each, committed by the
    thousand; and the whole matrix back from them. The drawings they belong to are not timed.
    """
    stage("drawings")
    ids = np.array(add_drawings(home, count), dtype=np.int64)
    given = generator(seed, "bench", "vectors").standard_normal((count, DIMENSION), np.float32)
    identity = EncoderIdentity("bench", "1", "0" * 64, "none", "fp32", DIMENSION)
    storage = EmbeddingStorage(home.owner_id)
    stage("writing")
    yield "embeddings written", _written(home, storage, ids, given, identity)
    stage("reading")
    yield "embeddings read in order", _read(home, storage, ids, given, identity)
    stage("searching")
    index = SimilarityIndex(given, ids)
    yield "exact top 10 searched", _searched(index, ids, given)


def _written(
    home: Home,
    storage: EmbeddingStorage,
    ids: NDArray[np.int64],
    given: Matrix,
    identity: EncoderIdentity,
) -> Figure:
    begun = time.perf_counter()
    for start in range(0, len(ids), CHUNK):
        some = slice(start, start + CHUNK)
        with home.database.write() as session:
            storage.batch_store_embeddings(
                session, dict(zip(ids[some].tolist(), given[some], strict=True)), identity
            )
    return _speed([time.perf_counter() - begun], given)


def _read(
    home: Home,
    storage: EmbeddingStorage,
    ids: NDArray[np.int64],
    given: Matrix,
    identity: EncoderIdentity,
) -> Figure:
    seconds, same = [], True
    for _ in range(READS):
        begun = time.perf_counter()
        with home.database.read() as session:
            matrix, found = storage.retrieve_matrix(session, None, identity.key)
        seconds.append(time.perf_counter() - begun)
        same = same and np.array_equal(found, ids) and np.array_equal(matrix, given)
    return _speed(seconds, given, ("every bit as it was written, each hash checked", same))


def _searched(index: SimilarityIndex, ids: NDArray[np.int64], given: Matrix) -> Figure:
    queries = given[:: max(1, len(given) // SEARCHES)][:SEARCHES]
    milliseconds, answers = [], []
    for query in queries:
        begun = time.perf_counter()
        answers.append([drawing for drawing, _ in index.nearest(query, NEAREST)])
        milliseconds.append(1000 * (time.perf_counter() - begun))
    exact = all(
        answer == _by_hand(ids, given, query)
        for answer, query in zip(answers[:CHECKED], queries, strict=False)
    )
    condition = ("the same ten as by comparing with each", exact)
    return Figure(milliseconds, "ms", 100.0, condition=condition)


def _by_hand(ids: NDArray[np.int64], given: Matrix, query: Matrix) -> list[int]:
    """The nearest in double precision, without an index."""
    lengths = np.linalg.norm(given, axis=1).astype(np.float64)
    cosines = (given @ query).astype(np.float64) / lengths
    likely = np.argpartition(-cosines, 10 * NEAREST)[: 10 * NEAREST]
    exact = given[likely].astype(np.float64) @ query.astype(np.float64)
    exact /= np.linalg.norm(given[likely].astype(np.float64), axis=1)
    found: list[int] = ids[likely[np.argsort(-exact)[:NEAREST]]].tolist()
    return found


def _speed(
    seconds: list[float], given: Matrix, condition: tuple[str, bool] | None = None
) -> Figure:
    runs = [given.nbytes / MEGABYTE / each for each in seconds]
    return Figure(runs, "MB/s", 500.0, at_least=True, condition=condition)

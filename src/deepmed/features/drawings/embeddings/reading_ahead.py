"""Pictures read and prepared by threads while others are encoded."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

from deepmed.kit.errors import NotFoundError

T = TypeVar("T")
Chunk = Sequence[tuple[int, str]]
"""(drawing, file) of some drawings."""


class ReadAhead(Generic[T]):
    """Works on the next chunk of files while the caller works on the present one.

    Two chunks' results are held at most, and one picture a thread.
    """

    def __init__(self, read: Callable[[str], T], threads: int) -> None:
        self._read = read
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="reading")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def over(self, chunks: Sequence[Chunk]) -> Iterator[tuple[Chunk, list[T | NotFoundError]]]:
        """Each chunk with what its files gave; a file that is gone gives its error.

        Raises:
            Exception: whatever else reading a file raised.
        """
        ahead = self._begin(chunks[0]) if chunks else []
        for place, chunk in enumerate(chunks):
            begun = ahead
            ahead = self._begin(chunks[place + 1]) if place + 1 < len(chunks) else []
            found: list[T | NotFoundError] = list(map(_result, begun))
            yield chunk, found

    def _begin(self, chunk: Chunk) -> list[Future[T]]:
        return [self._pool.submit(self._read, file) for _, file in chunk]


def _result(one: Future[T]) -> T | NotFoundError:
    try:
        return one.result()
    except NotFoundError as error:
        return error

"""What is read while something else is computed."""

from threading import Event

import pytest

from deepmed.features.drawings.embeddings.reading_ahead import ReadAhead
from deepmed.kit.errors import NotFoundError


def test_the_next_chunk_is_read_while_the_present_one_is_used() -> None:
    began = {"c": Event(), "e": Event()}

    def read(file: str) -> str:
        if file in began:
            began[file].set()
        return file.upper()

    chunks = [[(1, "a"), (2, "b")], [(3, "c"), (4, "d")], [(5, "e")]]
    with ReadAhead(read, 1) as ahead:
        given = ahead.over(chunks)
        assert next(given) == ([(1, "a"), (2, "b")], ["A", "B"])
        assert began["c"].wait(5)
        assert not began["e"].wait(0.05)  # two chunks are held at most
        assert [found for _, found in given] == [["C", "D"], ["E"]]


def test_what_is_gone_gives_its_error_and_anything_else_stops() -> None:
    def read(file: str) -> str:
        if file == "gone":
            raise NotFoundError(file)
        if file == "broken":
            raise ValueError(file)
        return file

    with ReadAhead(read, 2) as ahead:
        ((_, found),) = ahead.over([[(1, "gone"), (2, "here")]])
        assert isinstance(found[0], NotFoundError)
        assert found[1] == "here"
        with pytest.raises(ValueError, match="broken"):
            list(ahead.over([[(1, "broken")]]))
    with ReadAhead(read, 2) as ahead:
        assert list(ahead.over([])) == []

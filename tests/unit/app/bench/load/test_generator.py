"""The process that asks, against servers that misbehave."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from deepmed.app.bench.load import generator

Answer = Callable[[str, asyncio.StreamWriter], Awaitable[bool]]
"""Answers a path; whether the connection stays open."""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "HEAD_START", 0.05)


class Behaving:
    """A small server that counts its connections."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.connections = answer, 0
        self.paths: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while head := await reader.readline():
            while (await reader.readline()).strip():
                pass
            self.paths.append(head.decode().split()[1])
            if not await self.answer(self.paths[-1], writer):
                break
        writer.close()


def asked(answer: Answer, *sessions: list[tuple[float, int, str]]) -> tuple[Any, Behaving]:
    async def ask() -> tuple[Any, Behaving]:
        behaving = Behaving(answer)
        server = await asyncio.start_server(behaving, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            told = await generator.ask_all(port, sessions)
        return told["outcomes"], behaving

    return asyncio.run(ask())


async def plain(path: str, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    return True


def test_slow_answers_neither_slow_what_comes_nor_shorten_what_it_took() -> None:
    """Each takes 0.3 s, and five are due within 0.2 s."""

    async def slow(path: str, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(0.3)
        return await plain(path, writer)

    outcomes, behaving = asked(slow, [(place / 20, place, "/") for place in range(5)])
    assert [each[0] for each in outcomes] == [0, 1, 2, 3, 4]
    assert all(290 < each[3] < 900 for each in outcomes), outcomes
    assert all(each[2] < 200 for each in outcomes), "sent when they were due"
    assert behaving.connections == 5


def test_a_late_generator_counts_its_lateness_into_the_answers() -> None:
    def block(path: str, writer: asyncio.StreamWriter) -> Awaitable[bool]:
        time.sleep(0.2)  # the loop of both sides stands still
        return plain(path, writer)

    outcomes, _ = asked(block, [(0.0, 0, "/"), (0.05, 1, "/")])
    assert outcomes[1][2] > 100
    assert outcomes[1][3] > 300


def test_a_session_keeps_its_connection_and_sessions_have_their_own() -> None:
    outcomes, behaving = asked(plain, [(0.0, 0, "/a"), (0.1, 0, "/b")], [(0.0, 0, "/c")])
    assert [each[4] for each in outcomes] == [200, 200, 200]
    assert behaving.connections == 2
    assert sorted(behaving.paths) == ["/a", "/b", "/c"]


def test_an_idle_connection_that_was_closed_is_opened_again() -> None:
    async def once(path: str, writer: asyncio.StreamWriter) -> bool:
        await plain(path, writer)
        return False

    outcomes, behaving = asked(once, [(0.0, 0, "/"), (0.1, 0, "/")])
    assert [each[4] for each in outcomes] == [200, 200]
    assert behaving.connections == 2


def test_answers_in_pieces_are_read_to_their_end() -> None:
    async def chunked(path: str, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(b"2\r\nde\r\n0\r\n\r\n")
        return True

    outcomes, behaving = asked(chunked, [(0.0, 0, "/"), (0.15, 0, "/")])
    assert [each[4] for each in outcomes] == [404, 404]
    assert outcomes[0][3] > 50
    assert behaving.connections == 1


def test_an_answer_that_breaks_off_is_told_as_none() -> None:
    async def broken(path: str, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
        return False

    outcomes, _ = asked(broken, [(0.0, 0, "/")])
    assert outcomes[0][4] == generator.BROKEN
    assert "IncompleteReadError" in outcomes[0][5]

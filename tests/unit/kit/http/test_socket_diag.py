"""What the kernel tells of one socket."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from statistics import median

import pytest

from deepmed.kit.http import socket_diag
from deepmed.kit.http.socket_diag import Address, owner_of

Ends = tuple[Address, Address]


@pytest.fixture(params=["127.0.0.1", "::1"])
def connected(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, Ends]]:
    """The client's socket of a connection, and its two ends."""
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    try:
        server = socket.create_server((request.param, 0), family=family)
    except OSError:
        pytest.skip(f"this machine has no {request.param}")
    with closing(server), closing(socket.create_connection(server.getsockname()[:2])) as client:
        ends = client.getsockname()[:2], server.getsockname()[:2]
        if owner_of(*ends) is None:
            pytest.skip("this kernel tells nothing of single sockets")
        yield client, ends


def test_our_own_socket_is_ours_and_has_its_inode(connected: tuple[socket.socket, Ends]) -> None:
    client, ends = connected
    assert owner_of(*ends) == (os.geteuid(), os.fstat(client.fileno()).st_ino)


def test_one_that_its_process_closed_is_nobodys(connected: tuple[socket.socket, Ends]) -> None:
    client, ends = connected
    client.close()
    assert owner_of(*ends) in {None, (0, 0)}


def test_who_listens_at_one_end_is_not_taken_for_who_connects_from_it(
    connected: tuple[socket.socket, Ends],
) -> None:
    _, (_, server) = connected
    assert owner_of(server, ("127.0.0.1" if "." in server[0] else "::1", 1)) is None


def test_it_is_quick_enough_to_be_asked_for_every_connection(
    connected: tuple[socket.socket, Ends],
) -> None:
    """Reading the table of all sockets takes milliseconds, and everybody else waits meanwhile."""
    taken = []
    for _ in range(20):
        begun = time.perf_counter()
        owner_of(*connected[1])
        taken.append(time.perf_counter() - begun)
    assert median(taken) < 0.002


def test_a_kernel_that_does_not_answer_is_told_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> bytes:
        raise OSError

    ends = ("127.0.0.1", 1), ("127.0.0.1", 2)
    monkeypatch.setattr(socket_diag, "_answer", refused)
    assert owner_of(*ends) is None
    monkeypatch.setattr(socket_diag, "_answer", lambda _: b"")
    assert owner_of(*ends) is None

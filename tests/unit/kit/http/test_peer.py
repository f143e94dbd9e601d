import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from deepmed.kit.http import peer
from deepmed.kit.http.peer import can_tell_users, peer_uid

LINE = (
    "   1: 0100007F:C350 0100007F:1F40 01 00000000:00000000 00:00000000 00000000"
    "  {uid}        0 {inode} 1 0000000000000000 20 4 30 10 -1\n"
)
CLIENT, SERVER = ("127.0.0.1", 50000), ("127.0.0.1", 8000)
linux_only = pytest.mark.skipif(not can_tell_users(), reason="this machine lists no sockets")


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tables of the kernel that a test writes itself, where it answers nothing else."""
    monkeypatch.setattr(peer, "owner_of", lambda *_: None)
    written = tmp_path / "tcp"
    written.write_text("head\n")
    monkeypatch.setattr(peer, "TABLES", (written, tmp_path / "missing"))
    return written


@linux_only
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_our_own_connection_is_found_on_both_families(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        server = socket.create_server((address, 0), family=family)
    except OSError:
        pytest.skip(f"this machine has no {address}")
    with closing(server), closing(socket.create_connection(server.getsockname()[:2])) as client:
        ends = client.getsockname()[:2], server.getsockname()[:2]
        assert peer_uid(*ends) == os.geteuid()
        # Both ends must match: the same client has no connection to another port.
        assert peer_uid(ends[0], (address, 1)) is None
        assert peer_uid((address, 1), ends[1]) is None


@linux_only
def test_a_client_on_both_families_at_once_is_found() -> None:
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as server,
        closing(socket.socket(socket.AF_INET6)) as client,
    ):
        client.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        try:
            client.connect(("::ffff:127.0.0.1", server.getsockname()[1]))
        except OSError:
            pytest.skip("this machine has no IPv6")
        port = client.getsockname()[1]
        assert peer_uid(("127.0.0.1", port), server.getsockname()) == os.geteuid()


@linux_only
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_another_users_connection_has_that_users_id() -> None:
    program = (
        "import os, socket, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534); "
        "s = socket.socket(); s.connect(('127.0.0.1', int(sys.argv[1]))); "
        "print(s.getsockname()[1], flush=True); sys.stdin.read()"
    )
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as server,
        subprocess.Popen(
            [sys.executable, "-S", "-c", program, str(server.getsockname()[1])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process,
    ):
        assert process.stdout is not None
        port = int(process.stdout.readline())
        assert peer_uid(("127.0.0.1", port), server.getsockname()) == 65534
        process.communicate(timeout=10)


@linux_only
def test_the_tables_say_the_same_where_the_kernel_answers_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(peer, "owner_of", lambda *_: None)
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as server,
        closing(socket.create_connection(server.getsockname())) as client,
    ):
        assert peer_uid(client.getsockname(), server.getsockname()) == os.geteuid()


@pytest.mark.parametrize(
    ("told", "expected"), [((1000, 77), 1000), ((0, 0), None), ((0, 77), 0), ((1000, 0), None)]
)
def test_a_socket_without_an_inode_is_nobodys_whatever_user_is_told(
    tables: Path, monkeypatch: pytest.MonkeyPatch, told: tuple[int, int], expected: int | None
) -> None:
    monkeypatch.setattr(peer, "owner_of", lambda *_: told)
    assert peer_uid(CLIENT, SERVER) == expected


@linux_only
def test_a_closed_socket_belongs_to_nobody() -> None:
    """The kernel shows it with user 0: a server that root started must not take it for root's."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        client = socket.create_connection(server.getsockname())
        ends = client.getsockname(), server.getsockname()
        client.close()
        assert peer_uid(*ends) is None


def test_a_line_without_an_inode_is_not_believed(tables: Path) -> None:
    tables.write_text("head\n" + LINE.format(uid=0, inode=0))
    assert peer_uid(CLIENT, SERVER) is None
    tables.write_text("head\n" + LINE.format(uid=1000, inode=77))
    assert peer_uid(CLIENT, SERVER) == 1000


def test_root_is_believed_at_the_second_look_only(
    tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel may write user 0 of a closed socket before it writes that it has no inode."""
    lines = iter([LINE.format(uid=0, inode=77), LINE.format(uid=0, inode=0)])
    monkeypatch.setattr(peer, "_lines", lambda table: [next(lines)] if table == tables else [])
    assert peer_uid(CLIENT, SERVER) is None


def test_without_the_tables_nobody_can_tell(tables: Path) -> None:
    tables.unlink()
    assert peer_uid(CLIENT, SERVER) is None
    assert not can_tell_users()


def test_the_user_of_unknown_users_is_told_by_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a namespace knows no other user, everybody looks like nobody."""
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    assert not can_tell_users()

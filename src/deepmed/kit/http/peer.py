"""Which operating-system user is at the other end of a connection on this machine (S-1).

The kernel tells the user who opened a TCP socket of this machine. It is asked for the one socket
whose local end is the client's address and whose remote end is ours; where it does not answer that,
its tables of all sockets are searched for it.
"""

import os
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from deepmed.kit.http.socket_diag import Address, owner_of

PeerLookup = Callable[[Address, Address], int | None]
"""From the client's address and ours to the client's user id; None where nobody can tell."""

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
NOBODY = 65534
"""What the kernel shows for every user whom a user namespace does not know."""
ROOT = 0
_UID, _INODE = 7, 9


def peer_uid(client: Address, server: Address) -> int | None:
    """The user id of the process that holds the client's end of a connection.

    A socket that its process has closed belongs to nobody: the kernel shows it with user 0 and
    without an inode, and such a line is not believed. Nor is a first look that says root, because
    a socket may be closed while the kernel writes its line.
    """
    found = _look(client, server)
    return _look(client, server) if found == ROOT else found


def can_tell_users() -> bool:
    """Whether this machine's tables are there and name us for a connection of our own."""
    if not hasattr(os, "geteuid") or os.geteuid() == NOBODY:
        return False
    try:
        with closing(socket.create_server(("127.0.0.1", 0))) as server:
            address: Address = server.getsockname()
            with closing(socket.create_connection(address, timeout=1)) as client:
                return peer_uid(client.getsockname(), address) == os.geteuid()
    except OSError:
        return False


def _look(client: Address, server: Address) -> int | None:
    told = owner_of(client, server)
    if told is None:
        return _search(client, server)
    user, inode = told
    return user if inode else None


def _search(client: Address, server: Address) -> int | None:
    for table, ends in zip(TABLES, _written(client, server), strict=True):
        for line in _lines(table):
            if ends in line:
                fields = line.split()
                return int(fields[_UID]) if fields[_INODE] != "0" else None
    return None


def _lines(table: Path) -> Iterator[str]:
    try:
        yield from table.read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return


def _written(client: Address, server: Address) -> tuple[str, str]:
    """Both ends as the tables for IPv4 and IPv6 write them."""
    v4 = f": {_word(client, mapped=False)} {_word(server, mapped=False)} "
    return v4, f": {_word(client, mapped=True)} {_word(server, mapped=True)} "


def _word(address: Address, *, mapped: bool) -> str:
    """An address in the kernel's way: 32-bit words in the machine's order, then the port."""
    host = ip_address(address[0].partition("%")[0])
    if isinstance(host, IPv6Address):
        host = host.ipv4_mapped or host
    packed = host.packed
    if mapped and len(packed) == 4:
        packed = bytes(10) + b"\xff\xff" + packed
    words = struct.unpack(f">{len(packed) // 4}I", packed)
    return "".join(f"{struct.unpack('=I', struct.pack('>I', word))[0]:08X}" for word in words) + (
        f":{address[1]:04X}"
    )

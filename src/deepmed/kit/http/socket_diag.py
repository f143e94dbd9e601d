"""The user behind one TCP socket of this machine, asked of the kernel by the socket's two ends.

Linux answers in microseconds over netlink (sock_diag(7), linux/inet_diag.h), where reading its
tables of all sockets takes milliseconds, longer on machines with much memory, and holds up all
other requests meanwhile.
"""

import socket
import struct
from ipaddress import IPv6Address, ip_address

Address = tuple[str, int]

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY, REQUEST, ERROR = 20, 1, 2
LISTENING = 10
ANY_STATE, ANY_COOKIE = 0xFFFFFFFF, 0xFFFFFFFF
PATIENCE_SECONDS = 0.5
_HEADER = struct.Struct("=IHHII")
_ENDS = struct.Struct(">HH16s16s")
_ASKED = struct.Struct("=BBBxI36sIII")
_TOLD = struct.Struct("=BBBB36sIIIIIIII")


def owner_of(local: Address, remote: Address) -> tuple[int, int] | None:
    """User id and inode of the socket with these two ends; None where the kernel does not say.

    A socket that its process has closed has user 0 and inode 0.
    """
    if not hasattr(socket, "AF_NETLINK"):
        return None
    family, ends = _ends(local, remote)
    asked = _ASKED.pack(family, socket.IPPROTO_TCP, 0, ANY_STATE, ends, 0, ANY_COOKIE, ANY_COOKIE)
    try:
        return _read(_answer(asked), ends)
    except (OSError, struct.error):
        return None


def _answer(asked: bytes) -> bytes:
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    with socket.socket(socket.AF_NETLINK, kind, NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(PATIENCE_SECONDS)
        head = _HEADER.pack(_HEADER.size + len(asked), SOCK_DIAG_BY_FAMILY, REQUEST, 1, 0)
        kernel.sendto(head + asked, (0, 0))
        answer, (sender, _) = kernel.recvfrom(4096)
    return answer if sender == 0 else b""


def _read(answer: bytes, ends: bytes) -> tuple[int, int] | None:
    _, kind, *_ = _HEADER.unpack_from(answer)
    if kind != SOCK_DIAG_BY_FAMILY:
        return None  # an error: mostly that there is no such socket
    _, state, _, _, found, *_, user, inode = _TOLD.unpack_from(answer, _HEADER.size)
    # Where no connection has these ends, the kernel shows who listens at the first of them.
    return (user, inode) if found == ends and state != LISTENING else None


def _ends(local: Address, remote: Address) -> tuple[int, bytes]:
    hosts = [ip_address(address[0].partition("%")[0]) for address in (local, remote)]
    plain = [(isinstance(host, IPv6Address) and host.ipv4_mapped) or host for host in hosts]
    family = socket.AF_INET if all(host.version == 4 for host in plain) else socket.AF_INET6
    return family, _ENDS.pack(local[1], remote[1], plain[0].packed, plain[1].packed)

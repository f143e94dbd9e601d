"""One GET after the other over a connection that is kept, as a browser does it.

Written for the load's generator: it spends little time of its own on a request, and keeps a
connection for each session, which a pool of connections would not.
"""

from asyncio import IncompleteReadError, StreamReader, StreamWriter, open_connection
from collections.abc import Mapping

HOST = "localhost"
ADDRESS = "127.0.0.1"


class StaleError(Exception):
    """The server had closed the connection while it was idle; ask again over a new one."""


class Line:
    """A connection that answers one request at a time."""

    def __init__(self, port: int, reader: StreamReader, writer: StreamWriter) -> None:
        self._port, self._reader, self._writer = port, reader, writer
        self.open = True
        self._used = False

    @classmethod
    async def to(cls, port: int) -> "Line":
        return cls(port, *await open_connection(ADDRESS, port))

    async def get(self, path: str) -> int:
        """The status of the answer, which is read to its end.

        Raises:
            StaleError: an earlier answer was the last over this connection.
        """
        try:
            self._writer.write(
                f"GET {path} HTTP/1.1\r\nHost: {HOST}:{self._port}\r\nAccept: */*\r\n\r\n".encode()
            )
            await self._writer.drain()
            head = await self._reader.readuntil(b"\r\n\r\n")
        except (ConnectionError, IncompleteReadError) as error:
            self.close()
            if self._used and not getattr(error, "partial", b""):
                raise StaleError from error
            raise
        self._used = True
        status, headers = _parsed(head)
        await self._body(headers)
        if headers.get("connection") == "close":
            self.close()
        return status

    def close(self) -> None:
        self.open = False
        self._writer.close()

    async def _body(self, headers: Mapping[str, str]) -> None:
        if headers.get("transfer-encoding") == "chunked":
            while size := int(await self._reader.readuntil(b"\r\n"), 16):
                await self._reader.readexactly(size + 2)
            await self._reader.readuntil(b"\r\n")
        else:
            await self._reader.readexactly(int(headers.get("content-length", 0)))


def _parsed(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").rstrip().split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return int(first.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}

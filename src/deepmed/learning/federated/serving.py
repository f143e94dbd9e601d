"""Clients as processes: the server's end of their gRPC connections, on this machine alone."""

import hmac
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn, Self

import grpc
from flwr.app import Error, Message

from deepmed.learning.federated.errors import FederatedTrainingError
from deepmed.learning.federated.grid import ClientGrid
from deepmed.learning.federated.wire import Letter, from_bytes, to_bytes

SERVICE, METHOD = "deepmed.federated.Rounds", "Join"
NUMBER, TOKEN = "client-number", "client-token"
UNLIMITED = (
    ("grpc.max_receive_message_length", -1),  # weights of any network
    ("grpc.max_send_message_length", -1),
)
_ALIVE = (
    ("grpc.keepalive_time_ms", 10_000),  # a peer that vanished is noticed
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.so_reuseport", 0),  # nobody else may listen on this port
)
_LOST = 5
_POLL = 0.5


class GrpcGrid(ClientGrid):
    """Asks clients that connect over gRPC; one that goes loses its answer, not the round.

    It listens on the loopback device at a port that the system chooses. A client is let in by its
    token, and only once at a time.

    Args:
        tokens: of each client, by number.
        check: called while answers are waited for; what it raises ends the waiting.
        revive: called before each round with the clients that are gone; brings back those that
            it can.
        connect_seconds: how long clients are waited for before a round.

    Example:
        >>> with GrpcGrid({0: "secret"}) as grid:
        ...     grid.address.startswith("127.0.0.1:"), grid.alive()
        (True, [])
    """

    def __init__(
        self,
        tokens: Mapping[int, str],
        *,
        check: Callable[[], None] = lambda: None,
        revive: Callable[[Sequence[int]], Sequence[int]] = lambda _gone: (),
        connect_seconds: float = 120.0,
    ) -> None:
        super().__init__()
        self._tokens = dict(tokens)
        self._check, self._revive = check, revive
        self._connect_seconds = connect_seconds
        self._links: dict[int, _Link] = {}
        self._changed = threading.Condition()
        self._orders = 0
        self._server = grpc.server(
            ThreadPoolExecutor(max_workers=2 * len(tokens) + 2), options=(*UNLIMITED, *_ALIVE)
        )
        handler = grpc.stream_stream_rpc_method_handler(self._join)
        service = grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler})
        self._server.add_generic_rpc_handlers((service,))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_error: object) -> None:
        for link in self._links.values():
            link.close()
        self._server.stop(grace=1).wait()

    def alive(self) -> Sequence[int]:
        """The clients that are connected."""
        with self._changed:
            return sorted(number for number, link in self._links.items() if not link.gone)

    def prepare(self) -> None:
        """Wait for those who come, or come back, before a round."""
        gone = sorted(set(self._tokens) - set(self.alive()))
        awaited = set(self._revive(gone)) if gone else set()
        ends = time.monotonic() + self._connect_seconds
        while awaited - set(self.alive()) and time.monotonic() < ends:
            self._wait(ends)
            awaited &= set(self._revive(()))  # who died again is not waited for

    def send_and_receive(
        self, messages: Iterable[Message], *, timeout: float | None = None
    ) -> Iterable[Message]:
        """Ask all at once; who is gone or too slow answers with what went wrong."""
        self._orders += 1
        order, waiting, replies = self._orders, {}, []
        for message in messages:
            link = self._links.get(message.metadata.dst_node_id)
            if link is None or link.gone:
                replies.append(_lost(message))
            else:
                waiting[link] = message
                link.send(Letter(order, message.metadata.message_type, message.content))
        ends = time.monotonic() + timeout if timeout is not None else float("inf")
        while waiting and time.monotonic() < ends:
            done = [link for link in waiting if link.gone or order in link.answers]
            replies += [_reply(waiting.pop(link), link.answers.get(order)) for link in done]
            if waiting:
                self._wait(ends)
        return [*replies, *(_slow(message) for message in waiting.values())]

    def _wait(self, ends: float) -> None:
        with self._changed:
            self._changed.wait(min(_POLL, max(0.0, ends - time.monotonic())))
        self._check()

    def _join(self, requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
        said = dict(context.invocation_metadata())
        number = self._known(str(said.get(NUMBER, "")), str(said.get(TOKEN, "")))
        if number is None:
            _refuse(context, grpc.StatusCode.UNAUTHENTICATED, "This client is not expected here.")
        link = _Link(self._told)
        with self._changed:
            there = self._links.get(number)
            if there is not None and not there.gone:
                _refuse(context, grpc.StatusCode.ALREADY_EXISTS, "This client is connected.")
            self._links[number] = link
        if not context.add_callback(link.close):
            link.close()
        threading.Thread(target=link.read, args=(requests,), daemon=True).start()
        self._told()
        yield from link.orders()

    def _known(self, number: str, token: str) -> int | None:
        expected = self._tokens.get(int(number)) if number.isdecimal() else None
        same = expected is not None and hmac.compare_digest(expected.encode(), token.encode())
        return int(number) if same else None

    def _told(self) -> None:
        with self._changed:
            self._changed.notify_all()


class _Link:
    """One client's connection."""

    def __init__(self, told: Callable[[], None]) -> None:
        self.gone = False
        self.answers: dict[int, Letter] = {}
        self._told = told
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def send(self, letter: Letter) -> None:
        self._outbox.put(to_bytes(letter))

    def orders(self) -> Iterator[bytes]:
        while (data := self._outbox.get()) is not None:
            yield data

    def read(self, requests: Iterator[bytes]) -> None:
        try:
            for data in requests:
                letter = from_bytes(data)
                self.answers = {letter.number: letter}  # an older one came too late
                self._told()
        except (grpc.RpcError, FederatedTrainingError):
            pass  # its end is told below, whatever it came from
        finally:
            self.close()

    def close(self) -> None:
        self.gone = True
        self._outbox.put(None)
        self._told()


def _refuse(context: Any, code: grpc.StatusCode, why: str) -> NoReturn:
    context.abort(code, why)
    raise AssertionError("gRPC has ended the call.")


def _reply(message: Message, letter: Letter | None) -> Message:
    if letter is None:
        return _lost(message)
    return Message(letter.content, reply_to=message)


def _lost(message: Message) -> Message:
    reason = "Its process ended or lost its connection in mid-round."
    return Message(Error(_LOST, reason), reply_to=message)


def _slow(message: Message) -> Message:
    return Message(Error(_LOST, "It did not answer in time."), reply_to=message)

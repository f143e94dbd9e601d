"""Clients as processes: a client's end of its gRPC connection. Nothing needs torch."""

import queue
from collections.abc import Callable

import grpc
from flwr.app import Error, Message
from flwr.clientapp import ClientApp

from deepmed.learning.errors import LearningError
from deepmed.learning.federated.errors import FederatedTrainingError
from deepmed.learning.federated.grid import context_of
from deepmed.learning.federated.serving import METHOD, NUMBER, SERVICE, TOKEN, UNLIMITED
from deepmed.learning.federated.wire import Letter, from_bytes, to_bytes

FAILED = 2


def join(
    address: str,
    number: int,
    token: str,
    app: ClientApp,
    ended: Callable[[], None] | None = None,
) -> None:
    """Answer a server's orders until it has no more.

    Args:
        address: of the server, on this machine.
        number: of this client.
        token: that lets it in.
        app: Flower's face of the client.
        ended: called in another thread when the server ends the connection or is gone, so that who
            learns in vain can stop.

    Raises:
        FederatedTrainingError: the server does not let it in, or is gone.
    """
    answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    with grpc.insecure_channel(address, options=UNLIMITED) as channel:
        orders = channel.stream_stream(f"/{SERVICE}/{METHOD}")(
            iter(answers.get, None), metadata=((NUMBER, str(number)), (TOKEN, token))
        )
        if ended is not None:
            orders.add_callback(ended)
        try:
            for data in orders:
                answers.put(to_bytes(_answer(app, number, from_bytes(data))))
        except grpc.RpcError as error:
            raise FederatedTrainingError(
                f"The server of the training is gone or refused this client ({error.code().name})."
            ) from error
        finally:
            answers.put(None)


def _answer(app: ClientApp, number: int, letter: Letter) -> Letter:
    if isinstance(letter.content, Error):
        raise FederatedTrainingError("The server sent an error instead of an order.")
    message = Message(letter.content, dst_node_id=number, message_type=letter.kind)
    try:
        reply = app(message, context_of(number))
    except LearningError as error:
        return Letter(letter.number, letter.kind, Error(FAILED, str(error)))
    return Letter(letter.number, letter.kind, reply.content)

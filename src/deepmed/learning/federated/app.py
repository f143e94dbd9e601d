"""A client as Flower runs it, and the grid that runs all clients within one process."""

from collections.abc import Iterable, Mapping, Sequence

from flwr.app import Context, Message
from flwr.clientapp import ClientApp

from deepmed.learning.federated.client import LocalClient
from deepmed.learning.federated.grid import ClientGrid, context_of
from deepmed.learning.federated.records import ARRAYS, content_of, order_of, state_of


def client_app(client: LocalClient, local_epochs: int) -> ClientApp:
    """Flower's face of a client.

    Args:
        client: which holds the images.
        local_epochs: passes over them in a round.
    """
    app = ClientApp()

    @app.train()
    def train(message: Message, context: Context) -> Message:
        del context
        state = state_of(message.content.array_records[ARRAYS])
        answer = client.train(state, order_of(message, local_epochs))
        return Message(content_of(answer), reply_to=message)

    @app.evaluate()
    def evaluate(message: Message, context: Context) -> Message:
        del context
        answer = client.evaluate(state_of(message.content.array_records[ARRAYS]))
        return Message(content_of(answer), reply_to=message)

    return app


class LocalGrid(ClientGrid):
    """Simulates clients one after another in this process; what one raises is raised.

    Args:
        apps: of each client, by number.
    """

    def __init__(self, apps: Mapping[int, ClientApp]) -> None:
        super().__init__()
        self._apps = apps

    def alive(self) -> Sequence[int]:
        """All of them."""
        return sorted(self._apps)

    def send_and_receive(
        self, messages: Iterable[Message], *, timeout: float | None = None
    ) -> Iterable[Message]:
        """Let each client answer, in the order of their numbers."""
        del timeout
        by_client = sorted(messages, key=lambda one: one.metadata.dst_node_id)
        return [self._answer(message) for message in by_client]

    def _answer(self, message: Message) -> Message:
        number = message.metadata.dst_node_id
        return self._apps[number](message, context_of(number))

"""What a strategy of Flower sees of the clients."""

from collections.abc import Iterable, Sequence
from typing import Any

from flwr.app import Context, Message, RecordDict
from flwr.serverapp import Grid


def context_of(number: int) -> Context:
    """What Flower tells an app of where it runs."""
    return Context(run_id=0, node_id=number, node_config={}, state=RecordDict(), run_config={})


class ClientGrid(Grid):
    """What all our grids share: who takes part in a round is said by the server.

    Strategies ask which nodes there are and take all of them, so drawing clients stays seeded.
    """

    def __init__(self) -> None:
        self.chosen: Sequence[int] = ()

    @property
    def run(self) -> Any:
        """There is one run alone."""
        raise NotImplementedError

    def set_run(self, run: Any) -> None:
        """There is one run alone."""

    def create_message(self, *arguments: Any, **settings: Any) -> Message:
        """As Flower's own."""
        return Message(*arguments, **settings)

    def get_node_ids(self) -> Iterable[int]:
        """The clients of this round."""
        return list(self.chosen)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Sending and receiving are one here."""
        raise NotImplementedError

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Sending and receiving are one here."""
        raise NotImplementedError

    def alive(self) -> Sequence[int]:
        """The clients that can be asked."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Called before each round."""

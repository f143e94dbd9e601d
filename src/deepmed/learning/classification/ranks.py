"""Which of several processes of one machine this one is, where they train one network together.

Lightning would start the others by running this program's own command line again, be it a server's
or a worker's. So they are started by who trains, and are told here who they are.
"""

from torch import distributed

from deepmed.learning.classification.bases import Place


class RankOfMachine(Place):
    """A process among several, all on this machine.

    Args:
        rank: which it is; 0 is the one that writes.
        size: how many there are.
        port: where rank 0 waits for the others, on the loopback device.

    Example:
        >>> place = RankOfMachine(1, 2, 29500)
        >>> place.global_rank(), place.world_size(), place.creates_processes_externally
        (1, 2, True)
    """

    creates_processes_externally = True
    main_address = "127.0.0.1"

    def __init__(self, rank: int, size: int, port: int) -> None:
        super().__init__()
        self._rank, self._size, self._port = rank, size, port

    @property
    def main_port(self) -> int:
        """Where rank 0 waits."""
        return self._port

    @staticmethod
    def detect() -> bool:
        """It is chosen by whoever trains, and never found."""
        return False

    def world_size(self) -> int:
        """How many there are."""
        return self._size

    def set_world_size(self, size: int) -> None:
        """Lightning counts them too; it comes to the same."""
        self._size = size

    def global_rank(self) -> int:
        """Which it is."""
        return self._rank

    def set_global_rank(self, rank: int) -> None:
        """Likewise."""
        self._rank = rank

    def local_rank(self) -> int:
        """Which it is on this machine: the number of its device."""
        return self._rank

    def node_rank(self) -> int:
        """There is one machine."""
        return 0


def leave_the_others() -> None:
    """What is measured from now on is measured by this process alone.

    Example:
        >>> leave_the_others()
    """
    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()

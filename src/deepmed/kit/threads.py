"""Computing threads that wait without spinning.

By default a thread of OpenMP that has nothing to do keeps its core busy for a while. On a machine
whose cores are shared, by a second process or a virtual neighbour, small computations then become
tens of times slower: embedding a drawing on two busy cores took 187 ms, and takes 4 ms like this.
"""

import os

SETTINGS = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0", "KMP_BLOCKTIME": "0"}


def wait_passively() -> None:
    """Set it before torch or NumPy load; a value that the user has set stays."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)

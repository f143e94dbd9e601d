"""What installed packages offer to this program, by the groups of their entry points."""

import sys
from functools import lru_cache
from importlib import metadata


def entry_points(group: str) -> metadata.EntryPoints:
    """What packages on the module path offer in a group; nothing of it is loaded.

    Finding out opens a file of every installed package, so it is done once for each module path
    and not for each application, job and encoder. A package that is installed meanwhile is found
    by the processes that start afterwards.
    """
    return _on(tuple(sys.path), group)


@lru_cache(maxsize=16)
def _on(_module_path: tuple[str, ...], group: str) -> metadata.EntryPoints:
    return metadata.entry_points(group=group)

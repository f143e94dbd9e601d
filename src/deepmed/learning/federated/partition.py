"""Deals patients to clients: seeded, each patient to one client alone."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from deepmed.kit import seeds
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.imaging.rows import ImageRow

Shares = Mapping[int, Sequence[float]]


def draw_shares(classes: int, clients: int, seed: int, alpha: float | None = None) -> Shares:
    """Which share of each class's patients each client gets.

    Args:
        classes: how many there are, 2 for a yes or no.
        clients: how many there are.
        seed: of the run.
        alpha: of the Dirichlet distribution that is drawn from, one draw a class; without it every
            client gets the same share.

    Returns:
        Of each class (clients,) shares that sum to 1.

    Example:
        >>> draw_shares(2, 4, seed=1)[0]
        (0.25, 0.25, 0.25, 0.25)
        >>> round(sum(draw_shares(2, 4, seed=1, alpha=0.3)[1]), 9)
        1.0
    """
    if alpha is None:
        return dict.fromkeys(range(classes), (1 / clients,) * clients)
    return {
        label: tuple(
            seeds.generator(seed, "federated-shares", label).dirichlet([alpha] * clients).tolist()
        )
        for label in range(classes)
    }


def deal_to_clients(
    rows: Sequence[ImageRow], shares: Shares, seed: int, part: str, least: int = 1
) -> tuple[tuple[ImageRow, ...], ...]:
    """The rows of each client.

    Every patient goes to one client with all images. A patient of several classes counts as one of
    the rarest. The order that patients are dealt in rests on the images alone, so that it does not
    matter what patients are called. Who would get fewer than ``least`` patients gets some of
    whoever has most.

    Args:
        rows: of one part of a split.
        shares: from :func:`draw_shares`.
        seed: of the run.
        part: its name: parts are dealt independently of each other.
        least: patients that every client has.

    Returns:
        (clients,) of rows, in the order in which they came.

    Raises:
        InsufficientDataError: there are too few patients.

    Example:
        >>> from pathlib import Path
        >>> rows = [ImageRow(f"{n}", Path("a"), f"p{n}", n % 2, f"{n:064}") for n in range(8)]
        >>> dealt = deal_to_clients(rows, draw_shares(2, 2, seed=1), 1, "train")
        >>> [sorted(row.label for row in part) for part in dealt]
        [[0, 0, 1, 1], [0, 0, 1, 1]]
    """
    clients = len(next(iter(shares.values())))
    patients = _by_patient(rows)
    if len(patients) < clients * least:
        raise InsufficientDataError(
            f"The {part} part has {len(patients)} patients, and {clients} clients need at least "
            f"{least} each. Nothing was trained; take fewer clients or more patients."
        )
    dealt: list[list[str]] = [[] for _ in range(clients)]
    for label, names in sorted(_by_class(patients).items()):
        order = seeds.generator(seed, "federated-deal", part, label).permutation(len(names))
        _deal([names[place] for place in order], shares[label], dealt)
    _fill(dealt, least)
    client_of = {name: client for client, names in enumerate(dealt) for name in names}
    return tuple(
        tuple(row for row in rows if client_of[row.patient] == client) for client in range(clients)
    )


def _by_patient(rows: Sequence[ImageRow]) -> dict[str, list[ImageRow]]:
    found: dict[str, list[ImageRow]] = {}
    for row in rows:
        found.setdefault(row.patient, []).append(row)
    return found


def _by_class(patients: Mapping[str, Sequence[ImageRow]]) -> dict[int, list[str]]:
    rarity = Counter(row.label for rows in patients.values() for row in rows)
    found: dict[int, list[str]] = {}
    for name in sorted(patients, key=lambda name: min(row.digest for row in patients[name])):
        labels = {row.label for row in patients[name]}
        found.setdefault(min(labels, key=lambda label: (rarity[label], label)), []).append(name)
    return found


def _deal(names: Sequence[str], shares: Sequence[float], dealt: list[list[str]]) -> None:
    """By the shares' borders; whole patients, so that a border is the nearest one.

    With even shares the remainders of all classes would fall to the same clients, so the clients
    that have least come first.
    """
    clients = range(len(dealt))
    even = len(set(shares)) == 1
    order = sorted(clients, key=lambda one: len(dealt[one])) if even else list(clients)
    borders = np.rint(np.cumsum([shares[one] for one in order]) * len(names)).astype(int)
    starts = [0, *borders[:-1]]
    for client, start, end in zip(order, starts, [*borders[:-1], len(names)], strict=True):
        dealt[client] += names[start:end]


def _fill(dealt: list[list[str]], least: int) -> None:
    for names in dealt:
        while len(names) < least:
            names.append(max(dealt, key=len).pop())

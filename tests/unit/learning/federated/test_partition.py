"""Patients are dealt to clients: seeded, each to one, evenly or not."""

from pathlib import Path

import numpy as np
import pytest

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.federated import deal_to_clients, draw_shares
from deepmed.learning.imaging.rows import ImageRow

CLIENTS = 4


def films(patients: int = 80, prefix: str = "p") -> list[ImageRow]:
    """Two films of each patient; of one patient, each film has another label."""
    return [
        ImageRow(
            f"{patient}-{view}",
            Path("a"),
            f"{prefix}{patient}",
            1 if patient == 5 and view else int(patient % 4 == 0),
            f"{patient:032}{view:032}",
        )
        for patient in range(patients)
        for view in range(2)
    ]


def dealt(
    rows: list[ImageRow], alpha: float | None = None, seed: int = 1, least: int = 1
) -> list[tuple[ImageRow, ...]]:
    shares = draw_shares(2, CLIENTS, seed, alpha)
    return list(deal_to_clients(rows, shares, seed, "train", least))


@pytest.mark.req("X-14.1")
@pytest.mark.parametrize("alpha", [None, 0.3])
def test_each_patient_is_one_clients_with_all_images(alpha: float | None) -> None:
    rows = films()
    found = dealt(rows, alpha)
    owners = [{row.patient for row in part} for part in found]
    assert sum(map(len, owners)) == len(set.union(*owners)) == 80
    assert sorted(row.image_id for part in found for row in part) == sorted(
        row.image_id for row in rows
    )


@pytest.mark.req("X-14.1")
def test_even_clients_hold_alike_and_uneven_ones_do_not() -> None:
    def spread(alpha: float | None) -> float:
        shares = [np.mean([row.label for row in part]) for part in dealt(films(400), alpha)]
        sizes = [len(part) / 800 for part in dealt(films(400), alpha)]
        return float(np.ptp(shares) + np.ptp(sizes))

    assert spread(None) < 0.02
    assert spread(0.3) > 0.3
    assert spread(0.3) > spread(100.0)


@pytest.mark.req("X-14.1")
@pytest.mark.parametrize("alpha", [None, 0.3])
def test_dealing_follows_from_the_seed_and_the_images_alone(alpha: float | None) -> None:
    def images(parts: list[tuple[ImageRow, ...]]) -> list[set[str]]:
        return [{row.image_id for row in part} for part in parts]

    first = images(dealt(films(), alpha))
    assert images(dealt(films()[::-1], alpha)) == first
    assert images(dealt(films(prefix="other"), alpha)) == first
    assert images(dealt(films(), alpha, seed=2)) != first


def test_shares_are_draws_of_the_dirichlet_distribution() -> None:
    drawn = np.array([draw_shares(1, 3, seed, 2.0)[0] for seed in range(400)])
    assert drawn.sum(axis=1) == pytest.approx(np.ones(400))
    assert drawn.mean(axis=0) == pytest.approx([1 / 3] * 3, abs=0.03)
    # Var = a(a0 - a) / (a0^2 (a0 + 1)) with a = 2 and a0 = 6.
    assert drawn.var(axis=0) == pytest.approx([8 / 252] * 3, rel=0.25)


def test_nobody_goes_without_patients_and_too_few_are_refused() -> None:
    very_uneven = dealt(films(10), 0.01, least=2)
    assert min(len({row.patient for row in part}) for part in very_uneven) >= 2
    with pytest.raises(InsufficientDataError, match="7 patients, and 4 clients need at least 2"):
        dealt(films(7), least=2)

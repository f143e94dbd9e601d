from datetime import UTC, datetime, timedelta

import pytest

from deepmed.core.jobs.progress import Estimate
from deepmed.kit import clock

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> "Clock":
    return Clock(monkeypatch)


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        monkeypatch.setattr(clock, "now", lambda: BEGUN + timedelta(seconds=self.seconds))

    def __call__(self, seconds: float) -> None:
        self.seconds = seconds


def seconds(expected: datetime | None) -> float | None:
    return None if expected is None else (expected - BEGUN).total_seconds()


@pytest.mark.req("P-6.3")
def test_the_end_is_expected_at_the_pace_so_far(at: Clock) -> None:
    estimate = Estimate()
    assert estimate.expected(0, 10) is None
    at(6)
    assert seconds(estimate.expected(3, 10)) == 20
    at(20)
    assert seconds(estimate.expected(10, 10)) == 20


@pytest.mark.req("P-6.3")
def test_a_resumed_run_is_not_taken_for_a_fast_one(at: Clock) -> None:
    estimate = Estimate()
    assert estimate.expected(50, 100) is None
    at(10)
    assert seconds(estimate.expected(60, 100)) == 50


@pytest.mark.req("P-6.3")
@pytest.mark.parametrize(("completed", "total"), [(1, 30), (0, 10)])
def test_another_piece_of_work_counts_anew(at: Clock, completed: int, total: int) -> None:
    estimate = Estimate()
    estimate.expected(1, 10)
    at(5)
    estimate.expected(9, 10)
    at(10)
    assert estimate.expected(completed, total) is None
    at(12)
    assert seconds(estimate.expected(completed + 1, total)) == 12 + 2 * (total - completed - 1)


def test_more_than_all_is_the_end(at: Clock) -> None:
    estimate = Estimate()
    estimate.expected(0, 2)
    at(4)
    assert seconds(estimate.expected(4, 2)) == 4

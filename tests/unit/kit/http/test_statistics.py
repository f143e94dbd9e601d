from datetime import UTC, datetime, timedelta

import pytest

from deepmed.kit.http.statistics import RequestRecord, RequestStatistics

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def record(
    status: int = 200, seconds: float = 0.01, age: timedelta = timedelta(), code: str | None = None
) -> RequestRecord:
    return RequestRecord("id", NOW - age, "GET", "/x", status, seconds, code, None)


def filled(*records: RequestRecord, kept: int = 1000) -> RequestStatistics:
    statistics = RequestStatistics(kept)
    for one in records:
        statistics.begin()
        statistics.end(one)
    return statistics


@pytest.mark.req("P-9.1")
def test_errors_are_counted_by_code_and_by_whose_they_are() -> None:
    statistics = filled(
        record(),
        record(404, code="not_found"),
        record(404, code="not_found"),
        record(503, code="model"),
        record(501, code="not_offered"),
    )
    assert statistics.errors() == {
        "total_requests": 5,
        "client_errors": 3,
        "server_errors": 1,
        "by_code": {"not_found": 2, "model": 1, "not_offered": 1},
    }


def test_what_happened_earlier_is_not_lately() -> None:
    statistics = filled(record(500, age=timedelta(minutes=6)), record(), record(500))
    found = statistics.lately(NOW)
    assert (found["requests"], found["server_errors"], found["error_rate"]) == (2, 1, 0.5)


def test_without_requests_there_is_no_rate() -> None:
    found = RequestStatistics().lately(NOW)
    assert (found["error_rate"], found["p95_response_time_ms"]) == (None, None)


@pytest.mark.parametrize(("count", "slowest"), [(1, 1.0), (19, 19.0), (20, 19.0), (100, 95.0)])
def test_nineteen_in_twenty_are_no_slower(count: int, slowest: float) -> None:
    """The smallest time that 95 % did not exceed, by counting."""
    times = range(1, count + 1)
    found = filled(*(record(seconds=one / 1000) for one in times)).lately(NOW)
    assert found["p95_response_time_ms"] == pytest.approx(slowest)
    within = [one for one in times if one <= slowest]
    assert len(within) / count >= 0.95
    assert (len(within) - 1) / count < 0.95


def test_the_newest_are_kept_and_come_first() -> None:
    statistics = filled(*(record(200 + number) for number in range(5)), kept=3)
    assert [one.status for one in statistics.recent()] == [204, 203, 202]
    assert [one.status for one in statistics.recent(1)] == [204]
    assert statistics.errors()["total_requests"] == 5


def test_what_is_in_work_is_known() -> None:
    statistics = RequestStatistics()
    statistics.begin()
    statistics.begin()
    statistics.end(record())
    assert (statistics.active, statistics.peak) == (1, 2)

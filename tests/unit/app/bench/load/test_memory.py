import os
import time

import pytest

from deepmed.app.bench.load import memory


def series(*megabytes: float) -> list[tuple[float, float]]:
    return [(100.0 + second, each) for second, each in enumerate(megabytes)]


@pytest.mark.req("O-10.1")
def test_filling_caches_in_the_first_fifth_is_no_growth() -> None:
    found = memory.judged(series(*range(100, 120), *[120.0] * 80), 100.0, 300.0, 60.0)
    assert found["growth"] == 1.0
    assert found["mb_per_1000_requests"] == pytest.approx(0, abs=1e-9)


@pytest.mark.req("O-10.1")
def test_a_leak_is_growth_with_its_slope_by_requests() -> None:
    found = memory.judged(series(*[100 + 0.5 * second for second in range(100)]), 100.0, 300.0, 50)
    assert found["mb_per_1000_requests"] == pytest.approx(0.5 * 1000 / 50)
    assert found["growth"] == pytest.approx((100 + 0.5 * 89.5) / (100 + 0.5 * 29.5))
    assert found["growth"] > found["limit"]


def test_only_what_was_seen_while_it_was_asked_counts() -> None:
    samples = [(90.0, 1.0), *series(*[50.0] * 20), (500.0, 999.0)]
    found = memory.judged(samples, 100.0, 200.0, 60.0)
    assert found["mb"] == [50.0] * 20


def test_few_samples_are_shown_and_not_judged() -> None:
    found = memory.judged(series(*[50.0] * 9), 100.0, 200.0, 60.0)
    assert found["mb"] == [50.0] * 9
    assert found["growth"] is None


def test_a_process_is_looked_at_for_as_long_as_the_block_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "EVERY_SECONDS", 0.01)
    begun = time.time()
    with memory.Watch(os.getpid()) as watch:
        time.sleep(0.1)
    seen = list(watch.samples)
    assert len(seen) >= 3
    assert all(begun <= at <= time.time() and megabytes > 10 for at, megabytes in seen)
    time.sleep(0.05)
    assert watch.samples == seen

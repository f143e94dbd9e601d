from datetime import timedelta
from pathlib import Path
from threading import Event

import psutil
import pytest

from deepmed.core.health import samples
from deepmed.core.health.samples import Sampler, SystemMetrics, look
from deepmed.kit import clock

pytestmark = pytest.mark.usefixtures("logs_of_every_level")


def metrics(age: timedelta = timedelta(), cpu: float = 1.0) -> SystemMetrics:
    return SystemMetrics(clock.now() - age, cpu, 50, 1, 2, 30, 5, 10, 0, 9)


def test_a_look_says_what_the_system_says(tmp_path: Path) -> None:
    found = look(tmp_path)
    assert found.memory_total_gb == pytest.approx(psutil.virtual_memory().total / 2**30, abs=0.01)
    assert found.disk_total_gb == pytest.approx(
        psutil.disk_usage(str(tmp_path)).total / 2**30, abs=0.01
    )
    assert 0 <= found.cpu_percent <= 100
    assert found.process_count > 1
    assert found.active_connections >= 0


def test_it_looks_until_it_is_stopped() -> None:
    enough = Event()
    taken: list[SystemMetrics] = []

    def take() -> SystemMetrics:
        taken.append(metrics())
        if len(taken) == 3:
            enough.set()
        return taken[-1]

    sampler = Sampler(take, period_seconds=0.01)
    sampler.start()
    assert enough.wait(10)
    sampler.stop()
    count = len(taken)
    assert sampler.latest() is taken[-1]
    assert not enough.wait(0) or len(taken) == count


def test_a_look_that_fails_ends_nothing() -> None:
    seen = Event()
    calls: list[int] = []

    def take() -> SystemMetrics:
        calls.append(1)
        if len(calls) == 1:
            raise psutil.AccessDenied
        seen.set()
        return metrics()

    sampler = Sampler(take, period_seconds=0.01)
    sampler.start()
    assert seen.wait(10)
    sampler.stop()


@pytest.mark.parametrize(("count", "points"), [(0, 0), (1, 1), (100, 100), (101, 51), (1440, 96)])
def test_a_day_is_at_most_a_hundred_points_with_the_newest(count: int, points: int) -> None:
    ages = iter(timedelta(minutes=age) for age in reversed(range(count)))
    sampler = Sampler(lambda: metrics(next(ages)))
    kept = [sampler.sample() for _ in range(count)]
    found = sampler.since(timedelta(hours=24, minutes=1))
    assert len(found) == points <= samples.MOST_POINTS
    assert found == sorted(found, key=lambda one: one.timestamp)
    assert found[-1:] == kept[-1:]


def test_only_the_hours_asked_for_are_told() -> None:
    ages = iter([timedelta(hours=3), timedelta(hours=2), timedelta(minutes=30)])
    sampler = Sampler(lambda: metrics(next(ages)))
    for _ in range(3):
        sampler.sample()
    assert len(sampler.since(timedelta(hours=1))) == 1
    assert len(sampler.since(timedelta(hours=24))) == 3

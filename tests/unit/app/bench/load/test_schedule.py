from collections import Counter
from itertools import pairwise

import pytest

from deepmed.app.bench.load.mix import Get
from deepmed.app.bench.load.schedule import Pace, of_sessions, schedule

MIX = [Get("/drawings/{drawing}", 3), Get("/", 1)]
THINGS = {"drawing": [7, 8, 9]}


@pytest.mark.req("O-10.1")
def test_each_of_200_sessions_asks_once_a_second_at_a_moment_of_its_own() -> None:
    asks = schedule(MIX, THINGS, Pace(2000, 200, 200.0), seed=0)
    assert len(asks) == 2000
    assert [ask.at for ask in asks] == sorted(ask.at for ask in asks)
    assert asks[-1].at == pytest.approx(10, abs=0.3)
    sessions = of_sessions(asks)
    assert len(sessions) == 200
    gaps = [second.at - first.at for own in sessions for first, second in pairwise(own)]
    assert 0.5 <= min(gaps) < 0.8
    assert 1.2 < max(gaps) <= 1.5
    assert sum(gaps) / len(gaps) == pytest.approx(1, abs=0.02)
    in_a_tenth = Counter(int(10 * ask.at) for ask in asks if ask.at < 9)
    assert max(in_a_tenth.values()) < 3 * min(in_a_tenth.values()), "they do not come at once"


def test_addresses_come_by_their_weights_and_name_things_that_are_there() -> None:
    asks = schedule(MIX, THINGS, Pace(2000, 10, 60.0), seed=0)
    counts = Counter(ask.path for ask in asks)
    assert set(counts) == {"/", "/drawings/7", "/drawings/8", "/drawings/9"}
    assert counts["/"] == pytest.approx(500, rel=0.15)
    assert counts["/drawings/7"] == pytest.approx(500, rel=0.15)
    assert {ask.route for ask in asks if ask.path == "/"} == {1}


def test_a_seed_decides_everything() -> None:
    one, same, other = (schedule(MIX, THINGS, Pace(50, 10, 60.0), seed) for seed in (1, 1, 2))
    assert one == same
    assert one != other

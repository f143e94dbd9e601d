import pytest

from deepmed.kit.http import buckets
from deepmed.kit.http.buckets import Buckets, RateRule, Verdict

RULES = {"/": RateRule(60, 1000, 3), "/slow": RateRule(6, 4, 2)}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def take(made: Buckets, path: str = "/", client: str = "me") -> Verdict:
    verdict = made.take(client, path)
    assert verdict is not None
    return verdict


@pytest.mark.req("P-9.1")
def test_a_bucket_starts_full_and_fills_evenly(clock: Clock) -> None:
    made = Buckets(RULES, clock)
    assert [take(made).allowed for _ in range(4)] == [True, True, True, False]
    clock.now += 0.9
    assert not take(made).allowed
    clock.now += 0.1
    assert take(made).allowed
    clock.now += 3600
    assert [take(made).allowed for _ in range(4)] == [True, True, True, False]


@pytest.mark.req("P-9.1")
def test_an_honest_script_at_the_rate_is_never_refused(clock: Clock) -> None:
    made = Buckets(RULES, clock)
    for _ in range(900):
        assert take(made).allowed
        clock.now += 1.0


def test_the_hour_has_a_ceiling_of_its_own(clock: Clock) -> None:
    made = Buckets(RULES, clock)
    for _ in range(4):
        assert take(made, "/slow").allowed
        clock.now += 60
    refused = take(made, "/slow")
    assert (refused.allowed, refused.remaining_hour) == (False, 0)
    assert refused.wait_seconds == pytest.approx(3600 - 240)
    clock.now += refused.wait_seconds
    assert take(made, "/slow").allowed


def test_the_longest_beginning_of_a_path_rules(clock: Clock) -> None:
    made = Buckets(RULES, clock)
    assert take(made, "/slow/one").rule == RULES["/slow"]
    assert take(made, "/quick").rule == RULES["/"]
    assert Buckets({"/slow": RULES["/slow"]}, clock).take("me", "/quick") is None


def test_one_client_does_not_use_up_anothers(clock: Clock) -> None:
    made = Buckets(RULES, clock)
    for _ in range(4):
        take(made, client="me")
    assert take(made, client="you").allowed


def test_what_is_left_and_the_wait_are_told(clock: Clock) -> None:
    made = Buckets(RULES, clock)
    first = take(made)
    assert (first.remaining_minute, first.remaining_hour, first.wait_seconds) == (59, 999, 0.0)
    for _ in range(3):
        last = take(made)
    assert last.wait_seconds == pytest.approx(1.0)
    clock.now += 61
    assert take(made).remaining_minute == 59


def test_many_clients_do_not_fill_the_memory(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "MOST_CLIENTS", 10)
    made = Buckets(RULES, clock)
    for number in range(50):
        take(made, client=f"client {number}")
    assert len(made._buckets) == 10


def test_a_rule_is_read_from_the_settings() -> None:
    assert RateRule.parse("60/1000/10") == RateRule(60, 1000, 10)

"""How often somebody may ask: a bucket that starts full, and a ceiling for the hour."""

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

MINUTE, HOUR = 60.0, 3600.0
MOST_CLIENTS = 10_000


@dataclass(frozen=True)
class RateRule:
    """Tokens come evenly, `per_minute` of them, and `burst` may be saved up."""

    per_minute: int
    per_hour: int
    burst: int

    @classmethod
    def parse(cls, text: str) -> "RateRule":
        """From `"60/1000/10"`: a minute, an hour, at once; the settings have checked its form."""
        per_minute, per_hour, burst = (int(part) for part in text.split("/"))
        return cls(per_minute, per_hour, burst)


@dataclass(frozen=True)
class Verdict:
    """Whether one more is allowed, and what is left."""

    allowed: bool
    rule: RateRule
    remaining_minute: int
    remaining_hour: int
    wait_seconds: float


class _Bucket:
    def __init__(self, rule: RateRule, now: float) -> None:
        self.rule = rule
        self.tokens = float(rule.burst)
        self.filled = now
        self.taken: deque[float] = deque()

    def take(self, now: float) -> Verdict:
        self._fill(now)
        allowed = self.tokens >= 1 and len(self.taken) < self.rule.per_hour
        if allowed:
            self.tokens -= 1
            self.taken.append(now)
        last_minute = sum(1 for moment in self.taken if moment > now - MINUTE)
        return Verdict(
            allowed,
            self.rule,
            max(0, self.rule.per_minute - last_minute),
            self.rule.per_hour - len(self.taken),
            self._wait(now),
        )

    def _fill(self, now: float) -> None:
        grown = (now - self.filled) * self.rule.per_minute / MINUTE
        self.tokens = min(float(self.rule.burst), self.tokens + grown)
        self.filled = now
        while self.taken and self.taken[0] <= now - HOUR:
            self.taken.popleft()

    def _wait(self, now: float) -> float:
        """Seconds until one more would be allowed."""
        token = max(0.0, 1 - self.tokens) * MINUTE / self.rule.per_minute
        full = len(self.taken) >= self.rule.per_hour
        return max(token, self.taken[0] + HOUR - now if full else 0.0)


class Buckets:
    """One bucket for each client and rule; who was not seen for longest is forgotten first."""

    def __init__(
        self, rules: Mapping[str, RateRule], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rules = rules
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()

    def take(self, client: str, path: str) -> Verdict | None:
        """One request of a client; None where no rule speaks of the path."""
        matching = [prefix for prefix in self.rules if path.startswith(prefix)]
        if not matching:
            return None
        prefix, now = max(matching, key=len), self._clock()
        bucket = self._buckets.setdefault((client, prefix), _Bucket(self.rules[prefix], now))
        self._buckets.move_to_end((client, prefix))
        if len(self._buckets) > MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return bucket.take(now)


def whole_seconds(seconds: float) -> int:
    return math.ceil(seconds)

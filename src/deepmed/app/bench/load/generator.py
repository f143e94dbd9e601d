"""The process that asks: it sends each request at its time, however long others take.

`python -m deepmed.app.bench.load.generator` reads a plan from its input, a line of JSON, and
writes what came of it.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from deepmed.app.bench.load.asking import Line, StaleError

PATIENCE_SECONDS = 30.0
HEAD_START = 0.5
BROKEN = 0
"""In place of a status where no answer came."""


def main() -> None:
    plan = json.loads(sys.stdin.readline())
    if plan["cores"]:
        os.sched_setaffinity(0, plan["cores"])
    json.dump(asyncio.run(ask_all(plan["port"], plan["sessions"])), sys.stdout)


async def ask_all(port: int, sessions: Sequence[Sequence[tuple[float, int, str]]]) -> Any:
    """Ask for everything; `begun` is the moment from which the times of the plan count.

    Each outcome is (route, time of the plan, milliseconds by which it was sent late, milliseconds
    from the time of the plan to the end of the answer, status, what went wrong).
    """
    loop = asyncio.get_running_loop()
    begin, begun = loop.time() + HEAD_START, time.time() + HEAD_START
    found = await asyncio.gather(*(_Session(port, begin).ask(asks) for asks in sessions))
    return {
        "begun": begun,
        "ended": time.time(),
        "outcomes": sorted((each for own in found for each in own), key=lambda each: each[1]),
    }


class _Session:
    """One person's connections: one, and another while an answer is not there yet."""

    def __init__(self, port: int, begin: float) -> None:
        self._port, self._begin = port, begin
        self._idle: list[Line] = []

    async def ask(self, asks: Sequence[tuple[float, int, str]]) -> list[tuple[Any, ...]]:
        loop = asyncio.get_running_loop()
        running = []
        for at, route, path in asks:
            await asyncio.sleep(self._begin + at - loop.time())
            running.append(asyncio.create_task(self._one(at, route, path)))
        found = await asyncio.gather(*running)
        for line in self._idle:
            line.close()
        return found

    async def _one(self, at: float, route: int, path: str) -> tuple[Any, ...]:
        loop, due = asyncio.get_running_loop(), self._begin + at
        late = 1000 * (loop.time() - due)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                status, trouble = await self._status(path), ""
        except (OSError, asyncio.IncompleteReadError, ValueError, TimeoutError) as error:
            status, trouble = BROKEN, f"{type(error).__name__}: {error}"
        return route, at, late, 1000 * (loop.time() - due), status, trouble

    async def _status(self, path: str) -> int:
        line = self._idle.pop() if self._idle else await Line.to(self._port)
        try:
            status = await line.get(path)
        except StaleError:
            line = await Line.to(self._port)
            status = await line.get(path)
        except BaseException:
            line.close()
            raise
        if line.open:
            self._idle.append(line)
        return status


if __name__ == "__main__":
    main()

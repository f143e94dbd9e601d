"""A thousand requests that the OpenAPI description allows or just does not: none fails on our side.

Schemathesis makes them, from a fixed seed; every other number in a path is one that there is.
`make fuzz` asks two thousand, and DEEPMED_FUZZ_CASES as many as you like.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from factories.api import Api
from factories.xray import write_films
from factories.xray_runs import publish_untrained

CASES = int(os.environ.get("DEEPMED_FUZZ_CASES", "1000"))
DRAWINGS = 149
ENDLESS = "/api/v1/jobs/{job_id}/events"
"""A stream ends with its job, and no worker runs here."""
NOT_OFFERED = "501"
"""Promised where nothing else is: there is nothing behind it that could fail."""
LIMITS = settings(
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


def operations(api: Api) -> Iterator[Any]:
    described = schemathesis.openapi.from_dict(api.get("/openapi.json"))
    for found in described.get_all_operations():
        operation = found.ok()
        offered = NOT_OFFERED not in operation.definition.raw["responses"]
        if operation.path != ENDLESS and offered:
            yield operation


def modes(operation: Any) -> list[GenerationMode]:
    """Whatever text stands in a path is of the right form: looking for another takes minutes."""
    in_path = [place.definition["schema"] for place in operation.path_parameters]
    texts = all(each.get("type") == "string" and "enum" not in each for each in in_path)
    if texts and not (operation.query or operation.body):
        return [GenerationMode.POSITIVE]
    return list(GenerationMode)


def takes_anything(asked: tuple[Any, GenerationMode]) -> bool:
    operation, _ = asked
    return bool(operation.path_parameters or operation.query or operation.body)


def ask(api: Api, case: Any) -> int:
    """The status of the answer; every other number in the path is made one of a drawing's."""
    for name, value in (case.path_parameters or {}).items():
        if isinstance(value, int) and value % 2:
            case.path_parameters[name] = 1 + value % DRAWINGS
    given = case.as_transport_kwargs(base_url="http://localhost:8000")
    given.pop("cookies", None)
    body = given.pop("data", None)
    if body is not None:
        kind = "data" if isinstance(body, dict) else "content"
        given[kind] = list(body) if isinstance(body, Iterator) else body
    if isinstance(given.get("content"), list):  # a form's fields as pairs
        given["data"] = dict(given.pop("content"))
    answer = api.client.request(**given)
    return int(answer.status_code)


@pytest.mark.timeout(300 + CASES)
@pytest.mark.req("P-3.1")
def test_no_request_makes_the_server_fail(api: Api) -> None:
    publish_untrained(api.home, write_films(api.home.settings.home / "films", 40))
    asked: Counter[int] = Counter()
    failed = []
    listed = list(operations(api))
    asking = [(operation, mode) for operation in listed for mode in modes(operation)]
    asking.sort(key=takes_anything)  # what takes nothing can be asked in one way only
    for place, (operation, mode) in enumerate(asking):
        share = -(-(CASES - asked.total()) // (len(asking) - place))
        for status, request in answers(api, operation, mode, share):
            asked[status] += 1
            if request:
                failed.append((operation.label, status, request))
    assert not failed
    assert asked.total() >= CASES
    assert asked[200] + asked[201] > CASES / 5, "many get past the first check"


def answers(api: Api, operation: Any, mode: GenerationMode, share: int) -> list[tuple[int, str]]:
    """Statuses, each with the request where it is a failure of ours."""
    found: list[tuple[int, str]] = []

    @settings(LIMITS, max_examples=share)
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        status = ask(api, case)
        failed = status >= 500 and status != int(NOT_OFFERED)
        found.append((status, case.as_curl_command() if failed else ""))

    with suppress(Unsatisfiable):  # what takes nothing has no wrong form
        run()
    return found

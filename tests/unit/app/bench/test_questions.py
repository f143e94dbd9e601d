"""What `deepmed bench api` asks: nothing that lists or counts is left out without a reason."""

import pytest

from deepmed.app.access import ROLES
from deepmed.app.bench.questions import EXCEPT, LISTS, PAGES, QUESTIONS, Question
from deepmed.app.not_offered import TABLE

NOT_OFFERED = {f"{method} {path}" for group in TABLE for method, path in group.each()}
ASKED = {question.route for question in QUESTIONS.values()}


@pytest.mark.req("D-25.1")
def test_every_address_is_asked_or_stands_among_the_exceptions() -> None:
    """A new route with GET needs a line in `QUESTIONS`, or one in `EXCEPT` that says why not."""
    served = {route for route in ROLES if route.startswith("GET ")} - NOT_OFFERED
    assert served - ASKED - set(EXCEPT) == set()


def test_nothing_is_asked_that_is_not_served_and_no_exception_is_stale() -> None:
    assert (ASKED | set(EXCEPT)) - set(ROLES) == set()
    assert ASKED & set(EXCEPT) == set()
    assert set(EXCEPT) & NOT_OFFERED == set()


def test_each_question_has_the_promise_of_its_group() -> None:
    limits = {LISTS: {100.0, 50.0}, PAGES: {250.0}}
    for name, question in QUESTIONS.items():
        assert question.limit_ms in limits.get(question.group, {20.0}), name


def test_a_question_names_its_route_without_what_is_asked_of_it() -> None:
    assert Question("/api/v1/jobs?limit=5", 100).route == "GET /api/v1/jobs"

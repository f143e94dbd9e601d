"""Values at and beyond what a database takes are refused or kept, the same on each engine."""

from collections.abc import Iterator
from typing import Any

import pytest

from deepmed.app import open_home
from deepmed.kit.settings import Settings
from factories import encoder
from factories.api import Api, picture

JSON = {"content-type": "application/json"}
NUMBERS = [0, -1, 2**31 - 1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**40]
REALS = ["nan", "inf", "-inf", "1e308", "-1e308", "1e-320"]
TEXTS = [
    "%00",
    "a%00b",
    "%ff",
    "%ed%a0%80",
    "%f0%9f%91%a7",
    "%25_%5C'%22",
    "x" * 500,
    "'%20OR%201=1--",
]
ONE_OBJECT = [
    ("GET", "/drawings/{}"),
    ("PATCH", "/drawings/{}"),
    ("DELETE", "/drawings/{}"),
    ("GET", "/drawings/{}/file"),
    ("GET", "/drawings/{}/neighbours"),
    ("POST", "/analysis/analyze/{}"),
    ("POST", "/analysis/embeddings/{}"),
    ("GET", "/analysis/drawing/{}"),
    ("GET", "/analysis/{}"),
    ("GET", "/analysis/{}/overlay.png"),
    ("DELETE", "/models/{}"),
    ("GET", "/jobs/{}"),
    ("POST", "/jobs/{}/cancel"),
]
BY_TEXT = [
    "/drawings/?subject={}",
    "/drawings/?child_id={}",
    "/drawings/?sort={}",
    "/drawings/?expert_label={}",
    "/drawings/upload/progress/{}",
    "/analysis/batch/{}/progress",
    "/analysis/stats?subject={}",
    "/models/training/{}/status",
    "/models/creation/{}/status",
    "/models/data-sufficiency/warnings?severity={}",
    "/models/data-sufficiency/analyze?age_groups={}",
    "/config/subjects/statistics?subject={}",
    "/jobs?kind={}",
    "/jobs?state={}",
    "/health/component/{}",
]
BODIES = [
    ("POST", "/analysis/batch", '{{"drawing_ids": [{}]}}'),
    ("PATCH", "/drawings/1", '{{"age_years": {}}}'),
    ("PUT", "/models/1/threshold", '{{"threshold": {}}}'),
    ("PUT", "/config/", '{{"min_samples_per_group": {}}}'),
    ("PUT", "/config/", '{{"max_age_group_span": {}}}'),
    ("PUT", "/config/threshold", '{{"percentile": {}}}'),
    ("POST", "/models/train", '{{"age_min": {0}, "age_max": {0}}}'),
    ("POST", "/models/train", '{{"age_min": 3, "age_max": 6, "seed": {}}}'),
    ("POST", "/models/train", '{{"age_min": 3, "age_max": 6, "min_samples": {}}}'),
    ("POST", "/alerts/thresholds", '{{"response_time_ms": {}}}'),
    (
        "POST",
        "/models/data-sufficiency/merge-age-groups",
        '{{"original_groups": [[{0}, 6]], "merged_group": [{0}, 9]}}',
    ),
]


@pytest.fixture
def somewhere(any_settings: Settings) -> Iterator[Api]:
    """An empty data folder on each engine, with one drawing."""
    with open_home(any_settings.model_copy(update={"encoder": encoder.NAME})) as home:
        made = Api.of(home)
        made.upload(picture())
        yield made


def requests() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for method, path in ONE_OBJECT:
        body = {"json": {"prompt": "x"}} if method == "PATCH" else {}
        yield from ((method, path.format(number), body) for number in NUMBERS)
    for path in BY_TEXT:
        yield from (("GET", path.format(text), {}) for text in TEXTS)
    for name in ("age_min", "age_max", "page", "page_size"):
        values = [*NUMBERS, *REALS]
        yield from (("GET", f"/drawings/?{name}={value}", {}) for value in values)
    for method, path, body in BODIES:
        for value in [*NUMBERS, "NaN", "Infinity", "-1e999", "1e308", '"\\u0000"', '"\\ud800"']:
            yield method, path, {"content": body.format(value), "headers": JSON}


@pytest.mark.timeout(300)
def test_no_value_makes_a_database_fail(somewhere: Api) -> None:
    failed = [
        (method, path, content, answer.text[:200])
        for method, path, content in requests()
        if (answer := somewhere.ask(method, path, **content)).status_code >= 500
    ]
    assert not failed
    assert somewhere.get("/drawings/")["total_count"] == 1


def test_texts_of_any_alphabet_are_kept_and_found(somewhere: Api) -> None:
    for number, text in enumerate(["👧🏽 draws", "Łucja Ølgård", "日本", "100%_\\'\""], 1):
        form = {"subject": text, "prompt": text, "drawing_tool": text, "child_id": text}
        found = somewhere.upload(picture(number), name=f"{text}.png", **form).json()
        assert {name: found[name] for name in form} == form
        for wanted in ({"subject": text[:5]}, {"child_id": text}):
            listed = somewhere.get("/drawings/", params=wanted)["drawings"]
            assert [each["id"] for each in listed] == [found["id"]]


def test_of_two_spellings_of_a_child_neither_is_the_other(somewhere: Api) -> None:
    somewhere.upload(picture(1), child_id="Anna")
    somewhere.upload(picture(2), child_id="anna")
    assert len(somewhere.get("/drawings/", params={"child_id": "anna"})["drawings"]) == 1

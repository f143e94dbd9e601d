"""Nothing that the contract names is missing: operations.toml is written from it alone."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from factories.tour import Tour
from integration.server.contract.test_shapes import OPERATIONS, bodies

SECTIONS = tomllib.loads(Path(__file__).with_name("operations.toml").read_text(encoding="utf-8"))
SCHEMAS = SECTIONS.pop("schemas")
NUMBERS = {
    "2.1": 8,
    "2.2": 7,
    "2.3": 8,
    "2.4": 12,
    "2.5": 14,
    "2.6": 10,
    "2.7": 8,
    "2.8": 12,
    "2.9": 7,
    "2.10": 7,
    "2.11": 7,
    "13": 4,
}
"""Of operations, as the contract counts them."""
NAMED = {operation: names for section in SECTIONS.values() for operation, names in section.items()}
Json = Any


def fields(names: list[str]) -> set[str]:
    """With those of the schemas that are named among them."""
    inner = [fields(SCHEMAS[name]) for name in names if name in SCHEMAS]
    return {name for name in names if name not in SCHEMAS}.union(*inner)


def keys(value: Json) -> Iterator[str]:
    """Of all objects in an answer, however deep."""
    if isinstance(value, dict):
        yield from value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            yield from keys(inner)


def promised(body: Json, schemas: Json) -> Iterator[str]:
    """The fields of a described answer, where a list of an answer may have been empty."""
    if "$ref" in body:
        yield from promised(schemas[body["$ref"].rpartition("/")[2]], schemas)
    for name, inner in body.get("properties", {}).items():
        yield name
        yield from promised(inner, schemas)
    for inner in (*body.get("anyOf", ()), body.get("items"), body.get("additionalProperties")):
        if isinstance(inner, dict):
            yield from promised(inner, schemas)


@pytest.fixture(scope="module")
def description(tour: Tour) -> Json:
    return tour.api.get("/openapi.json")


def test_every_operation_is_listed() -> None:
    assert {section: len(named) for section, named in SECTIONS.items()} == NUMBERS
    assert NAMED.keys() == OPERATIONS.keys()


def test_every_operation_is_served_by_its_method(description: Json) -> None:
    paths = description["paths"]
    served = {f"{method.upper()} {path}" for path in paths for method in paths[path]}
    wanted = {operation.replace(" ", " /api/v1", 1) for operation in NAMED}
    assert wanted - served == set()


@pytest.mark.parametrize("operation", NAMED)
def test_every_field_is_in_the_answer(tour: Tour, description: Json, operation: str) -> None:
    method, _, path = operation.partition(" ")
    described = description["paths"][f"/api/v1{path}"][method.lower()]
    schemas = description["components"]["schemas"]
    found = {name for body in bodies(described) for name in promised(body, schemas)}
    for answer in tour.answers[operation]:
        if answer.content and "json" in answer.headers["content-type"]:
            found |= set(keys(answer.json()))
    assert fields(NAMED[operation]) - found == set()

"""Each number that the OpenAPI description promises is defined in docs/numbers.md."""

from collections.abc import Iterator
from typing import Any

import pytest

from factories.api import Api
from factories.tour import last_word
from number_fields import IDENTIFIERS, definition_of, read_page

NUMBERS = {"integer", "number"}
NAMES_OF_OBJECTS = {"duplicate_of", "next_before"}
Schema = dict[str, Any]


def numbers(schema: Schema, all_of: Schema, path: str) -> Iterator[str]:
    """Where numbers may stand; a star stands for any key."""
    if "$ref" in schema:
        yield from numbers(all_of[schema["$ref"].rpartition("/")[2]], all_of, path)
    for one in schema.get("anyOf", ()):
        yield from numbers(one, all_of, path)
    for name, one in schema.get("properties", {}).items():
        yield from numbers(one, all_of, f"{path}.{name}")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from numbers(schema["additionalProperties"], all_of, f"{path}.*")
    for one in (schema.get("items"), *schema.get("prefixItems", ())):
        if isinstance(one, dict):
            yield from numbers(one, all_of, path)
    if schema.get("type") in NUMBERS and not IDENTIFIERS.search(path):
        yield path


def promised(description: Schema) -> Iterator[str]:
    for path, methods in description["paths"].items():
        for operation in methods.values():
            for code, answer in operation["responses"].items():
                if code.startswith("2") and path.startswith("/api/"):
                    body = answer.get("content", {}).get("application/json", {}).get("schema", {})
                    known = description["components"]["schemas"]
                    yield from numbers(body, known, f"http.{last_word(path)}")


@pytest.mark.req("D-29.1")
def test_every_number_that_is_promised_is_defined(settled: Api) -> None:
    fields = read_page()
    found = set(promised(settled.get("/openapi.json")))
    assert len(found) > 200
    missing = {path for path in found if definition_of(path, fields) is None}
    missing = {path for path in missing if path.rpartition(".")[2] not in NAMES_OF_OBJECTS}
    # Where any key may stand, the rows are of the keys that there are.
    of_keys = {name.rpartition(".")[0] for name in fields if "." in name}
    by_key = {path for path in missing if path.removesuffix(".*").rpartition(".")[2] in of_keys}
    assert missing - {path for path in by_key if path.endswith(".*")} == set()


def test_a_number_would_be_found_however_deep() -> None:
    known = {"Inner": {"properties": {"share": {"anyOf": [{"type": "number"}, {"type": "null"}]}}}}
    schema = {
        "properties": {
            "rows": {"items": {"$ref": "#/components/schemas/Inner"}},
            "counts": {"additionalProperties": {"type": "integer"}},
            "bounds": {"prefixItems": [{"type": "number"}]},
            "id": {"type": "integer"},
            "name": {"type": "string"},
        }
    }
    assert set(numbers(schema, known, "x")) == {"x.rows.share", "x.counts.*", "x.bounds"}

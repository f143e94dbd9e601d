"""Completes what FastAPI knows of the interface, so that a programmer can do with `/docs` alone.

Fields get their meaning, numbers their definition and when they are null, addresses the errors that
they answer with. Nothing here changes an answer.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from fastapi import FastAPI

from deepmed.app.description.numbers import NumberField, definition_of, last_word, read_page
from deepmed.web import guide

Schema = dict[str, Any]
HERE = Path(__file__).parent
INTRODUCTION = """\
Every address with what it takes and answers. Names, shapes and statuses are those of the original
drawings service, so that its clients go on working; where an answer differs,
[the guide](/guide/api) says so.

- A number that cannot be had is **null**, and a field beside it says why. What each number means
  exactly is defined under [Numbers](/guide/numbers).
- Times are ISO 8601 in UTC, ages are in years, shares lie between 0 and 1 unless they are called
  percentages, places in pictures are in pixels of the stored picture.
- Long work is a **job**: its answer comes at once, and `/api/v1/jobs` tells how far it is.
- Any address may also answer **403** (not open to the caller, or sent by the page of another
  site), **413** (larger than is allowed), **429** (too many requests at once), **500** (an error of
  ours; the header `X-Error-ID` names it in the log), **503** (a model cannot be loaded, or too much
  is going on) and **507** (a file cannot be stored or read).
- The body of an error has `detail`: what happened, what was kept, and what to do.
"""
ERRORS = {
    400: "A value is not acceptable; nothing was stored.",
    404: "There is no such object, or it is somebody else's.",
    409: "The state of things forbids it now; nothing was changed.",
    415: "This kind of content is not taken here.",
    422: "Something of the request does not have the form that is described here, or a picture "
    "cannot be read; nothing was stored.",
    501: "It wants a setting first, which `detail` names, or is not offered.",
}
BODY = {"type": "object", "properties": {"detail": {"type": "string"}}, "required": ["detail"]}
NULL_NEVER = "–"  # noqa: RUF001 - the page's own sign


class Place(NamedTuple):
    """A field of a schema, and where one finds it in an answer."""

    schema: str
    name: str
    path: str
    field: Schema


@cache
def _texts(name: str) -> Mapping[str, Any]:
    return tomllib.loads((HERE / name).read_text(encoding="utf-8"))


@cache
def _numbers() -> dict[str, list[NumberField]]:
    """Rows by the last word of their names, so that few are looked at for each field."""
    page = guide.documents().get("numbers")
    found: dict[str, list[NumberField]] = {}
    for row in read_page(page).values() if page else ():
        found.setdefault(row.name.rpartition(".")[2], []).append(row)
    return found


def describe(app: FastAPI) -> None:
    """Let the application's description be complete, once it is asked for."""
    app.description = INTRODUCTION
    plain = app.openapi

    def openapi() -> Schema:
        if not app.openapi_schema:
            complete(plain())
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way


def complete(schema: Schema) -> None:
    """Add what is missing, in place; what FastAPI knows already stays."""
    known = schema.get("components", {}).get("schemas", {})
    operations = _texts("operations.toml")
    schema["tags"] = [
        {"name": name, "description": text} for name, text in operations["tags"].items()
    ]
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            _complete_operation(f"{method.upper()} {path}", operation, operations)
    for name, field, one in _fields(known):
        _say(one, _own(name, field))
    for place in _places(schema, known):
        _define(place)
    for name, field, one in _fields(known):
        _say(one, _meaning(name, field))


def _fields(known: Mapping[str, Schema]) -> Iterator[tuple[str, str, Schema]]:
    for name, component in known.items():
        for field, one in component.get("properties", {}).items():
            yield name, field, one


def _complete_operation(name: str, operation: Schema, texts: Mapping[str, Any]) -> None:
    _say(operation, texts["descriptions"].get(name))
    for each in operation.get("parameters", ()):
        _say(each, _meaning(name, each["name"]))
    answers = operation["responses"]
    statuses = set(texts["errors"].get(name, ()))
    if "{" in name and set(answers) != {"501"}:  # what is not offered looks nothing up
        statuses.add(404)
    for status in sorted(statuses):
        answers.setdefault(str(status), _error(status))
    if "422" in answers:
        answers["422"]["description"] = ERRORS[422]


def _error(status: int) -> Schema:
    return {"description": ERRORS[status], "content": {"application/json": {"schema": BODY}}}


def _say(thing: Schema, text: str | None) -> None:
    if text and not thing.get("description"):
        thing["description"] = text


def _own(owner: str, field: str) -> str | None:
    """The text for a field of this schema alone."""
    texts: Mapping[str, str] = _texts("fields.toml")["fields"]
    return texts.get(f"{owner.rpartition('__')[2]}.{field}")


def _meaning(owner: str, field: str) -> str | None:
    """The text for a field of this schema, or else for fields of this name."""
    texts: Mapping[str, str] = _texts("fields.toml")["fields"]
    return _own(owner, field) or texts.get(field)


def _define(place: Place) -> None:
    rows = _numbers()
    name = place.path.rpartition(".")[2]
    some = {row.name: row for key in (name, "*") for row in rows.get(key, ())}
    found = definition_of(place.path, some)
    if found:
        null = "" if found.null_when in {NULL_NEVER, ""} else f" Null when: {found.null_when}."
        _say(place.field, f"{found.definition[:1].upper()}{found.definition[1:]}.{null}")


def _places(schema: Schema, known: Mapping[str, Schema]) -> Iterator[Place]:
    """Every field of a schema that some answer has, each once, with numbers in it or not."""
    seen: set[tuple[str, str]] = set()
    for path, methods in schema["paths"].items():
        for operation in methods.values():
            for answer in operation["responses"].values():
                body = answer.get("content", {}).get("application/json", {}).get("schema", {})
                for place in _walk(body, "", f"http.{last_word(path)}", known, frozenset()):
                    if (place.schema, place.name) not in seen and _holds_number(place.field):
                        seen.add((place.schema, place.name))
                        yield place


def _walk(
    one: Schema, owner: str, path: str, known: Mapping[str, Schema], above: frozenset[str]
) -> Iterator[Place]:
    """The fields below a schema; `above` are the schemas around it."""
    if "$ref" in one:
        name = one["$ref"].rpartition("/")[2]
        if name not in above:
            yield from _walk(known[name], name, path, known, above | {name})
    for each in _inside(one):
        yield from _walk(each, owner, path, known, above)
    if isinstance(one.get("additionalProperties"), dict):
        yield from _walk(one["additionalProperties"], owner, f"{path}.*", known, above)
    for name, field in one.get("properties", {}).items():
        yield Place(owner, name, f"{path}.{name}", field)
        yield from _walk(field, owner, f"{path}.{name}", known, above)


def _inside(one: Schema) -> list[Schema]:
    items = one.get("items")
    inside = [*one.get("anyOf", ()), *one.get("prefixItems", ())]
    return [*inside, items] if isinstance(items, dict) else inside


def _holds_number(one: Schema) -> bool:
    values = one.get("additionalProperties")
    within = [*_inside(one), values] if isinstance(values, dict) else _inside(one)
    return one.get("type") in {"integer", "number"} or any(map(_holds_number, within))

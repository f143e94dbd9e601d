"""Settings files from users: plain data into strict models, nothing that runs (S-26)."""

import json
from collections.abc import Iterator
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel
from pydantic import ValidationError as SchemaError

from deepmed.kit.errors import ValidationError

MAX_BYTES = 1 << 20
MAX_DEPTH = 40

Model = TypeVar("Model", bound=BaseModel)


def load_yaml(text: str, model: type[Model]) -> Model:
    """Read YAML into `model`, strictly: no conversion of types and no key it does not know.

    Raises:
        ValidationError: not YAML; a key with a leading underscore, a key given twice, `${` or an
            alias anywhere; a value that the model refuses. Names the line or the field.
        TypeError: `model` itself takes unknown keys, which a user's file must never meet.
    """
    if model.model_config.get("extra") != "forbid":
        raise TypeError(f"{model.__name__} must forbid extra keys to read a user's file.")
    data = _plain_data(text)
    try:
        # Through JSON, so that strict models still take a list for a tuple and text for an enum.
        return model.model_validate_json(json.dumps(data, default=str), strict=True)
    except SchemaError as error:
        raise ValidationError(_explain(error)) from error


def _plain_data(text: str) -> Any:
    if len(text.encode()) > MAX_BYTES:
        raise ValidationError("The configuration is larger than 1 MiB; it was not read.")
    try:
        _refuse_bombs(text)
        _check(yaml.compose(text, Loader=yaml.SafeLoader))
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise ValidationError(f"The configuration is not valid YAML: {error}") from error


def _refuse_bombs(text: str) -> None:
    """Look at the events one by one before anything is built of them.

    Ten lines of nested aliases stand for gigabytes, and a line of brackets costs minutes.
    """
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise ValidationError(_at(event, "an alias (*name) is not allowed"))
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ValidationError(_at(event, f"more than {MAX_DEPTH} levels of nesting"))


def _check(node: yaml.Node | None) -> None:
    if isinstance(node, yaml.MappingNode):
        _check_keys(node)
    for child in _children(node):
        _check(child)
    if isinstance(node, yaml.ScalarNode) and "${" in node.value:
        raise ValidationError(_at(node, "'${' is not allowed: values are taken as they are"))


def _check_keys(node: yaml.MappingNode) -> None:
    seen = set()
    for key, _value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise ValidationError(_at(key, "a key must be text"))
        if key.value.lstrip().startswith("_"):
            raise ValidationError(_at(key, f"the key {key.value!r} starts with an underscore"))
        if key.value in seen or key.value == "<<":
            raise ValidationError(_at(key, f"the key {key.value!r} stands there twice or merges"))
        seen.add(key.value)


def _children(node: yaml.Node | None) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value


def _at(place: yaml.Node | yaml.Event, problem: str) -> str:
    line = place.start_mark.line + 1 if place.start_mark else "?"
    return f"The configuration was not used: line {line}: {problem}."


def _explain(error: SchemaError) -> str:
    problems = error.errors(include_url=False, include_input=False)
    lines = [f"{'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}" for each in problems]
    return "The configuration was not used: " + "; ".join(lines) + "."

"""The form of a training: levels of effort, and a field for every value of the configuration."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, get_args

from deepmed.features.xray.configuration import LEVELS, ConfigManager, XrayConfig, level_of
from deepmed.kit.errors import ValidationError
from deepmed.learning.classification import settings as training
from deepmed.learning.networks.names import available_networks

APART = {"data.lookalikes"}
"""What pages ask for in another way."""
SIZES = ("28, 28", "64, 64", "128, 128", "224, 224", "256, 256", "512, 512")
OPTIONS: Mapping[str, Sequence[str]] = {
    "experiment.optimizer": get_args(training.Optimizer),
    "experiment.scheduler": get_args(training.Scheduler),
    "experiment.loss": get_args(training.Loss),
    "experiment.precision": get_args(training.Precision),
    "experiment.monitor_metric": training.MONITORED,
}
COLUMNS = "The table of labels"
PLACES = "Training in several places"
PARTS = {
    "columns.patient_id": COLUMNS,
    "data.class_names": "What is said of the images",
    "system.img_size": "Images and their parts",
    "experiment.color_mode": "How images are prepared",
    "experiment.network": "The network",
    "experiment.epochs": "How it learns",
    "evaluation.prevalence": "How it is judged",
}
"""Where each part of the form begins."""
OF_PLACES = {
    "experiment.num_rounds",
    "experiment.num_clients",
    "experiment.clients_per_round",
    "experiment.local_epochs",
}
"""Beside the section of that name."""
_YES_OR_NO = ("yes", "no")
_LARGEST = 2**31 - 1


@dataclass(frozen=True)
class Field:
    """A value of the configuration as a form asks for it; what is left empty stays as it was."""

    place: str
    kind: str
    help: str
    usual: str
    """Which it is, unless another is given."""
    given: str
    """Another one that was given before."""
    options: Sequence[str] = ()
    least: float | None = None
    greatest: float | None = None

    @property
    def name(self) -> str:
        return self.place.rpartition(".")[2].replace("_", " ")

    @property
    def step(self) -> str | None:
        return {"integer": "1", "number": "any"}.get(self.kind)


def form(before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a form shows, beginning with the configuration of an earlier training, if there is one.

    Args:
        before: resolved, as a run keeps it.
    """
    found: dict[str, list[Field]] = {part: [] for part in (*PARTS.values(), PLACES)}
    part = COLUMNS
    for place, leaf in leaves():
        part = PARTS.get(place, part)
        several = place in OF_PLACES or place.startswith("federated.")
        found[PLACES if several else part].append(_field(place, leaf, before))
    columns = found.pop(COLUMNS)
    return {
        "levels": LEVELS,
        "sizes": SIZES,
        "columns": columns,
        "parts": list(found.items()),
        "federated": find_spec("flwr") is not None,
        "size": next(each for each in found[PARTS["system.img_size"]] if _is_size(each)),
    }


def configuration(
    level: int | None, values: Mapping[str, str], before: Mapping[str, Any] | None = None
) -> ConfigManager:
    """The configuration that a form asks for: of an earlier training, a level, and single values.

    Raises:
        ValidationError: a place is unknown, or a value is not acceptable.
    """
    made = {section: dict(each) for section, each in (before or {}).items()}
    given: dict[str, Any] = {} if level is None else dict(level_of(level).values)
    known = dict(leaves())
    for place, text in values.items():
        if place not in known or place in APART:
            raise ValidationError(f"There is no place {place[:80]!r} in the configuration.")
        given[place] = _value(text, known[place])
    for place, value in given.items():
        section, _, name = place.partition(".")
        made.setdefault(section, {})[name] = value
    return ConfigManager(made)


def leaves() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every value that the form asks for, by its place, with its schema."""
    schema = XrayConfig.model_json_schema()
    known = schema["$defs"]
    for section, part in schema["properties"].items():
        for name, leaf in known[part["$ref"].rpartition("/")[2]]["properties"].items():
            if f"{section}.{name}" not in APART:
                yield f"{section}.{name}", _plain(leaf)


def _plain(leaf: Mapping[str, Any]) -> Mapping[str, Any]:
    """One that may be null as what it otherwise is."""
    kinds = [each for each in leaf.get("anyOf", ()) if each.get("type") != "null"]
    return {**leaf, **kinds[0]} if kinds else leaf


def _field(place: str, leaf: Mapping[str, Any], before: Mapping[str, Any] | None) -> Field:
    usual = shown(leaf.get("default"))
    section, _, name = place.partition(".")
    given = shown((before or {}).get(section, {}).get(name, leaf.get("default")))
    return Field(
        place,
        leaf["type"],
        _help(leaf),
        usual or "none",
        "" if given == usual else given,
        _options(place, leaf),
        leaf.get("minimum"),
        _bound(leaf.get("maximum")),
    )


def _options(place: str, leaf: Mapping[str, Any]) -> Sequence[str]:
    if place == "experiment.network":
        return available_networks()
    if leaf["type"] == "boolean":
        return _YES_OR_NO
    return [str(each) for each in leaf.get("enum", OPTIONS.get(place, ()))]


def _help(leaf: Mapping[str, Any]) -> str:
    said = [str(leaf["description"]).rstrip(".")]
    if leaf["type"] == "array":
        said.append("several, separated by commas")
    least, above = leaf.get("minimum"), leaf.get("exclusiveMinimum")
    most, below = _bound(leaf.get("maximum")), leaf.get("exclusiveMaximum")
    bounds = [
        f"{words} {value:g}"
        for words, value in (("from", least), ("above", above), ("to", most), ("below", below))
        if value is not None
    ]
    return "; ".join([*said, " ".join(bounds)] if bounds else said)


def _bound(value: float | None) -> float | None:
    return None if value is None or value >= _LARGEST else value


def shown(value: object) -> str:
    """A value as a form shows it, and reads it again."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _YES_OR_NO[0] if value else _YES_OR_NO[1]
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _value(text: str, leaf: Mapping[str, Any]) -> Any:
    kind = leaf["type"]
    if kind == "array":
        items = leaf.get("items") or leaf["prefixItems"][0]
        return [_value(part.strip(), items) for part in text.split(",") if part.strip()]
    if kind == "boolean" and text in _YES_OR_NO:
        return text == _YES_OR_NO[0]
    if kind in {"integer", "number"}:
        return _number(text)
    return text


def _number(text: str) -> Any:
    """A number, or the text as it is, which the configuration then refuses by its place."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, int | float) and not isinstance(found, bool) else text


def _is_size(field: Field) -> bool:
    return field.place == "system.img_size"

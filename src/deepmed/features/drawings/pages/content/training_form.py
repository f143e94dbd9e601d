"""The form for a training: packaged choices, and a field for every value of the configuration."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from deepmed.features.drawings.schemas.fields import LARGEST_SEED
from deepmed.features.drawings.training.config.models import TrainingConfig
from deepmed.features.drawings.training.config.overrides import DEFAULTS, groups
from deepmed.kit.settings import Settings
from deepmed.web.formats import cell

TABLES = {".csv", ".tsv", ".json"}
MOST_FOLDERS = 200
OWN_FIELDS = {"job_name", "environment"}
CHOSEN = {"optimizer.type", "scheduler.type"}
"""What a packaged choice says already."""
IN_THE_CLOUD = ("instance_type", "instance_count")
PARTS = {
    "": "The training",
    "model": "The network",
    "optimizer": "How the weights move",
    "scheduler": "How the step size falls",
    "data": "Which drawings do what",
}
CHOICES = {
    "model": "Network",
    "optimizer": "Optimizer",
    "scheduler": "Step size",
    "data": "Parts of the drawings",
}
SWEPT = ("optimizer=adam,adamw", "optimizer.learning_rate=0.001,0.003,0.01")


@dataclass(frozen=True)
class Field:
    """A value of the configuration as a form asks for it."""

    place: str
    name: str
    help: str
    options: Sequence[str] = ()
    numeric: bool = False
    step: str = "any"
    least: float | None = None
    greatest: float | None = None


@dataclass(frozen=True)
class Choice:
    """Packaged files of one group, with what each brings."""

    group: str
    name: str
    options: Sequence[str]
    default: str


def form(settings: Settings) -> dict[str, Any]:
    sets = list(islice(datasets(settings), MOST_FOLDERS))
    cloud = settings.sagemaker_bucket is not None
    return {
        "offered": settings.datasets_dir is not None,
        "sets": sets,
        "choices": choices(),
        "parts": fields(cloud=cloud),
        "packaged": packaged_rows(),
        "cloud": cloud,
        "swept": "\n".join(SWEPT),
    }


def datasets(settings: Settings) -> Iterator[tuple[str, str]]:
    """Each folder of the operator's with each table in it, by their names."""
    root = settings.datasets_dir
    if root is None or not root.expanduser().is_dir():
        return
    for folder in sorted(root.expanduser().iterdir()):
        if folder.is_dir() and not folder.name.startswith("."):
            yield from ((folder.name, table) for table in _tables(folder))


def choices() -> list[Choice]:
    known = groups()
    first = {
        name: value
        for each in _yaml("training")["defaults"]
        if isinstance(each, Mapping)
        for name, value in each.items()
    }
    return [Choice(group, CHOICES.get(group, group), known[group], first[group]) for group in known]


def fields(*, cloud: bool) -> list[tuple[str, list[Field]]]:
    """By the part of the configuration that they belong to."""
    schema = TrainingConfig.model_json_schema()
    left_out = OWN_FIELDS | CHOSEN | (set() if cloud else set(IN_THE_CLOUD))
    found: dict[str, list[Field]] = {}
    for place, leaf in _leaves(schema, schema["$defs"]):
        if place not in left_out:
            part = place.partition(".")[0] if "." in place else ""
            found.setdefault(part, []).append(_field(place, leaf))
    return [(PARTS.get(part, part), each) for part, each in found.items()]


def packaged_rows() -> list[list[object]]:
    """What each packaged choice brings."""
    return [
        [CHOICES.get(group, group), name, place, _shown(value)]
        for group, names in groups().items()
        for name in names
        for place, value in _yaml(f"{group}/{name}").items()
    ]


def _tables(folder: Path) -> list[str]:
    return sorted(
        each.name for each in folder.iterdir() if each.suffix.lower() in TABLES and each.is_file()
    )


def _yaml(name: str) -> dict[str, Any]:
    from importlib.resources import files  # noqa: PLC0415 - only for the form

    text = files(DEFAULTS).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    read: dict[str, Any] = yaml.safe_load(text)
    return read


def _leaves(
    schema: Mapping[str, Any], known: Mapping[str, Any], before: str = ""
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every value of a schema by its place, references followed."""
    for name, part in schema["properties"].items():
        target = {**known.get(part.get("$ref", "").rpartition("/")[2], {}), **part}
        if "properties" in target:
            yield from _leaves(target, known, f"{before}{name}.")
        else:
            yield f"{before}{name}", target


def _field(place: str, leaf: Mapping[str, Any]) -> Field:
    least, greatest = leaf.get("minimum"), leaf.get("maximum")
    kind = leaf.get("type")
    return Field(
        place,
        place.rpartition(".")[2].replace("_", " "),
        _help(leaf),
        options=[str(each) for each in leaf.get("enum", ())],
        numeric=kind in {"integer", "number"},
        step="1" if kind == "integer" else "any",
        least=least,
        greatest=greatest,
    )


def _help(leaf: Mapping[str, Any]) -> str:
    said = [leaf.get("description", "") if "enum" not in leaf else ""]
    if leaf.get("type") == "array":
        said.append("several, separated by commas")
    least = leaf.get("minimum", leaf.get("exclusiveMinimum"))
    greatest = leaf.get("maximum", leaf.get("exclusiveMaximum"))
    if least is not None and greatest not in {None, LARGEST_SEED}:
        said.append(f"{least:g} to {greatest:g}")
    elif least is not None:
        said.append(f"{least:g} or more" if "minimum" in leaf else f"above {least:g}")
    return "; ".join(each for each in said if each)


def _shown(value: object) -> str:
    return ", ".join(map(cell, value)) if isinstance(value, list) else cell(value)

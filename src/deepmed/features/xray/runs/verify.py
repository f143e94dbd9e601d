"""Count a run's figures again from its stored predictions (V-2)."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from deepmed.features.xray.runs import artifact, map_checks, oracle
from deepmed.kit.digests import json_digest

TOLERANCE = 1e-9
FITTED = 1e-6
"""How near a fit comes to the least value of its loss, where that is flat."""
_UNCHANGED = 1.0
_MIDDLE = 0.5
_REPORTED = {"train": "training", "validation": "validation", "test": "test"}
"""What the intake calls a part."""
_BOUNDS = ("low", "high")
Value = float | str | bool | None


@dataclass(frozen=True)
class Check:
    """A figure as it is stored, and as it comes out again."""

    figure: str
    stored: Value
    recomputed: Value

    @property
    def agrees(self) -> bool:
        stored, again = self.stored, self.recomputed
        if isinstance(stored, int | float) and isinstance(again, int | float):
            return abs(stored - again) <= TOLERANCE * max(1.0, abs(stored))
        return stored == again

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "agrees": self.agrees}


@dataclass(frozen=True)
class Stored:
    """What a run's figures rest on."""

    predictions: Mapping[str, Sequence[Mapping[str, Any]]]
    model: Mapping[str, Any]
    split: Mapping[str, Any]
    intake: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    configuration: Mapping[str, Any]

    @property
    def point(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.model["operating_point"]
        return found

    @property
    def offsets(self) -> Sequence[float]:
        """What calibration adds to logits; none where training weighted no class."""
        return self.point.get("offsets") or ()

    def reported(self, part: str) -> Mapping[str, Any]:
        """What the intake says of the rows of a part, each of which it looked at."""
        name = _REPORTED[part]
        found: Mapping[str, Any] = next(
            (one for one in self.intake["parts"] if one["part"] == name), {}
        )
        return found


def recompute(
    files: Mapping[str, bytes], metrics: Mapping[str, Any], configuration: Mapping[str, Any]
) -> list[Check]:
    """Every figure of a run beside the same counted again.

    Estimates are counted by an oracle that shares no code with the evaluation. Intervals are drawn
    again by the evaluation itself, which shows that they are those of the stored predictions.

    Args:
        files: the files of the run.
        metrics: the figures that its manifest has.
        configuration: the one that it was trained with.
    """
    stored = _stored(files, configuration)
    return [*_counted(stored, metrics), *_again(stored)]


def count_again(
    files: Mapping[str, bytes], metrics: Mapping[str, Any], configuration: Mapping[str, Any]
) -> list[Check]:
    """The same but for what takes long: intervals.

    Args:
        files: the files of the run.
        metrics: the figures that its manifest has.
        configuration: the one that it was trained with.
    """
    return _counted(_stored(files, configuration), metrics)


def _stored(files: Mapping[str, bytes], configuration: Mapping[str, Any]) -> Stored:
    return Stored(
        json.loads(files[artifact.PREDICTIONS]),
        json.loads(files[artifact.MODEL]),
        json.loads(files[artifact.SPLIT]),
        json.loads(files[artifact.INTAKE]),
        json.loads(files[artifact.EVALUATION]),
        configuration,
    )


def _counted(stored: Stored, metrics: Mapping[str, Any]) -> list[Check]:
    return [
        Check(
            "evaluation of the manifest", json_digest(dict(metrics)), json_digest(stored.evaluation)
        ),
        *_split(stored),
        *_crossings(stored),
        *_predictions(stored),
        *_temperature(stored),
        *_threshold(stored),
        *_figures(stored),
        *_map_checks(stored),
    ]


def _split(stored: Stored) -> Iterator[Check]:
    """The split is the one of its digest, and of rows that were all looked at."""
    parts = stored.split["parts"]
    listed = {
        part: sorted([name, digest, label] for name, digest, label, _ in rows)
        for part, rows in parts.items()
    }
    again = json_digest({"version": stored.split["version"], "parts": listed})
    yield Check("split digest", stored.split["digest"], again)
    yield Check("split digest of the model", stored.model["split_digest"], again)
    for part, rows in parts.items():
        if rows:
            yield Check(f"{part} rows", len(rows), stored.reported(part).get("total"))


def _crossings(stored: Stored) -> Iterator[Check]:
    """Nobody and no image stands in two parts, but for what the audit of a published split tells.

    It leaves what crosses between validation and test as it was published; training loses it.
    """
    for one, other in combinations(stored.split["parts"], 2):
        rows = [stored.split["parts"][part] for part in (one, other)]
        told = _told(stored, one, other)
        name = f"{_REPORTED[one]} and {_REPORTED[other]}"
        equal = {row[1] for row in rows[0]} & {row[1] for row in rows[1]}
        expected = {row[1] for row in rows[0] if row[0] in told["image"]}
        yield Check(f"equal images in {name}", len(expected), len(equal))
        people = {row[3] for row in rows[0]} & {row[3] for row in rows[1]}
        crossing = set().union(*told.values())
        known = {row[3] for row in rows[0] if row[0] in crossing} | _bound(stored)
        yield Check(f"patients in {name}", 0, len(people - known))


def _told(stored: Stored, one: str, other: str) -> dict[str, set[str]]:
    """Names of images that the audit says cross the two parts, by kind."""
    found: dict[str, set[str]] = {"patient": set(), "image": set(), "lookalike": set()}
    if {one, other} == {"validation", "test"} and stored.split["audit"]["published"]:
        for crossing in stored.split["audit"]["crossing"]:
            if {one, other} <= set(crossing["parts"]):
                found[crossing["kind"]] |= set(crossing["images"])
    return found


def _bound(stored: Stored) -> set[str]:
    """Names of patients of a published split who stand for several.

    They may be bound by images that training lost, so that no crossing names them.
    """
    audit = stored.split["audit"]
    return {name for names in audit["bound"] for name in names} if audit["published"] else set()


def _predictions(stored: Stored) -> Iterator[Check]:
    """Each image is one of its part, and what is said of it follows from its logits."""
    threshold = stored.point["threshold"]
    for part, records in stored.predictions.items():
        listed = {tuple(row) for row in stored.split["parts"][part]}
        told = {(one["image"], one["digest"], one["label"], one["patient"]) for one in records}
        yield Check(f"{part} images outside the split", 0, len(told - listed))
        yield Check(f"{part} images twice", 0, len(records) - len(told))
        rejected = len(stored.reported(part).get("rejections", ()))
        yield Check(f"{part} images scored or rejected", len(listed), len(told) + rejected)
        off = max((_off(stored, one) for one in records), default=0.0)
        yield Check(f"{part} probabilities", 0.0, 0.0 if off <= TOLERANCE else off)
        others = sum(one["decision"] != _decision(one["probability"], threshold) for one in records)
        yield Check(f"{part} decisions other than of their probability", 0, others)


def _off(stored: Stored, record: Mapping[str, Any]) -> float:
    """How far a stored probability is from that of its logits."""
    again = oracle.shares(record["logits"], stored.point["temperature"], stored.offsets)
    said: float | list[float] = record["probability"]
    pairs = zip(said, again, strict=True) if isinstance(said, list) else [(said, again[1])]
    return max(abs(one - other) for one, other in pairs)


def _decision(probability: Any, threshold: float | None) -> int:
    if threshold is None:
        return int(probability.index(max(probability)))
    return int(probability >= threshold)


def _temperature(stored: Stored) -> Iterator[Check]:
    """Calibration is that of validation, fitted again."""
    records = stored.predictions["validation"]
    labels, logits = [one["label"] for one in records], [one["logits"] for one in records]
    kept, offsets = stored.point["temperature"], stored.offsets
    fitted = None
    if offsets or not stored.point.get("classes_weighted", False):
        fitted = oracle.temperature(labels, logits, offsets)
    again = _UNCHANGED if fitted is None else fitted
    yield Check("temperature", kept, kept if abs(kept - again) <= FITTED * kept else again)
    if offsets:
        off = _furthest(labels, [oracle.shares(one, kept, offsets) for one in logits])
        yield Check("offsets", 0.0, 0.0 if off <= FITTED else off)


def _furthest(labels: Sequence[int], shares: Sequence[Sequence[float]]) -> float:
    """How far the mean probability of a class is from its share of the images, at most."""
    means = [math.fsum(column) / len(labels) for column in zip(*shares, strict=True)]
    return max(abs(mean - labels.count(name) / len(labels)) for name, mean in enumerate(means))


def _threshold(stored: Stored) -> Iterator[Check]:
    if stored.point["threshold"] is not None:
        labels, shares = _pairs(stored, "validation")
        again = oracle.youden(labels, shares)
        yield Check("threshold", stored.point["threshold"], _MIDDLE if again is None else again)


def _figures(stored: Stored) -> Iterator[Check]:
    """Estimates and the confusion matrix, by the oracle."""
    if stored.point["threshold"] is None:
        for part in stored.predictions:
            yield from _class_figures(stored, part)
        return
    prevalence = stored.configuration["evaluation"]["prevalence"]
    for part in stored.predictions:
        labels, shares = _pairs(stored, part)
        for name, threshold in (("report", stored.point["threshold"]), ("at_half", _MIDDLE)):
            report = stored.evaluation[part][name]
            again = oracle.figures(labels, shares, threshold, prevalence)
            for figure, value in again.items():
                place = f"{part}.{name}.{figure}"
                yield Check(place, report["figures"][figure]["estimate"], value)
            counts = oracle.confusion(labels, [share >= threshold for share in shares])
            for cell, count in counts.items():
                yield Check(f"{part}.{name}.{cell}", report["confusion"][cell], count)


def _class_figures(stored: Stored, part: str) -> Iterator[Check]:
    report = stored.evaluation[part]["report"]
    whole, each, table = oracle.class_figures(*_pairs(stored, part))
    for figure, value in whole.items():
        yield Check(f"{part}.report.{figure}", report["figures"][figure]["estimate"], value)
    for name, figures in zip(stored.model["classes"], each, strict=True):
        for figure, value in figures.items():
            kept = report["by_class"][name][figure]["estimate"]
            yield Check(f"{part}.report.{name}.{figure}", kept, value)
    yield Check(f"{part}.report.confusion", str(report["confusion"]), str(table))


def _map_checks(stored: Stored) -> Iterator[Check]:
    """Whether heat maps need the weights, from each image's correlation."""
    known = stored.model.get(map_checks.RECORD, {"methods": {}})
    for method, found in known["methods"].items():
        for depth, told in found["depths"].items():
            place, each = f"maps by {method}, {depth}", told["correlations"]
            yield Check(f"{place}: correlation", told["estimate"], math.fsum(each) / len(each))
            bound = told["estimate"] if told["high"] is None else told["high"]
            yield Check(f"{place}: passed", told["passed"], bound < known["limit"])


def _again(stored: Stored) -> Iterator[Check]:
    """Everything that the evaluation makes of the predictions, intervals included."""
    from deepmed.features.xray.configuration import ConfigManager  # noqa: PLC0415 - its own
    from deepmed.features.xray.runs.evaluation import figures  # noqa: PLC0415 - slow
    from deepmed.features.xray.runs.scored import ScoredPart  # noqa: PLC0415 - likewise
    from deepmed.learning.evaluation.binary import OperatingPoint  # noqa: PLC0415 - likewise

    config = ConfigManager(stored.configuration).config
    for part, records in stored.predictions.items():
        again = figures(
            OperatingPoint.from_dict(stored.point),
            ScoredPart(tuple(dict(record) for record in records)),
            classes=stored.model["classes"],
            settings=config.evaluation,
            seed=config.system.seed,
            split=part,
        )
        plain = json.loads(json.dumps(again))
        yield from _compared(part, stored.evaluation[part], plain)


def _compared(place: str, stored: Any, again: Any) -> Iterator[Check]:
    if isinstance(again, dict):
        for name, value in again.items():
            inside = stored.get(name) if isinstance(stored, dict) else None
            yield from _compared(f"{place}.{name}", inside, value)
    elif isinstance(again, list):
        size = len(stored) if isinstance(stored, list) else None
        yield Check(f"{place}.length", size, len(again))
        for number, value in enumerate(again if size == len(again) else []):
            yield from _compared(f"{place}.{number}", stored[number], value)
    elif stored != again or place.rpartition(".")[2] in _BOUNDS:
        yield Check(place, stored, again)


def _pairs(stored: Stored, part: str) -> tuple[list[int], list[Any]]:
    records = stored.predictions[part]
    return [one["label"] for one in records], [one["probability"] for one in records]

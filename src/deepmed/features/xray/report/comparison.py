"""Runs beside each other: what each has over the first, on the same patients of the test part.

The bootstrap is paired: a patient is drawn for both runs at once. Where the test parts differ there
is no difference to state, because it would mix models with patients.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deepmed.core.home import Home
from deepmed.features.xray.report import drawn
from deepmed.features.xray.report.words import in_words
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.source.pseudonyms import PATIENT, unit_of
from deepmed.kit import seeds
from deepmed.kit.errors import ValidationError

if TYPE_CHECKING:
    from deepmed.learning.evaluation.binary import Figure

FEWEST, MOST = 2, 8
TEST = "test"
LESS_IS_BETTER = ("brier", "ece")
NOTES = (
    "Each difference is the run's figure less that of the first run, on the same images of the "
    "same patients; its interval comes from drawing patients with all their images, for both runs "
    "at once.",
    "Each run decides at its own threshold, which its own validation part fixed.",
    "A difference is beyond chance where its interval leaves out 0. Several differences are "
    "several chances to be wrong: one in twenty intervals misses.",
    "A run that is chosen for these differences is chosen on the test part, and its figures are "
    "then too good. Choose on validation, and state here what came of it.",
)

_KEPT = drawn.Drawn()
UNKNOWN = (
    "Of test images here nothing says whose they are. Each of those counts as if it were a "
    "patient, and is drawn by itself; where people have several, the intervals are too narrow."
)


def compare_runs(home: Home, run_ids: Sequence[int]) -> dict[str, Any]:
    """The runs' stored figures, and what each later run has over the first.

    Args:
        home: the data folder.
        run_ids: two to eight; the first is what the others are compared with.

    Returns:
        Ready for JSON: `baseline`, `runs` (each with its figures of validation and test),
        `comparisons` (one a later run: `differences` by figure with interval, or null with
        `reason`) and `notes`.

    Raises:
        NotFoundError: a run is not there, or another owner's.
        ValidationError: there are too few or too many runs, or one is named twice.
    """
    wanted = list(run_ids)
    if not FEWEST <= len(wanted) <= MOST or len(set(wanted)) != len(wanted):
        raise ValidationError(
            f"A comparison takes {FEWEST} to {MOST} different runs; nothing was compared."
        )
    runs = [StoredRun.of(home, number) for number in wanted]
    first, *others = runs
    unit = unit_of(name for run in runs if why_not(run) is None for name in Tested.of(run).patients)
    return {
        "baseline": first.run.id,
        "runs": [_described(run) for run in runs],
        "comparisons": [_compared(first, run) for run in others],
        "notes": [
            *NOTES,
            *([] if unit == PATIENT else [UNKNOWN]),
            *filter(None, [drawn.fewer(first.run.configuration)]),
        ],
    }


@dataclass(frozen=True)
class Tested:
    """A run's test part, in an order that two runs of the same images share."""

    records: Sequence[Mapping[str, Any]]
    classes: Sequence[str]
    threshold: float | None

    @classmethod
    def of(cls, run: StoredRun) -> "Tested":
        records = sorted(run.predictions[TEST], key=lambda one: (one["digest"], one["image"]))
        return cls(records, run.model["classes"], run.model["operating_point"]["threshold"])

    @property
    def images(self) -> Counter[tuple[str, str, int]]:
        return Counter((one["digest"], one["patient"], one["label"]) for one in self.records)

    @property
    def labels(self) -> list[int]:
        return [one["label"] for one in self.records]

    @property
    def patients(self) -> list[str]:
        return [one["patient"] for one in self.records]

    @property
    def probabilities(self) -> list[Any]:
        return [one["probability"] for one in self.records]


def why_not(run: StoredRun) -> str | None:
    """Why a run has nothing to compare."""
    if not run.is_completed:
        return f"Run {run.run.id} is not completed, so it has no figures yet."
    if TEST not in run.predictions:
        return f"Run {run.run.id} has no test part: {run.evaluation['test_reason']}"
    return None


def _described(run: StoredRun) -> dict[str, Any]:
    done = run.is_completed
    evaluation = run.evaluation if done else {}
    point = run.model["operating_point"] if done else {}
    return {
        "run_id": run.run.id,
        "experiment_name": run.run.run_description,
        "training_mode": run.run.training_mode,
        "status": run.status,
        "classes": run.model["classes"] if done else None,
        "threshold": point.get("threshold"),
        "temperature": point.get("temperature"),
        **{part: _figures(evaluation.get(part)) for part in ("validation", TEST)},
        "reason": why_not(run),
    }


def _figures(part: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if part is None else part["report"]["figures"]


def _compared(first: StoredRun, second: StoredRun) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "run_id": second.run.id,
        "baseline": first.run.id,
        "same_test": None,
        "shared_patients": None,
        "n_items": None,
        "n_patients": None,
        "unit": None,
        "differences": None,
        "auroc_test": None,
        "auroc_test_reason": None,
        "statements": [],
    }
    reason = why_not(first) or why_not(second)
    if reason:
        return {**empty, "reason": reason}
    one, other = Tested.of(first), Tested.of(second)
    shared = len(set(one.patients) & set(other.patients))
    reason = _why_different(first, second, one, other, shared)
    if reason:
        return {**empty, "same_test": False, "shared_patients": shared, "reason": reason}
    return {
        **empty,
        "same_test": True,
        "shared_patients": shared,
        "n_items": len(one.records),
        "n_patients": len(set(one.patients)),
        "unit": unit_of(one.patients),
        "reason": None,
        **_KEPT.get(_key(first, second), lambda: _differences(first, second, one, other)),
    }


def _key(first: StoredRun, second: StoredRun) -> tuple[object, ...]:
    """All that a difference follows from; its sentences name the runs."""
    return tuple(
        (run.run.id, run.artifact.manifest_hash, json.dumps(run.run.configuration, sort_keys=True))
        for run in (first, second)
    )


def _why_different(
    first: StoredRun, second: StoredRun, one: Tested, other: Tested, shared: int
) -> str | None:
    names = f"Runs {first.run.id} and {second.run.id}"
    if list(one.classes) != list(other.classes):
        return f"{names} tell different classes apart, so there is no difference to state."
    if one.images == other.images:
        return None
    sizes = [
        f"{len(part.records)} images of {len(set(part.patients))} patients" for part in (one, other)
    ]
    return (
        f"{names} were tested on different images: {sizes[0]}, and {sizes[1]}, with {shared} "
        "patients in both. A difference would mix the models with the patients, so none is "
        "stated. Train both on the same source with the same seed and split, and compare those."
    )


def _differences(first: StoredRun, second: StoredRun, one: Tested, other: Tested) -> dict[str, Any]:
    from deepmed.learning.evaluation.binary import (  # noqa: PLC0415 - slow
        paired_class_differences,
        paired_differences,
    )

    configuration = first.run.configuration
    given: dict[str, Any] = {
        "resamples": drawn.resamples_of(configuration),
        "seed": seeds.derive(configuration["system"]["seed"], "comparison"),
        "split": TEST,
        "unit": unit_of(one.patients),
    }
    if one.threshold is None or other.threshold is None:
        found = paired_class_differences(
            one.labels, other.probabilities, one.probabilities, one.patients, one.classes, **given
        )
        tested = {"auroc_test_reason": "It is a test of two classes; these are more."}
    else:
        found = paired_differences(
            one.labels,
            other.probabilities,
            one.probabilities,
            one.patients,
            thresholds=(other.threshold, one.threshold),
            **given,
        )
        tested = _auroc_test(one, other)
    return {
        "differences": {name: figure.to_dict() for name, figure in found.items()},
        **tested,
        "statements": _statements(first, second, found),
    }


def _auroc_test(one: Tested, other: Tested) -> dict[str, Any]:
    from deepmed.learning.errors import InsufficientDataError  # noqa: PLC0415 - slow
    from deepmed.learning.evaluation.binary import delong_test  # noqa: PLC0415 - likewise

    try:
        test = delong_test(one.labels, other.probabilities, one.probabilities, one.patients)
    except InsufficientDataError as error:
        return {"auroc_test_reason": str(error)}
    return {"auroc_test": test.to_dict()}


def _statements(first: StoredRun, second: StoredRun, found: Mapping[str, "Figure"]) -> list[str]:
    """Each figure in a sentence."""
    return [_statement(first, second, name, figure) for name, figure in found.items()]


def _statement(first: StoredRun, second: StoredRun, name: str, figure: "Figure") -> str:
    label = in_words(name)
    if figure.estimate is None:
        return f"{label}: no difference can be stated. {figure.reason}"
    if figure.low is None or figure.high is None:
        return f"{label}: {figure.estimate:+.4f}, without an interval. {figure.reason}"
    told = f"{label}: {figure.estimate:+.4f} (95% interval {figure.low:+.4f} to {figure.high:+.4f})"
    if figure.low <= 0 <= figure.high:
        return f"{told}; not beyond chance."
    better = (figure.low > 0) != (name in LESS_IS_BETTER)
    winner = second if better else first
    return f"{told}; run {winner.run.id} is better beyond chance."

"""Which loss and which monitored metric: compared without the published test part (X-16)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepmed.core.home import Home
from deepmed.features.xray.bench.published_split import PublishedSplit, write_source
from deepmed.features.xray.bench.recipe import Effort, configured
from deepmed.features.xray.bench.scores import UNIT, at_half, of_images, of_values
from deepmed.features.xray.bench.trainings import Step, Trained, trained
from deepmed.learning.evaluation.binary import paired_differences

MIDDLE = 0.5
COMPARED = ("auroc", "brier", "balanced_accuracy", "sensitivity", "specificity")
JUDGED = {"auroc": 1, "brier": -1}
"""By which a verdict is given, and on which side the better one lies."""
CARVING_SEED = 0
SPLIT = "published validation"
CHOSEN_WITH = (
    "The recipe's other values were chosen on these images with cross-entropy and val_auroc, which "
    "speaks for these two."
)
RULE = (
    "One is called better in a figure only where the interval of the paired difference lies wholly "
    "on its side with every seed of at least two."
)


@dataclass(frozen=True)
class Question:
    """Two ways to train that differ in one value; the first is that of the recipe."""

    name: str
    ours: str
    other: str
    override: str


QUESTIONS = (
    Question("loss", "cross-entropy", "focal loss", "loss=focal"),
    Question("monitored metric", "val_auroc", "val_recall", "monitor_metric=val_recall"),
)


def compare(
    home: Home,
    split: PublishedSplit,
    seeds: Sequence[int],
    effort: Effort,
    *,
    folder: Path,
    step: Step,
) -> dict[str, Any]:
    """Train both sides of each question with every seed, and set them beside each other."""
    source = write_source(split.without_test(CARVING_SEED), folder)

    def of(name: str, seed: int, *more: str) -> Trained:
        config = configured(effort, seed, *effort.variant_overrides, *more)
        return trained(home, source, f"comparing: {name}, seed {seed}", config, step)

    ours = {seed: of("as in the recipe", seed) for seed in seeds}
    rows = []
    for question in QUESTIONS:
        others = {seed: of(question.other, seed, question.override) for seed in seeds}
        pairs = [_pair(seed, ours[seed], others[seed], effort.resamples) for seed in seeds]
        rows.append(
            {
                "question": question.name,
                "ours": question.ours,
                "other": question.other,
                "seeds": pairs,
                "spread": {
                    name: of_values([pair["difference"][name]["estimate"] for pair in pairs])
                    for name in COMPARED
                },
                "verdict": verdict(question, pairs),
            }
        )
    return {
        "compared_on": "the published validation part, on which no variant was fitted, stopped or "
        "calibrated: a tenth of the training images did that; the test part is not among the files",
        "images": split.without_test(CARVING_SEED).counts,
        "overrides": list(effort.variant_overrides),
        "rule": RULE,
        "questions": rows,
    }


def verdict(question: Question, pairs: Sequence[Mapping[str, Any]]) -> str:
    """What the differences, ours less the other's, come to in words."""
    said = [_said(question, pairs, name, sign) for name, sign in JUDGED.items()]
    return " ".join([*said, CHOSEN_WITH])


def _said(question: Question, pairs: Sequence[Mapping[str, Any]], name: str, sign: int) -> str:
    found = [pair["difference"][name] for pair in pairs]
    told = "; ".join(
        f"seed {pair['seed']}: {_written(one)}" for pair, one in zip(pairs, found, strict=True)
    )
    sides = {_side(one) * sign for one in found}
    figure = {"auroc": "AUROC", "brier": "Brier score"}[name]
    if len(pairs) > 1 and sides in ({1}, {-1}):
        better, worse = question.ours, question.other
        if sides == {-1}:
            better, worse = worse, better
        return f"{figure}: {better} is better than {worse} ({told})."
    return f"{figure}: no difference between {question.ours} and {question.other} shown ({told})."


def _written(figure: Mapping[str, Any]) -> str:
    if figure["low"] is None:
        return "no interval"
    return f"{figure['estimate']:+.4f} [{figure['low']:+.4f}, {figure['high']:+.4f}]"


def _side(figure: Mapping[str, Any]) -> int:
    """1 where the interval lies above zero, -1 where below, 0 else and where there is none."""
    if figure["low"] is None:
        return 0
    return int(figure["low"] > 0) - int(figure["high"] < 0)


def _pair(seed: int, ours: Trained, other: Trained, resamples: int) -> dict[str, Any]:
    first, second = ours.predictions["test"], other.predictions["test"]
    if [one["image"] for one in first] != [one["image"] for one in second]:
        raise AssertionError("Variants were not asked about the same images.")
    found = paired_differences(
        [one["label"] for one in first],
        [one["probability"] for one in first],
        [one["probability"] for one in second],
        [one["patient"] for one in first],
        thresholds=(MIDDLE, MIDDLE),
        resamples=resamples,
        seed=seed,
        split=SPLIT,
        unit=UNIT,
    )
    return {
        "seed": seed,
        "ours": _one(ours),
        "other": _one(other),
        "difference": {name: of_images(found[name].to_dict()) for name in COMPARED},
    }


def _one(of: Trained) -> dict[str, Any]:
    figures = at_half(of.results["test"]["at_half"], SPLIT)
    return {
        "figures": {name: figures[name] for name in figures if name in {*COMPARED, "ece"}},
        "best_epoch": of.results["best_epoch"],
        "training_seconds": of.results["training_seconds"],
        "made": of.made,
    }

"""What each figure says, in the words of a page."""

from collections.abc import Mapping, Sequence
from typing import Any

from deepmed.features.xray.runs.standing import Known
from deepmed.features.xray.source.pseudonyms import EITHER, IMAGE, PATIENT, several

MEANINGS = {
    "auroc": "how often an image with {positive} gets a higher probability than one without; "
    "0.5 is chance, 1 is never wrong",
    "auprc": "mean share of right calls over all thresholds; chance is the share of {positive} "
    "among these images",
    "sensitivity": "of the images with {positive}, the share that is called so",
    "specificity": "of the images without {positive}, the share that is left alone",
    "ppv_at_prevalence": "of those called {positive}, the share that has it, where {prevalence} "
    "of the people examined have it",
    "npv_at_prevalence": "of those not called, the share that does not have it, where {prevalence} "
    "of the people examined have {positive}",
    "ppv": "of those called {positive} among these very images, the share that has it; {share} of "
    "the images have it, and with another share this is another figure",
    "npv": "of those not called among these very images, the share that does not have it; {share} "
    "of the images have {positive}",
    "accuracy": "share of right decisions; it depends on how many of the images have {positive}",
    "balanced_accuracy": "mean of sensitivity and specificity",
    "f1": "harmonic mean of sensitivity and positive predictive value among these images",
    "brier": "mean square of what the probability is off by; 0 is best",
    "ece": "mean distance of stated probability and observed share; 0 is best, and few images "
    "scatter above it",
    "prevalence": "of these images; elsewhere it is another",
}
SEVERAL = {
    "accuracy": "share of right decisions",
    "balanced_accuracy": "mean sensitivity of the classes",
    "macro_auroc": "how often an image of a class gets a higher probability of it than another "
    "image, mean of the classes; 0.5 is chance",
    "macro_auprc": "mean share of right calls over all thresholds, mean of the classes",
    "macro_sensitivity": "of the images of a class, the share that is called so, mean of the "
    "classes",
    "macro_specificity": "of the images of other classes, the share that is not called so",
    "macro_ppv": "of the images called a class, the share that is one, among these very images",
    "macro_f1": "harmonic mean of the two above, mean of the classes",
    "brier": "sum of squares of what the probabilities are off by, 0 to 2; 0 is best",
    "ece": "mean distance of the chosen class's probability and the share of right decisions",
}
"""With several classes."""
INTERVALS = {
    PATIENT: "Intervals are over patients: a patient is drawn with all images of theirs, "
    "{resamples} times.",
    IMAGE: "Intervals are over images, {resamples} draws: nothing says whose the images are. Where "
    "people have several, the intervals are too narrow.",
    EITHER: "Intervals are over patients, drawn {resamples} times with all images of theirs, and "
    "over images of which nothing says whose they are. Where those are of the same people, the "
    "intervals are too narrow.",
}
MOVE = (
    "They say how far the figure would move with other {units} of the same kind, and nothing of "
    "other hospitals, devices or people. Where a figure needs both classes, the {units} named are "
    "those of the smaller one."
)
COLUMNS = {PATIENT: "patients", IMAGE: "images drawn", EITHER: "patients or images"}
"""Over what figures are, as the head of a column."""
BEFORE_TEST = "Threshold and calibration were fixed on validation, before the test part was opened."
FIXED_HERE = (
    "Threshold and calibration were fixed on these very images, so their figures are a little too "
    "good. What counts are those of the test part."
)


def intervals(unit: str, resamples: int) -> str:
    """What the intervals say."""
    first = INTERVALS[unit].format(resamples=f"{resamples:,}")
    return f"{first} {MOVE.format(units=several(unit))}"


def rests_on(images: int, units: int, known: Known) -> str:
    """How many images of how many people, and of how many images that is known."""
    if known.unit == PATIENT:
        return f"{counted(images, 'image')} of {counted(units, PATIENT)}"
    told = f"patients known: of {known.known:,} of {known.images:,} images"
    return f"{counted(images, 'image')} of {counted(units, known.unit)} ({told})"


def tested(looks: Sequence[str]) -> str:
    """What is to be known of the test part; `looks` has the run of each look at it."""
    if len(looks) == 1:
        return f"{BEFORE_TEST} It was looked at once."
    if not looks:
        return f"{BEFORE_TEST} How often it was looked at is not on record here."
    runs = list(dict.fromkeys(looks))
    named = f"{', '.join(runs[:-1])} and {runs[-1]}" if len(runs) > 1 else runs[0]
    return (
        f"{BEFORE_TEST} It was looked at {len(looks)} times, by run{'s'[: len(runs) > 1]} {named}. "
        "Who chooses among runs by these figures has figures that are too good."
    )


def meaning(name: str, report: Mapping[str, Any], classes: Sequence[str]) -> str:
    """What a figure says; empty for one that nobody has described."""
    if len(classes) > 2:
        return SEVERAL.get(name, "")
    share, stated = report["figures"]["prevalence"]["estimate"], report["prevalence"]
    return MEANINGS.get(name, "").format(
        positive=classes[-1],
        prevalence="a stated share" if stated is None else percent(stated),
        share=percent(share),
    )


def percent(share: float | None) -> str:
    """`10 %`, `0.5 %`; a dash where nothing was stated."""
    return "–" if share is None else f"{100 * share:.3g} %"  # noqa: RUF001 - a dash for "none"


def estimate(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"  # noqa: RUF001 - likewise


def interval(figure: Mapping[str, Any]) -> str:
    """`0.912 (95 % interval 0.884 to 0.937; 312 patients, 390 images)`, or why there is none."""
    if figure["estimate"] is None:
        return f"cannot be had: {figure['reason']}"
    if figure["low"] is None:
        return f"{figure['estimate']:.3f} (no interval: {figure['reason']})"
    return (
        f"{figure['estimate']:.3f} ({percent(figure['level'])} interval {figure['low']:.3f} to "
        f"{figure['high']:.3f}; {counted(figure['sample_size'], figure['unit'])}, "
        f"{counted(figure['n_items'], 'image')})"
    )


def counted(number: int, what: str) -> str:
    """`1 image`, `1,024 images`."""
    return f"{number:,} {what if number == 1 else several(what)}"

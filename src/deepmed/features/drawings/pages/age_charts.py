"""Charts across ages; only where the models tell ages apart may they be drawn (D-27)."""

from collections.abc import Sequence
from dataclasses import dataclass

from deepmed.web.charts import Chart
from deepmed.web.svg import (
    ACCENT,
    BOTTOM,
    HEIGHT,
    INK,
    LEFT,
    RIGHT,
    SOFT,
    TOP,
    WIDTH,
    Axis,
    drawn,
    frame,
    line,
    text,
)

WHAT_IF = "For which ages would this drawing be typical?"
BY_AGE = "The child's drawings by age"
MOST = 100.0


@dataclass(frozen=True)
class AgeStep:
    """A drawing's p among the children of an age group."""

    ages: str
    """In words."""
    age_min: float
    age_max: float
    p_value: float | None
    children: int
    """How many others it is ranked among."""
    reason: str | None
    """Why there is no p."""


@dataclass(frozen=True)
class Drawn:
    """A drawing of a child with its answer."""

    drawing_id: int
    age: float
    place: float | None
    """Of 100 drawings; None without an answer."""
    words: str
    flagged: bool


def what_if(steps: Sequence[AgeStep], age: float) -> Chart:
    """The p of a drawing under each age group's model, with a line at the child's own age.

    Args:
        steps: at least one, in order of age.
        age: of the child, in years.
    """
    low = min(*(step.age_min for step in steps), age)
    high = max(*(step.age_max for step in steps), age)
    across = Axis(low, high, LEFT, WIDTH - RIGHT)
    up = Axis(0.0, 1.0, HEIGHT - BOTTOM, TOP)
    ends = sorted({step.age_min for step in steps} | {step.age_max for step in steps})
    body = [
        *frame(across, up, "age in years", "p: share at least as unusual", ticks=False),
        *[text(across.at(end), HEIGHT - BOTTOM + 16, f"{end:g}", "middle") for end in ends],
        line(across.at(age), TOP - 8, across.at(age), HEIGHT - BOTTOM, colour=ACCENT, dashed=True),
        _beside(across.at(age), "this child"),
        *[shape for step in steps for shape in _step(across, up, step)],
    ]
    rows: list[list[object]] = [
        [step.ages, step.p_value, step.children, step.reason] for step in steps
    ]
    return Chart(WHAT_IF, drawn(WHAT_IF, body), ["ages", "p", "other children", "why not"], rows)


def by_age(drawings: Sequence[Drawn], percentile: float | None) -> Chart:
    """Where each of a child's drawings stands among those of its age.

    Args:
        drawings: at least one with an answer, in order of age.
        percentile: from which drawings are flagged, where one rule holds for all of them.
    """
    ages = [one.age for one in drawings]
    across = Axis(min(ages) - 0.5, max(ages) + 0.5, LEFT, WIDTH - RIGHT)
    up = Axis(0.0, MOST, HEIGHT - BOTTOM, TOP)
    placed = [one for one in drawings if one.place is not None]
    points = " ".join(f"{across.at(one.age)},{up.at(one.place or 0.0)}" for one in placed)
    body = [
        *frame(across, up, "age in years", "more unusual than, of 100"),
        *([] if percentile is None else _rule(up, percentile)),
        f'<polyline points="{points}" fill="none" stroke="{SOFT}" stroke-width="1.5"/>',
        *[
            f'<circle cx="{across.at(one.age)}" cy="{up.at(one.place or 0.0)}" r="5" '
            f'fill="{ACCENT if one.flagged else SOFT}" stroke="{INK}"/>'
            for one in placed
        ],
    ]
    rows: list[list[object]] = [[one.age, one.drawing_id, one.place, one.words] for one in drawings]
    columns = ["age in years", "drawing", "place of 100", "answer"]
    return Chart(BY_AGE, drawn(BY_AGE, body), columns, rows)


def _step(across: Axis, up: Axis, step: AgeStep) -> list[str]:
    start, end = across.at(step.age_min), across.at(step.age_max)
    if step.p_value is None:
        return [text((start + end) / 2, up.at(0) - 6, "none", "middle")]
    high = up.at(step.p_value)
    return [
        f'<rect x="{start + 1}" y="{high}" width="{end - start - 2:.2f}" '
        f'height="{up.at(0) - high:.2f}" fill="{SOFT}" fill-opacity=".35"/>',
        line(start + 1, high, end - 1, high, colour=SOFT, width=3),
        text((start + end) / 2, high - 6, f"{step.p_value:.2f} (n {step.children})", "middle"),
    ]


def _rule(up: Axis, percentile: float) -> list[str]:
    high = up.at(percentile)
    return [
        line(LEFT, high, WIDTH - RIGHT, high, colour=ACCENT, dashed=True),
        text(WIDTH - RIGHT, high - 4, "flagged from here", "end"),
    ]


def _beside(x: float, words: str) -> str:
    anchor, beside = ("end", -5) if x > WIDTH / 2 else ("start", 5)
    return text(x + beside, TOP - 1, words, anchor)

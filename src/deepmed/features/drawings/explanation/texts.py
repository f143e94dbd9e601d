"""Words for measured facts, and only for those; neutral, for three kinds of reader (D-18, D-28).

No sentence here says more than a number that stands beside it. A flag is a prompt to look at the
drawing, so no word of illness, danger or severity may appear: a test holds every text against
`FORBIDDEN_WORDS`.
"""

import math
import re
from dataclasses import dataclass, field
from enum import StrEnum

from deepmed.kit.errors import ConfigurationError

FORBIDDEN_WORDS = (
    "abnormal",
    "abuse",
    "alarming",
    "autis",
    "clinical sign",
    "concerning",
    "danger",
    "defect",
    "deficit",
    "delay",
    "developmental",
    "deviant",
    "diagnos",
    "disease",
    "disorder",
    "disturb",
    "handicap",
    "harmless",
    "illness",
    "impair",
    "mental",
    "neglect",
    "patholog",
    "problem",
    "psychiatr",
    "psychological",
    "retard",
    "risk",
    "serious",
    "severe",
    "severity",
    "sick",
    "suspect",
    "suspicious",
    "symptom",
    "trauma",
    "warning",
    "worry",
)
"""Beginnings of words, in lower case; `harmless` too, because nobody has measured that."""

_ITS_AGE = re.compile(r"No model covers the age of [\d.]+ years")

FLAGGED_CHIP = "unusual in this group"
UNFLAGGED_CHIP = "not unusual in this group"
NO_ANSWER_CHIP = "no answer"

FIRST_STEPS = (
    "What to do first: look at the drawing itself; check that the age is right and that the "
    "picture shows the whole page; ask how and with what it was made; look at other drawings of "
    "the same child."
)


class Reader(StrEnum):
    """For whom a text is written."""

    RESEARCHER = "researcher"
    EDUCATOR = "educator"
    PARENT = "parent"


@dataclass(frozen=True)
class Place:
    """Where on the page a region lies, and its share of what raises the score."""

    where: str
    share: float
    empty: bool = False
    """No ink there: it is the lack of it that raises the score."""


@dataclass(frozen=True)
class Facts:
    """What was measured of one drawing; nulls are left unsaid."""

    decision: str
    reason: str | None
    is_anomaly: bool
    normalized_score: float | None
    percentile: float | None
    flagged_of_100: float | None
    children: int | None
    role: str | None
    at_most: bool = False
    """`flagged_of_100` is an upper bound: comparison children made several drawings each."""
    undecided: bool = False
    borderline: bool = False
    among: str = "of this group"
    confidence: float | None = None
    ink_percent: float | None = None
    ink_below: int | None = None
    """How many of the compared typical drawings have less ink."""
    ink_compared: int | None = None
    placement: str | None = None
    regions: list[Place] = field(default_factory=list)
    map_is_faithful: bool | None = None
    map_measured_on: str = "map"
    """`map`: this very map; `model`: other maps by the same model."""
    neighbours: list[tuple[int, float]] = field(default_factory=list)
    """Nearest typical drawings and their cosine similarity."""


RANKED_ONLY = {"not_supported", "in_sample"}
"""Decisions that could not have been a flag, though there may be a rank."""


class ExplanationGenerator:
    """Writes the explanation of one analysis.

    Texts for parents are written only where the operator has switched them on.
    """

    def __init__(self, *, parent_texts: bool = False) -> None:
        self.parent_texts = parent_texts

    def refuse_parent(self, reader: Reader) -> None:
        """Refuse a text for parents where it is switched off.

        Raises:
            ConfigurationError: it was asked for and is switched off.
        """
        if reader is Reader.PARENT and not self.parent_texts:
            raise ConfigurationError(
                "Texts for parents are switched off. An operator can switch them on with "
                "DEEPMED_PARENT_TEXTS=true."
            )

    def generate_explanation(self, facts: Facts, reader: Reader = Reader.EDUCATOR) -> list[str]:
        """Sentences in the order in which they should be read.

        Raises:
            ConfigurationError: a text for parents was asked for and is switched off.
        """
        self.refuse_parent(reader)
        if facts.normalized_score is None:
            return _no_answer(facts)
        sentences = [_main(facts, reader), *_flag(facts), *_limits(facts)]
        if reader is not Reader.PARENT:
            sentences += [*_where(facts), *_measures(facts), *_neighbours(facts)]
        if reader is Reader.RESEARCHER:
            sentences += _numbers(facts)
        return sentences


def chip(decision: str, *, is_anomaly: bool, normalized_score: float | None) -> str:
    """The two or three words beside a drawing."""
    if decision in {"ranked", "manual"} and normalized_score is not None:
        return FLAGGED_CHIP if is_anomaly else UNFLAGGED_CHIP
    return NO_ANSWER_CHIP


def shared_reason(reason: str) -> str:
    """The reason without the one drawing's age, so that drawings with the same one are counted."""
    return _ITS_AGE.sub("No model covers these ages", reason)


def place_of_100(normalized_score: float) -> str:
    """`98 of 100`: rounded down, because no drawing is more unusual than all of them, itself too.

    Args:
        normalized_score: 0 to 100.
    """
    return f"{math.floor(normalized_score)} of 100"


def natural_frequency(
    flagged_of_100: float | None, children: int | None, *, at_most: bool = False
) -> str | None:
    """How many typical drawings are flagged, and how many children stand behind that figure.

    Args:
        flagged_of_100: of a hundred typical drawings.
        children: comparison children.
        at_most: the figure is an upper bound and not the rate itself.
    """
    if flagged_of_100 is None or children is None:
        return None
    about = "At most about" if at_most else "About"
    return (
        f"{about} {flagged_of_100:.3g} of 100 typical drawings are flagged; this group has "
        f"{children} children to compare with."
    )


def _main(facts: Facts, reader: Reader) -> str:
    if reader is Reader.PARENT:
        if facts.decision == "not_supported":
            return "There is no answer: too few drawings of other children to compare with."
        if facts.decision == "in_sample":
            return "There is no answer: the rule in force does not apply to this drawing."
        seen = "stood out from" if facts.is_anomaly else "did not stand out from"
        return f"The drawing {seen} the collected drawings of other children."
    place = place_of_100(facts.normalized_score or 0.0)
    return f"More unusual than about {place} drawings {facts.among}{_verdict(facts)}."


def _verdict(facts: Facts) -> str:
    if facts.decision in RANKED_ONLY:
        return ""
    return ", so it is flagged" if facts.is_anomaly else ", which is not enough to flag it"


def _no_answer(facts: Facts) -> list[str]:
    reason = facts.reason or "There is nothing to compare with."
    return [f"There is no answer for this drawing. {reason}"]


def _flag(facts: Facts) -> list[str]:
    """What every flag carries: how often typical drawings are flagged, and what to do first."""
    if not facts.is_anomaly:
        return []
    frequency = natural_frequency(facts.flagged_of_100, facts.children, at_most=facts.at_most)
    return [*([frequency] if frequency else []), FIRST_STEPS]


def _limits(facts: Facts) -> list[str]:
    sentences = []
    if facts.decision in RANKED_ONLY and facts.reason:
        sentences.append(facts.reason)
    if facts.undecided:
        sentences.append(
            "Undecided at this number of children: others to compare with could turn the answer."
        )
    if facts.borderline:
        sentences.append(
            "The score lies so close to the threshold that another machine could decide otherwise."
        )
    if facts.role and facts.role != "new":
        sentences.append(
            "Drawings of this child took part in training, so this one is ranked against the other "
            "children. How many of such drawings are flagged is fixed by construction."
        )
    return sentences


def _where(facts: Facts) -> list[str]:
    if not facts.regions:
        return []
    parts = ", ".join(
        f"{where} ({share:.0%}{', nothing is drawn there' if empty else ''})"
        for where, share, empty in _merged(facts.regions)
    )
    return [f"What raises its score most lies here: {parts}.{_trust(facts)}"]


def _merged(regions: list[Place]) -> list[tuple[str, float, bool]]:
    shares: dict[str, float] = {}
    for region in regions:
        shares[region.where] = shares.get(region.where, 0.0) + region.share
    drawn = {region.where for region in regions if not region.empty}
    return [(where, share, where not in drawn) for where, share in shares.items()]


def _trust(facts: Facts) -> str:
    if facts.map_is_faithful is None:
        return " How faithful this map is to the score was not measured."
    if facts.map_measured_on == "model":
        found = "found" if facts.map_is_faithful else "found not"
        advice = "" if facts.map_is_faithful else ": do not rely on this one"
        return f" Maps by this model were {found} faithful to the score on other drawings{advice}."
    if facts.map_is_faithful:
        return ""
    return " This map was found not faithful to the score: do not rely on it."


def _measures(facts: Facts) -> list[str]:
    sentences = []
    if facts.ink_percent is not None:
        rank = _more_ink_than(facts.ink_below, facts.ink_compared)
        sentences.append(f"Lines and colour cover {facts.ink_percent:.1f}% of the page{rank}.")
    if facts.placement:
        place = "in" if facts.placement == "centre" else "towards"
        where = "middle" if facts.placement == "centre" else facts.placement
        sentences.append(f"Most of it lies {place} the {where} of the page.")
    return sentences


def _more_ink_than(below: int | None, compared: int | None) -> str:
    if below is None or not compared:
        return ""
    if below == 0:
        return f"; none of {compared} typical drawings has less"
    return f", more than in {below} of {compared} typical drawings"


def _neighbours(facts: Facts) -> list[str]:
    if not facts.neighbours:
        return []
    names = ", ".join(f"{drawing} (similarity {alike:.2f})" for drawing, alike in facts.neighbours)
    return [f"The typical drawings most like it are: {names}."]


def _numbers(facts: Facts) -> list[str]:
    sure = "not given" if facts.confidence is None else f"{facts.confidence:.2f}"
    rule = "set by hand" if facts.percentile is None else f"percentile {facts.percentile:g}"
    return [f"Rule: {rule}. How sure the decision is, given these children: {sure}."]

"""Words for measured facts, and only for those; neutral, for three kinds of reader (D-18, D-28).

No sentence here says more than a number that stands beside it. A flag is a prompt to look at the
drawing, so no word of illness, danger or severity may appear: a test holds every text against
`FORBIDDEN_WORDS`.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from deepmed.kit.errors import ConfigurationError

FORBIDDEN_WORDS = (
    "abnormal",
    "abuse",
    "alarming",
    "autism",
    "clinical sign",
    "concerning",
    "danger",
    "deficit",
    "delay",
    "developmental",
    "diagnos",
    "disease",
    "disorder",
    "disturb",
    "impair",
    "pathology",
    "patholog",
    "problem",
    "retard",
    "risk",
    "severe",
    "suspicious",
    "symptom",
    "trauma",
    "warning",
    "worry",
)

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
    undecided: bool = False
    borderline: bool = False
    among: str = "of this group"
    confidence: float | None = None
    ink_percent: float | None = None
    ink_rank: float | None = None
    """Share of the group's typical drawings with less ink, 0 to 1."""
    placement: str | None = None
    regions: list[tuple[str, float]] = field(default_factory=list)
    """Where on the page, and its share of the score."""
    map_is_faithful: bool | None = None
    neighbours: list[tuple[int, float]] = field(default_factory=list)
    """Nearest typical drawings and their cosine similarity."""


class ExplanationGenerator:
    """Writes the explanation of one analysis.

    Texts for parents are written only where the operator has switched them on.
    """

    def __init__(self, *, parent_texts: bool = False) -> None:
        self.parent_texts = parent_texts

    def generate_explanation(self, facts: Facts, reader: Reader = Reader.EDUCATOR) -> list[str]:
        """Sentences in the order in which they should be read.

        Raises:
            ConfigurationError: a text for parents was asked for and is switched off.
        """
        if reader is Reader.PARENT and not self.parent_texts:
            raise ConfigurationError(
                "Texts for parents are switched off. An operator can switch them on with "
                "DEEPMED_PARENT_TEXTS=true."
            )
        if facts.normalized_score is None:
            return _no_answer(facts)
        sentences = [_main(facts, reader), *_frequency(facts), *_limits(facts)]
        if reader is not Reader.PARENT:
            sentences += [*_where(facts), *_measures(facts), *_neighbours(facts)]
        if reader is Reader.RESEARCHER:
            sentences += _numbers(facts)
        if facts.is_anomaly:
            sentences.append(FIRST_STEPS)
        return sentences


def chip(decision: str, *, is_anomaly: bool, normalized_score: float | None) -> str:
    """The two or three words beside a drawing."""
    if decision in {"ranked", "manual"} and normalized_score is not None:
        return FLAGGED_CHIP if is_anomaly else UNFLAGGED_CHIP
    return NO_ANSWER_CHIP


def natural_frequency(flagged_of_100: float | None, children: int | None) -> str | None:
    """`about 5 of 100 typical drawings are flagged; this group has n children`."""
    if flagged_of_100 is None or children is None:
        return None
    return (
        f"About {flagged_of_100:.3g} of 100 typical drawings are flagged like this one; "
        f"{children} children are compared with."
    )


def _main(facts: Facts, reader: Reader) -> str:
    place = facts.normalized_score or 0.0
    if reader is Reader.PARENT:
        seen = "stood out from" if facts.is_anomaly else "did not stand out from"
        return f"The drawing {seen} the collected drawings of other children."
    more = "more unusual than about"
    where = f"among the drawings {facts.among}"
    verdict = "" if facts.is_anomaly else ", which is not enough to flag it"
    return f"The drawing is {more} {place:.0f} of 100 {where}{verdict}."


def _no_answer(facts: Facts) -> list[str]:
    reason = facts.reason or "There is nothing to compare with."
    return [f"There is no answer for this drawing. {reason}"]


def _frequency(facts: Facts) -> list[str]:
    sentence = natural_frequency(facts.flagged_of_100, facts.children) if facts.is_anomaly else None
    return [sentence] if sentence else []


def _limits(facts: Facts) -> list[str]:
    sentences = []
    if facts.decision == "not_supported" and facts.reason:
        sentences.append(facts.reason)
    if facts.undecided:
        sentences.append("At this number of children the decision is undecided.")
    if facts.borderline:
        sentences.append(
            "The score lies so close to the threshold that another machine could decide otherwise."
        )
    if facts.role and facts.role != "new":
        sentences.append(
            "The child's own drawings took part in training, so the drawing is ranked against the "
            "other children, and its share of flags is fixed by construction."
        )
    return sentences


def _where(facts: Facts) -> list[str]:
    if not facts.regions:
        return []
    shares: dict[str, float] = {}
    for where, share in facts.regions:
        shares[where] = shares.get(where, 0.0) + share
    parts = ", ".join(f"{where} ({share:.0%} of the map)" for where, share in shares.items())
    trust = {
        True: "",
        False: " This map was found not faithful to the score: do not rely on it.",
        None: " How faithful this map is to the score was not measured.",
    }[facts.map_is_faithful]
    return [f"What contributes most lies in these places: {parts}.{trust}"]


def _measures(facts: Facts) -> list[str]:
    sentences = []
    if facts.ink_percent is not None:
        rank = (
            f", more than in {facts.ink_rank:.0%} of the group's typical drawings"
            if facts.ink_rank is not None
            else ""
        )
        sentences.append(f"Lines and colour cover {facts.ink_percent:.1f} % of the page{rank}.")
    if facts.placement:
        place = "in" if facts.placement == "centre" else "towards"
        where = "middle" if facts.placement == "centre" else facts.placement
        sentences.append(f"Most of it lies {place} the {where} of the page.")
    return sentences


def _neighbours(facts: Facts) -> list[str]:
    if not facts.neighbours:
        return []
    names = ", ".join(f"{drawing} (similarity {alike:.2f})" for drawing, alike in facts.neighbours)
    return [f"The typical drawings most like it are: {names}."]


def _numbers(facts: Facts) -> list[str]:
    sure = "not given" if facts.confidence is None else f"{facts.confidence:.2f}"
    rule = "set by hand" if facts.percentile is None else f"percentile {facts.percentile:g}"
    return [f"Rule: {rule}. How sure the decision is, given these children: {sure}."]

"""The answer in plain words for a researcher, an educator, a clinician or a parent (D-18, D-28)."""

from collections.abc import Mapping
from typing import Any

from deepmed.features.drawings.explanation.texts import (
    ExplanationGenerator,
    Facts,
    Reader,
    natural_frequency,
)
from deepmed.features.drawings.interpretability.loading import Known
from deepmed.features.drawings.interpretability.wording import (
    compared_with,
    confidence_level,
    why_no_confidence,
)
from deepmed.features.drawings.schemas.interpretability import (
    SimplifiedExplanationResponse,
    VisualIndicator,
    as_reasons,
)
from deepmed.kit.errors import ConfigurationError, ConflictError
from deepmed.kit.settings import Settings

CHECK = (
    "Look at the drawing itself, and check that the age is right and that the picture shows the "
    "whole page."
)
ASK = "Ask how and with what the drawing was made."
OTHERS = "Look at other drawings of the same child before you think of anything else."
ADVICE = {
    "educator": (
        CHECK,
        "Let the child tell about the drawing, and ask how and with what it was made.",
        OTHERS,
    ),
    "clinician": (
        CHECK,
        "Ask about the setting: the task, the time, the tools, and whether somebody helped.",
        "Take it as a prompt to look at more drawings; it is no finding about the child.",
    ),
    "researcher": (
        "Read the rank together with the number of comparison children and the role of the child.",
        "Look up in the model's report how many planted drawings it finds, and whether it tells "
        "ages apart.",
        "Rely on the places of the map only where it was measured to be faithful.",
    ),
    "parent": (
        "Look at the drawing together, and let your child tell about it.",
        "One drawing says little: look at several.",
        "Ask whoever gave you this page how the comparison was made.",
    ),
    "general": (CHECK, ASK, OTHERS),
}
"""What to do first, by reader; a role that is not here gets the general advice."""
READERS = {"researcher": Reader.RESEARCHER, "parent": Reader.PARENT}
NOTHING_TO_DO = "This answer alone gives no reason to do anything; it does not say more than that."
NOT_ABOUT_THE_CHILD = "It says how the drawing stands beside others, and nothing about the child."
NO_RATE = "How many typical drawings are flagged cannot be said here."


def simplified(known: Known, role: str, settings: Settings) -> SimplifiedExplanationResponse:
    """The plain answer.

    Raises:
        ConflictError: a text for parents was asked for and is switched off.
    """
    wanted = role.strip().lower()
    wanted = wanted if wanted in ADVICE else "general"
    reader, facts = READERS.get(wanted, Reader.EDUCATOR), known.facts
    try:
        said = ExplanationGenerator(parent_texts=settings.parent_texts).generate_explanation(
            facts, reader
        )
    except ConfigurationError as error:
        raise ConflictError(error.message) from error
    return SimplifiedExplanationResponse(
        summary=said[0],
        key_findings=_findings(facts, reader),
        visual_indicators=[] if reader is Reader.PARENT else _indicators(known),
        confidence_level=confidence_level(facts.confidence),
        age_appropriate_context=compared_with(known.analysis, known.model),
        recommendations=_advice(facts, wanted),
        user_role=wanted,
        natural_frequency=_frequency(facts),
        reasons=as_reasons(
            {
                "confidence_level": why_no_confidence(known.analysis),
                "visual_indicators": _why_no_indicators(known, reader),
            }
        ),
    )


def _frequency(facts: Facts) -> str | None:
    return natural_frequency(facts.flagged_of_100, facts.children, at_most=facts.at_most)


def _findings(facts: Facts, reader: Reader) -> list[str]:
    found = [_verdict(facts), _frequency(facts) or NO_RATE]
    return [*found, NOT_ABOUT_THE_CHILD if reader is Reader.PARENT else _where(facts)]


def _verdict(facts: Facts) -> str:
    if facts.normalized_score is None or facts.decision in {"not_supported", "in_sample"}:
        return "There is no decision about this drawing."
    if facts.undecided:
        return "The decision is undecided at this number of children."
    is_or_not = "is" if facts.is_anomaly else "is not"
    return f"The drawing {is_or_not} flagged among those {facts.among}."


def _where(facts: Facts) -> str:
    if not facts.regions:
        return "No single place on the page raises its score."
    first = facts.regions[0]
    empty = ", where nothing is drawn" if first.empty else ""
    return f"The place that raises its score most is the {first.where}{empty} ({first.share:.0%})."


def _advice(facts: Facts, role: str) -> list[str]:
    if facts.is_anomaly:
        return list(ADVICE[role])
    return [NOTHING_TO_DO, *ADVICE[role][1:]]


def _why_no_indicators(known: Known, reader: Reader) -> str | None:
    if reader is Reader.PARENT:
        return "Texts for parents show no measurements."
    return known.reason


def _indicators(known: Known) -> list[VisualIndicator]:
    """Three measures of the drawing beside those of typical ones."""
    if known.explanation is None:
        return []
    content = known.explanation.row.facts["content"]
    facts = content["facts"]
    found = [_share("Ink on the page", facts["ink_coverage"])]
    if "box_width" in facts:
        found.append(_share("Width of the drawing on the page", facts["box_width"]))
        found.append(_share("Height of the drawing on the page", facts["box_height"]))
    return found


def _share(name: str, fact: Mapping[str, Any]) -> VisualIndicator:
    return VisualIndicator(indicator=f"{name}: {fact['value']:.0%}", meaning=_beside_typical(fact))


def _beside_typical(fact: Mapping[str, Any]) -> str:
    if fact["rank"] is None:
        return "There are no typical drawings to compare this with."
    less = round(fact["rank"] * fact["compared"])
    return f"{less} of {fact['compared']} typical drawings have less."

"""Examples out of the drawings that are loaded, or none (D-29)."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from deepmed.features.drawings.explanation.texts import place_of_100
from deepmed.features.drawings.interpretability import repository
from deepmed.features.drawings.interpretability.repository import Answered
from deepmed.features.drawings.interpretability.wording import compared_with, confidence_level
from deepmed.features.drawings.models import repository as models
from deepmed.features.drawings.models.ranges import AgeRange, range_of
from deepmed.features.drawings.schemas.interpretability import (
    ComparisonExample,
    ComparisonExamplesResponse,
    ExamplePattern,
    PatternMetadata,
)
from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ValidationError

NORMAL, ANOMALOUS, BOTH, BORDERLINE = "normal", "anomalous", "both", "borderline"
NAMES = {
    NORMAL: "Among the least unusual",
    ANOMALOUS: "Flagged as unusual",
    BORDERLINE: "The least settled decision",
}
DESCRIPTIONS = {
    NORMAL: "Of the analysed drawings of its group, the one that ranks as the least unusual.",
    ANOMALOUS: "Of the flagged drawings of its group, the one that ranks as the most unusual.",
    BORDERLINE: "Of its group's analysed drawings, the one whose decision is the least settled.",
}
NO_SIGNIFICANCE = "What a look of drawings says of a child was not measured, so nothing is said."
MEASURES = {
    "ink_coverage": "ink on {:.0%} of the page",
    "box_width": "as wide as {:.0%} of the page",
    "box_height": "as high as {:.0%} of the page",
    "strokes": "{:.0f} connected lines",
}


def parse_ages(text: str) -> AgeRange:
    """`6-9` or `6.0-9.0`. Raises ValidationError."""
    low, _, high = text.partition("-")
    try:
        return AgeRange(float(low), float(high))
    except (ValueError, ValidationError) as error:
        raise ValidationError(
            f"{text[:50]!r} is no age group: write it as 6-9, between 2 and 18 years."
        ) from error


def closed_like_a_model(session: Session, owner_id: int, ages: AgeRange) -> AgeRange:
    """The upper end belongs to the group where it does so for the model of these ages."""
    known = [range_of(row) for row in models.active_models(session, owner_id)]
    same = [one for one in known if (one.age_min, one.age_max) == (ages.age_min, ages.age_max)]
    return same[0] if same else ages


@dataclass(frozen=True)
class ExampleFinder:
    """Looks among the newest answers of one owner."""

    bench: Workbench

    def comparisons(
        self, age_group: str, example_type: str, subject: str | None, limit: int
    ) -> ComparisonExamplesResponse:
        """Drawings of an age group, unflagged and flagged.

        Raises:
            ValidationError: no age group, or no such type.
        """
        if example_type not in {NORMAL, ANOMALOUS, BOTH}:
            raise ValidationError(
                f"{example_type[:50]!r} is no type of examples: choose {NORMAL}, {ANOMALOUS} or "
                f"{BOTH}."
            )
        found: dict[bool, list[Answered]] = {False: [], True: []}
        total, owner = 0, self.bench.owner_id
        with self.bench.database.read() as session:
            ages = closed_like_a_model(session, owner, parse_ages(age_group))
            counts = repository.counts(session, owner, (ages,), subject)[ages]
            for flagged, name in ((False, NORMAL), (True, ANOMALOUS)):
                if example_type in {name, BOTH} and counts[flagged]:
                    found[flagged] = repository.examples(
                        session, owner, ages, subject, limit, flagged=flagged
                    )
                    total += counts[flagged]
        return ComparisonExamplesResponse(
            normal_examples=[_example(one) for one in found[False]],
            anomalous_examples=[_example(one) for one in found[True]],
            explanation_context=_context(ages, subject, total),
            age_group=age_group,
            total_available=total,
        )

    def patterns(self, age_group: str | None = None) -> list[ExamplePattern]:
        """An example of each kind for each group in use that has one."""
        found = []
        with self.bench.database.read() as session:
            rows = {
                range_of(row): row
                for row in models.active_models(session, self.bench.owner_id)
                if _is_asked(range_of(row), age_group)
            }
            counts = repository.counts(session, self.bench.owner_id, tuple(rows)) if rows else {}
            for ages, row in rows.items():
                found += self._of_group(session, row, counts[ages])
        return found

    def _of_group(
        self, session: Session, row: AgeGroupModel, counts: dict[bool, int]
    ) -> list[ExamplePattern]:
        owner, ages = self.bench.owner_id, range_of(row)
        chosen: list[tuple[str, Answered]] = []
        for flagged, kind in ((False, NORMAL), (True, ANOMALOUS)):
            if counts[flagged]:
                first = repository.examples(session, owner, ages, None, 1, flagged=flagged)
                chosen += [(kind, one) for one in first]
        least = repository.settled_least(session, owner, ages) if chosen else None
        if least is not None and least[0].id not in {one[0].id for _, one in chosen}:
            chosen.append((BORDERLINE, least))
        measured = repository.contents(session, [one[0].id for _, one in chosen])
        return [
            _pattern(row, kind, one, counts, measured.get(one[0].id, {})) for kind, one in chosen
        ]


def _is_asked(ages: AgeRange, age_group: str | None) -> bool:
    return age_group in {None, "", ages.label, f"{ages.age_min:g}-{ages.age_max:g}"}


def _example(found: Answered) -> ComparisonExample:
    row, drawing = found
    return ComparisonExample(
        drawing_id=drawing.id,
        filename=drawing.filename,
        age_years=drawing.age_years,
        subject=drawing.subject,
        anomaly_score=row.anomaly_score,
        normalized_score=row.normalized_score,
        confidence=row.confidence,
        analysis_timestamp=row.analysis_timestamp,
        analysis_id=row.id,
    )


def _context(ages: AgeRange, subject: str | None, total: int) -> str:
    of = f" of {subject}" if subject else ""
    if not total:
        return f"No drawing{of} of {ages.words} has been analysed with an answer of that kind."
    return (
        f"{total} analysed drawings{of} of {ages.words}: the least unusual ones that are not "
        "flagged, and the most unusual ones that are."
    )


def _pattern(
    model: AgeGroupModel,
    kind: str,
    found: Answered,
    counts: dict[bool, int],
    content: dict[str, object],
) -> ExamplePattern:
    row, drawing = found
    total = sum(counts.values())
    same = counts[row.is_anomaly]
    return ExamplePattern(
        pattern_id=f"{range_of(model).label}-{kind}",
        pattern_name=NAMES[kind],
        description=DESCRIPTIONS[kind],
        age_group=range_of(model).label,
        example_type=kind,
        confidence_level=confidence_level(row.confidence).lower(),
        visual_features=_features(content),
        interpretation_notes=[
            f"More unusual than about {place_of_100(row.normalized_score or 0.0)} drawings "
            f"{row.results.get('among', 'of this group')}.",
            f"{same} of {total} answered drawings of this group are "
            f"{'flagged' if row.is_anomaly else 'not flagged'}.",
        ],
        educational_context=compared_with(row, model),
        image_url=f"/api/v1/drawings/{drawing.id}/file",
        saliency_url=f"/api/v1/analysis/{row.id}/overlay.png",
        metadata=PatternMetadata(
            drawing_count=same,
            prevalence=same / total if total else None,
            drawing_id=drawing.id,
            analysis_id=row.id,
            reasons={"developmental_significance": NO_SIGNIFICANCE},
        ),
    )


def _features(content: dict[str, object]) -> list[str]:
    """What was measured of the drawing; nothing where it was not explained yet."""
    facts = content.get("facts")
    if not isinstance(facts, dict):
        return []
    said = [words.format(facts[name]["value"]) for name, words in MEASURES.items() if name in facts]
    placement = content.get("placement")
    return [*said, f"most of it towards the {placement}"] if placement else said

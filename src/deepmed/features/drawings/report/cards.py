"""The card of a flagged drawing: picture, map, words, neighbours, and the data behind them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deepmed.features.drawings.explanation.stored import StoredExplanation
from deepmed.features.drawings.explanation.texts import (
    FIRST_STEPS,
    ExplanationGenerator,
    chip,
)
from deepmed.features.drawings.report.charts import strip
from deepmed.features.drawings.report.content import (
    CARD,
    THUMBNAIL,
    FlaggedCard,
    Thumbnail,
    picture,
)
from deepmed.features.drawings.report.maps import caption, places, trust_tables
from deepmed.features.drawings.tables import AnomalyAnalysis, Drawing
from deepmed.features.drawings.words import ROLE_WORDS
from deepmed.features.drawings.workbench import Workbench
from deepmed.learning.reference import Reference
from deepmed.web.charts import Chart, Table

if TYPE_CHECKING:
    from deepmed.features.drawings.explanation.service import Explanation


class CardMaker:
    """Makes cards; explanations are computed once and kept.

    Args:
        bench: the data folder.
        drawings: the owner's drawings by their ids.
        q_values: of the batch, by drawing.
        ages: the words for the label of each age group.
    """

    def __init__(
        self,
        bench: Workbench,
        drawings: Mapping[int, Drawing],
        q_values: Mapping[str, Any],
        ages: Mapping[str, str],
    ) -> None:
        self.bench = bench
        self.drawings = drawings
        self.q_values = q_values
        self.ages = ages
        from deepmed.features.drawings.explanation.service import (  # noqa: PLC0415 - brings torch
            ExplanationService,
        )

        self.explanations = ExplanationService(bench)

    def card(self, row: AnomalyAnalysis) -> FlaggedCard:
        drawing = self.drawings[row.drawing_id]
        explanation = self.explanations.explain_analysis(row)
        return FlaggedCard(
            title=name_of(drawing),
            chip=chip(
                row.decision, is_anomaly=row.is_anomaly, normalized_score=row.normalized_score
            ),
            picture=picture(explanation.case.image, CARD),
            overlay=self._overlay(explanation),
            overlay_caption=caption(explanation),
            strip=score_strip(row, explanation.case.reference, drawing.child_id),
            first_steps=FIRST_STEPS,
            sentences=sentences(explanation),
            neighbours=[
                self._neighbour(one.drawing_id, one.similarity_score)
                for one in explanation.neighbours
            ],
            data=[
                (name, data)
                for name, data in (
                    (
                        "Numbers of this answer",
                        numbers(row, drawing, self.q_values.get(str(row.drawing_id))),
                    ),
                    ("Other ages", other_ages(row, self.ages)),
                    ("Places on the page", places(explanation)),
                    *trust_tables(explanation),
                    ("Measures of the drawing", measures(explanation)),
                )
                if data.rows
            ],
        )

    def _overlay(self, explanation: "Explanation") -> str | None:
        """The map over the drawing; none where nothing would be seen on it."""
        if not explanation.regions:
            return None
        return picture(self.explanations.overlay(explanation), CARD)

    def _neighbour(self, drawing_id: int, similarity: float) -> Thumbnail:
        drawing = self.drawings[drawing_id]
        pixels = self.bench.encoding.picture(drawing.file_path)
        return Thumbnail(
            picture(pixels, THUMBNAIL),
            name_of(drawing),
            [f"{drawing.id} · {drawing.age_years:g} years", f"similarity {similarity:.2f}"],
        )


def numbers(row: AnomalyAnalysis, drawing: Drawing, q_value: float | None) -> Table:
    ranking, subject = row.results["ranking"], row.results["subject_part"]
    rows: list[list[object]] = [
        ["File", drawing.original_name],
        ["Score", row.anomaly_score],
        ["Threshold", ranking["threshold"]],
        ["Place of 100 drawings", row.normalized_score],
        ["p", row.p_value],
        ["q over the new children here", q_value],
        ["Children compared with", ranking["n_children"]],
        ["How sure the decision is", row.confidence],
        ["Role of the child", ROLE_WORDS.get(row.role or "", row.role)],
        ["Label", label_of(drawing)],
        ["p among drawings of this subject", subject["p_value"]],
    ]
    if subject["reason"]:
        rows.append(["Why no p for the subject", subject["reason"]])
    return Table(["What", "Figure"], rows)


def other_ages(row: AnomalyAnalysis, ages: Mapping[str, str]) -> Table:
    """Its rank in each group; `ages` has the words for the label of a group."""
    part = row.results["age_part"]
    if part["statement"]:
        return Table(["Not compared"], [[part["statement"]]])
    return Table(
        ["Ages", "p", "Other children", "Why not"],
        [
            [
                ages.get(one["age_group"], one["age_group"]),
                one["p_value"],
                one["children"],
                one["reason"],
            ]
            for one in part["groups"]
        ],
    )


def name_of(drawing: Drawing) -> str:
    """`Drawing 12, 6 years, house`."""
    subject = f", {drawing.subject}" if drawing.subject else ""
    return f"Drawing {drawing.id}, {drawing.age_years:g} years{subject}"


def label_of(drawing: Drawing) -> str | None:
    """`labelled concern`, where a person labelled it."""
    return f"labelled {drawing.expert_label}" if drawing.expert_label else None


def sentences(explanation: StoredExplanation) -> list[str]:
    # The neighbours stand beside as pictures, and the first steps in a place of their own.
    facts = replace(explanation.facts(), neighbours=[])
    said = ExplanationGenerator().generate_explanation(facts)
    return [sentence for sentence in said if sentence != FIRST_STEPS]


def score_strip(row: AnomalyAnalysis, reference: Reference, own: int | None) -> Chart:
    """The score beside those of the comparison children but the drawing's own."""
    calibration = reference.calibration
    others = [
        float(score)
        for score, child in zip(calibration.scores, calibration.children, strict=True)
        if child != own
    ]
    return strip(
        "Its score (dot) beside those of the other children (lines)",
        others,
        row.anomaly_score or 0.0,
        row.results["ranking"]["threshold"],
    )


def measures(explanation: StoredExplanation) -> Table:
    facts = explanation.row.facts["content"]["facts"]
    return Table(
        ["Measure", "Value", "Unit", "Typical drawings with less", "Typical drawings compared"],
        [
            [
                name.replace("_", " "),
                fact["value"],
                fact["unit"],
                None if fact["rank"] is None else round(fact["rank"] * fact["compared"]),
                fact["compared"],
            ]
            for name, fact in facts.items()
        ],
    )

"""The card of a flagged drawing: picture, map, words, neighbours, and the data behind them."""

from collections.abc import Mapping

from deepmed.features.drawings.explanation.service import Explanation, ExplanationService
from deepmed.features.drawings.explanation.texts import Reader, chip
from deepmed.features.drawings.report.charts import Chart, strip
from deepmed.features.drawings.report.content import (
    CARD,
    THUMBNAIL,
    FlaggedCard,
    Table,
    Thumbnail,
    picture,
)
from deepmed.features.drawings.tables import AnomalyAnalysis, Drawing
from deepmed.features.drawings.workbench import Workbench

CONTROL_WORDS = {
    "random": "patches in random order",
    "sobel": "edges alone",
    "ink_density": "ink alone",
    "fill_difference": "difference to the fill alone",
}


class CardMaker:
    """Makes cards; explanations are computed once and kept."""

    def __init__(self, bench: Workbench, drawings: Mapping[int, Drawing]) -> None:
        self.bench = bench
        self.drawings = drawings
        self.explanations = ExplanationService(bench)

    def card(self, row: AnomalyAnalysis) -> FlaggedCard:
        drawing = self.drawings[row.drawing_id]
        explanation = self.explanations.explain(row.drawing_id)
        return FlaggedCard(
            title=f"Drawing {drawing.id}, {drawing.age_years:g} years"
            + (f", {drawing.subject}" if drawing.subject else ""),
            chip=chip(row.decision, is_anomaly=True, normalized_score=row.normalized_score),
            picture=picture(explanation.case.image, CARD),
            overlay=picture(self.explanations.overlay(explanation), CARD),
            overlay_caption=_caption(explanation),
            strip=_strip(row, explanation),
            sentences=explanation.text(Reader.EDUCATOR, self.bench.settings),
            neighbours=[self._neighbour(one.drawing_id) for one in explanation.neighbours],
            data=_data(row, drawing, explanation),
        )

    def _neighbour(self, drawing_id: int) -> Thumbnail:
        drawing = self.drawings[drawing_id]
        pixels = self.bench.encoding.picture(drawing.file_path)
        return Thumbnail(picture(pixels, THUMBNAIL), f"{drawing.id} · {drawing.age_years:g} y")


def _caption(explanation: Explanation) -> str:
    trust = explanation.row.faithfulness
    if trust["faithful"] is None:
        return "where its score comes from; how faithful this map is could not be measured"
    own, chance = trust["scores"][trust["method"]], trust["scores"]["random"]
    if trust["faithful"]:
        return f"where its score comes from (faithfulness {own:.2f}, random order {chance:.2f})"
    return f"this map is not faithful to the score ({own:.2f}, random order {chance:.2f})"


def _strip(row: AnomalyAnalysis, explanation: Explanation) -> Chart:
    calibration = explanation.case.reference.calibration
    own = explanation.case.drawing.child_id
    others = [
        float(score)
        for score, child in zip(calibration.scores, calibration.children, strict=True)
        if child != own
    ]
    return strip(
        "Its score beside those of the comparison children",
        others,
        row.anomaly_score or 0.0,
        row.results["ranking"]["threshold"],
    )


def _data(
    row: AnomalyAnalysis, drawing: Drawing, explanation: Explanation
) -> list[tuple[str, Table]]:
    ranking = row.results["ranking"]
    facts = explanation.row.facts["content"]["facts"]
    return [
        (
            "Numbers of this answer",
            Table(
                ["What", "Figure"],
                [
                    ["File", drawing.original_name],
                    ["Score", row.anomaly_score],
                    ["Threshold", ranking["threshold"]],
                    ["Place of 100 drawings", row.normalized_score],
                    ["p", row.p_value],
                    ["Comparison children", ranking["n_children"]],
                    ["How sure the decision is", row.confidence],
                    ["Role of the child", row.role],
                    ["p among drawings of this subject", row.results["subject_part"]["p_value"]],
                    ["Why not", row.results["subject_part"]["reason"]],
                ],
            ),
        ),
        (
            "Places on the page",
            Table(
                ["Place", "Share of the map", "Box in pixels (left, top, right, bottom)"],
                [
                    [
                        region["spatial_location"],
                        region["importance_score"],
                        ", ".join(map(str, region["bounding_box"])),
                    ]
                    for region in explanation.regions
                ],
            ),
        ),
        ("How far to trust the map", _trust(explanation)),
        (
            "Measures of the drawing",
            Table(
                [
                    "Measure",
                    "Value",
                    "Unit",
                    "Share of typical drawings with less",
                    "Compared with",
                ],
                [
                    [
                        name.replace("_", " "),
                        fact["value"],
                        fact["unit"],
                        fact["rank"],
                        fact["compared"],
                    ]
                    for name, fact in facts.items()
                ],
            ),
        ),
    ]


def _trust(explanation: Explanation) -> Table:
    trust = explanation.row.faithfulness
    if not trust["scores"]:
        return Table(["Not measured"], [[trust["reason"]]])
    rows: list[list[object]] = [
        [CONTROL_WORDS.get(name, name.replace("_", " ")), score]
        for name, score in sorted(trust["scores"].items(), key=lambda item: -item[1])
    ]
    return Table(["Order of the patches", "Insertion less deletion (higher is better)"], rows)

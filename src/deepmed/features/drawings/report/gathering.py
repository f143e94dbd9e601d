"""Gathers what a report shows from stored analyses; computes nothing that is not stored."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.orm import Session

import deepmed
from deepmed.features.drawings.analysis import repository
from deepmed.features.drawings.analysis.scoring import Scene
from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.explanation.texts import chip
from deepmed.features.drawings.report.cards import CardMaker
from deepmed.features.drawings.report.content import (
    THUMBNAIL,
    FlaggedCard,
    ReportContent,
    Table,
    Thumbnail,
    picture,
)
from deepmed.features.drawings.report.groups import section
from deepmed.features.drawings.tables import AnomalyAnalysis, Drawing
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit import clock
from deepmed.kit.errors import ConflictError

MOST_CARDS = 40
Progress = Callable[[int, int], None]
MOST_THUMBNAILS = 600

METHOD = [
    "Each drawing is turned into a vector by the encoder, and scored by how far it lies from the "
    "drawings its group's model was fitted on. The score is ranked among calibration children: "
    "children of the group on whom nothing was fitted. p is the share of them, the drawing itself "
    "included, that score at least as high; a child counts once however many drawings it made.",
    "A drawing is flagged when p is at most one minus the percentile. For a new child like those "
    "of the calibration, the chance of a flag is then at most that level, whatever the detector.",
    "Drawings of children who took part in training are ranked against the other children, by the "
    "model or by its twin. They are shown, but their share of flags is fixed by construction, so "
    "rates here count drawings of new children only.",
]
LIMITS = [
    "This report is a screening aid for a person. It is no diagnosis and says nothing about a "
    "child.",
    "Typical means: like the drawings that were given for training. Another school, task or tool "
    "makes other drawings typical.",
]


class ReportGatherer:
    """Builds the content of one report."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.analyses = AnalysisService(bench)

    def gather(
        self, title: str = "Children's drawings", progress: Progress | None = None
    ) -> ReportContent:
        """The content, from the newest analysis of each drawing.

        Args:
            title: of the page.
            progress: told (flagged drawings explained, flagged drawings in all).

        Raises:
            ConflictError: nothing was analysed yet.
        """
        with self.bench.database.read() as session:
            drawings = repository.drawings(session, self.bench.owner_id, None)
            newest = repository.newest(session, self.bench.owner_id)
            scene = self.analyses.scene(session)
            metrics = self._metrics(session, scene)
            statistics = self.analyses.statistics(session)
        if not newest:
            raise ConflictError(
                "No drawing was analysed yet, so there is nothing to report. "
                "Run `deepmed drawings analyze --all` first."
            )
        by_id = {drawing.id: drawing for drawing in drawings}
        flagged = sorted(
            (row for row in newest if row.is_anomaly), key=lambda row: (row.p_value, row.id)
        )
        maker = CardMaker(self.bench, by_id)
        return ReportContent(
            title=title,
            made=f"{clock.now():%d %B %Y, %H:%M} UTC · DeepMed {deepmed.__version__} · "
            f"encoder {scene.encoder.partition('/')[0]}",
            lead=_lead(drawings, statistics),
            overview=_overview(scene, metrics, newest),
            groups=[
                section(
                    item,
                    metrics[item.row.id],
                    scene.rules[item.row.id],
                    [row for row in newest if row.age_group_model_id == item.row.id],
                )
                for item in scene.active
            ],
            flagged=_cards(maker, flagged[:MOST_CARDS], progress),
            flagged_note=_flagged_note(flagged, newest),
            unanswered=_unanswered(newest),
            gallery=self._gallery(newest, by_id),
            gallery_note=_gallery_note(newest),
            method=METHOD,
            limits=LIMITS,
        )

    def _metrics(self, session: Session, scene: Scene) -> dict[int, dict[str, Any]]:
        manager = self.analyses.models
        return {
            item.row.id: manager.get_model_info(session, item.row)["metrics"]
            for item in scene.active
        }

    def _gallery(
        self, newest: Sequence[AnomalyAnalysis], by_id: dict[int, Drawing]
    ) -> list[Thumbnail]:
        order = sorted(newest, key=lambda row: (by_id[row.drawing_id].age_years, row.drawing_id))
        return [self._thumbnail(row, by_id[row.drawing_id]) for row in order[:MOST_THUMBNAILS]]

    def _thumbnail(self, row: AnomalyAnalysis, drawing: Drawing) -> Thumbnail:
        place = (
            "no answer" if row.normalized_score is None else f"{row.normalized_score:.0f} of 100"
        )
        return Thumbnail(
            picture(self.bench.encoding.picture(drawing.file_path), THUMBNAIL),
            f"{drawing.id} · {drawing.age_years:g} y · {drawing.subject or 'no subject'} · {place}",
            flagged=row.is_anomaly,
            answered=row.normalized_score is not None,
        )


def _cards(
    maker: CardMaker, rows: Sequence[AnomalyAnalysis], progress: Progress | None
) -> list[FlaggedCard]:
    cards = []
    for row in rows:
        cards.append(maker.card(row))
        if progress:
            progress(len(cards), len(rows))
    return cards


def _lead(drawings: Sequence[Drawing], statistics: dict[str, Any]) -> list[str]:
    children = len({drawing.child_id for drawing in drawings})
    unnamed = sum(drawing.child.code is None for drawing in drawings)
    ages = [drawing.age_years for drawing in drawings]
    new = statistics["new_children"]
    among_new = (
        f"among {new['analysed']} drawings of new children, {new['flagged']}."
        if new["analysed"]
        else "all of the children took part in training, so the share is fixed by construction."
    )
    lead = [
        f"{len(drawings)} drawings by {children} children aged {min(ages):g} to {max(ages):g}. "
        f"{statistics['anomaly_count']} are flagged as unusual in their group; {among_new}",
        "A flag says that few typical drawings are as unusual. Most flagged drawings are harmless: "
        "look at them, and ask.",
    ]
    if unnamed:
        lead.append(
            f"{unnamed} drawings came without a child's name or number and count as drawings of "
            "separate children. If some are by the same child, ranks may be too sure."
        )
    return lead


def _overview(
    scene: Scene, metrics: dict[int, dict[str, Any]], newest: Sequence[AnomalyAnalysis]
) -> Table:
    rows: list[list[object]] = []
    for item in scene.active:
        mine = [row for row in newest if row.age_group_model_id == item.row.id]
        children = metrics[item.row.id]["children"]
        level = metrics[item.row.id]["attained_level"]
        rows.append(
            [
                item.ages.words,
                len(mine),
                children["fit"],
                children["calibration"],
                None if level is None else f"{100 * level:.1f}",
                sum(row.is_anomaly for row in mine),
                item.row.model_type.replace("_", " "),
            ]
        )
    return Table(
        [
            "Ages",
            "Drawings analysed",
            "Children fitted on",
            "Children calibrating",
            "Of 100 typical drawings flagged",
            "Flagged here",
            "Detector",
        ],
        rows,
    )


def _flagged_note(
    flagged: Sequence[AnomalyAnalysis], newest: Sequence[AnomalyAnalysis]
) -> str | None:
    answered = sum(row.normalized_score is not None for row in newest)
    if not flagged:
        return f"None of {answered} drawings with an answer is flagged."
    if len(flagged) > MOST_CARDS:
        return f"The {MOST_CARDS} most unusual of {len(flagged)} flagged drawings are shown here."
    return None


def _unanswered(newest: Sequence[AnomalyAnalysis]) -> Table:
    reasons = Counter(row.reason for row in newest if row.reason)
    return Table(
        ["Drawings", "Reason"], [[count, reason] for reason, count in reasons.most_common()]
    )


def _gallery_note(newest: Sequence[AnomalyAnalysis]) -> str:
    note = (
        "In order of age. The number is the place among 100 drawings of the group; flagged "
        f"drawings ({chip('ranked', is_anomaly=True, normalized_score=100.0)}) have a coloured "
        "frame, drawings without an answer are faded."
    )
    if len(newest) > MOST_THUMBNAILS:
        note += f" The first {MOST_THUMBNAILS} of {len(newest)} are shown."
    return note

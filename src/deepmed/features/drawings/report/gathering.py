"""Gathers what a report shows; what is stored already is not computed again."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

import deepmed
from deepmed.features.drawings.analysis import repository
from deepmed.features.drawings.analysis.rates import Use, by_use
from deepmed.features.drawings.analysis.scoring import Scene
from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.explanation.texts import FLAGGED_CHIP, place_of_100, shared_reason
from deepmed.features.drawings.models.eligibility import TYPICAL_LABELS
from deepmed.features.drawings.models.stored_figures import completed
from deepmed.features.drawings.report.cards import CardMaker, label_of, name_of
from deepmed.features.drawings.report.content import (
    THUMBNAIL,
    FlaggedCard,
    ReportContent,
    Thumbnail,
    picture,
)
from deepmed.features.drawings.report.figures import (
    GroupFacts,
    Rows,
    Unseen,
    flagged_level,
    why_bound,
)
from deepmed.features.drawings.report.groups import section
from deepmed.features.drawings.report.words import LIMITS, MEANING, METHOD, OVERVIEW_NOTE
from deepmed.features.drawings.tables import AnomalyAnalysis, Drawing
from deepmed.features.drawings.words import name_in_words
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit import clock
from deepmed.kit.errors import ConflictError, NotFoundError
from deepmed.web.charts import Table

MOST_CARDS = 40
MOST_THUMBNAILS = 600
MOST_NAMES = 20
Progress = Callable[[int, int], None]


class ReportGatherer:
    """Builds the content of one report."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.analyses = AnalysisService(bench)

    def gather(
        self,
        title: str = "Children's drawings",
        progress: Progress | None = None,
        unseen: Mapping[int, Unseen] | None = None,
    ) -> ReportContent:
        """The content, under the models and the rule that are in force now.

        Args:
            title: of the page.
            progress: told (flagged drawings explained, flagged drawings in all).
            unseen: by model, what typical drawings that are not stored came to.

        Raises:
            ConflictError: there are no drawings, no model is in use, or a drawing went meanwhile.
        """
        try:
            return self._gather(title, progress, unseen or {})
        except NotFoundError as error:
            raise ConflictError(
                f"{error.message} A drawing was deleted while the report was made, or its file is "
                "lost. Nothing was written. Run the command again."
            ) from error

    def _gather(
        self, title: str, progress: Progress | None, unseen: Mapping[int, Unseen]
    ) -> ReportContent:
        with self.bench.database.read() as session:
            drawings = repository.drawings(session, self.bench.owner_id, None)
            scene = self.analyses.scene(session)
            metrics = self._metrics(session, scene)
        _refuse_nothing(drawings, scene)
        # Analyses may be older than the models or the rule; those that are not are only read.
        batch = self.analyses.analyze()
        by_id = {drawing.id: drawing for drawing in drawings}
        rows = [row for row in batch.analyses if row.drawing_id in by_id]  # not the newly imported
        flagged = sorted(
            (row for row in rows if row.is_anomaly), key=lambda row: (row.p_value, row.id)
        )
        words = {item.ages.label: item.ages.words for item in scene.active}
        maker = CardMaker(self.bench, by_id, batch.q_values, words)
        groups = [
            GroupFacts(
                item,
                metrics[item.row.id],
                scene.rules[item.row.id],
                by_use([row for row in rows if row.age_group_model_id == item.row.id], by_id),
                by_id,
                unseen.get(item.row.id),
            )
            for item in scene.active
        ]
        return ReportContent(
            title=title,
            made=f"{clock.now():%d %B %Y, %H:%M} UTC · DeepMed {deepmed.__version__} · "
            f"encoder {scene.encoder.partition('/')[0]}",
            lead=_lead(drawings, rows, by_use(rows, by_id)),
            overview=_overview(groups, rows),
            overview_note=OVERVIEW_NOTE,
            groups=[section(facts) for facts in groups],
            flagged=_cards(maker, flagged[:MOST_CARDS], progress),
            flagged_note=_flagged_note(flagged, rows, batch.outlook["statement"]),
            unanswered=_unanswered(rows),
            gallery=self._gallery(rows, by_id),
            gallery_note=_gallery_note(rows),
            method=METHOD,
            limits=LIMITS,
        )

    def _metrics(self, session: Session, scene: Scene) -> dict[int, dict[str, Any]]:
        manager = self.analyses.models
        return {
            item.row.id: completed(manager.get_model_info(session, item.row)["metrics"])
            for item in scene.active
        }

    def _gallery(
        self, rows: Sequence[AnomalyAnalysis], by_id: Mapping[int, Drawing]
    ) -> list[Thumbnail]:
        order = sorted(rows, key=lambda row: (by_id[row.drawing_id].age_years, row.drawing_id))
        return [self._thumbnail(row, by_id[row.drawing_id]) for row in order[:MOST_THUMBNAILS]]

    def _thumbnail(self, row: AnomalyAnalysis, drawing: Drawing) -> Thumbnail:
        place = "no answer"
        if row.normalized_score is not None:
            place = place_of_100(row.normalized_score)
        return Thumbnail(
            picture(self.bench.encoding.picture(drawing.file_path), THUMBNAIL),
            name_of(drawing),
            [
                f"{drawing.id} · {drawing.age_years:g} years",
                drawing.subject or "no subject",
                f"{place}, flagged" if row.is_anomaly else place,
                *([] if drawing.expert_label in TYPICAL_LABELS else [label_of(drawing) or ""]),
            ],
            flagged=row.is_anomaly,
            answered=row.normalized_score is not None,
        )


def _refuse_nothing(drawings: Sequence[Drawing], scene: Scene) -> None:
    if not drawings:
        raise ConflictError(
            "There are no drawings yet, so there is nothing to report. Bring some in with "
            "`deepmed drawings import`."
        )
    if not scene.active:
        raise ConflictError(
            "No model is in use yet, so there is nothing to report. Run `deepmed drawings train`."
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


def _lead(
    drawings: Sequence[Drawing],
    rows: Sequence[AnomalyAnalysis],
    uses: Mapping[Use, Sequence[AnomalyAnalysis]],
) -> list[str]:
    children = len({drawing.child_id for drawing in drawings})
    ages = [drawing.age_years for drawing in drawings]
    new, labelled = uses[Use.NEW], uses[Use.LABELLED]
    said = [
        f"{len(drawings)} drawings by {children} children aged {min(ages):g} to {max(ages):g}.",
        f"{_flags(rows)} are flagged as unusual in their group.",
        f"Of the {len(new)} typical drawings of new children, {_flags(new)} are."
        if new
        else "None is a typical drawing of a new child, so they show no rate of false alarms.",
    ]
    if labelled:
        said.append(
            f"Of the {len(labelled)} that were labelled other than normal, {_flags(labelled)} are."
        )
    lead = [" ".join(said), MEANING]
    unnamed = sum(drawing.child.code is None for drawing in drawings)
    if unnamed:
        lead.append(
            f"{unnamed} drawings came without a child's name or number and count as drawings of "
            "separate children. If some are by the same child, ranks may be too sure."
        )
    return lead


def _overview(groups: Sequence[GroupFacts], rows: Sequence[AnomalyAnalysis]) -> Table:
    return Table(
        [
            "Ages",
            "Drawings analysed",
            "Children it learned from",
            "Children to compare with",
            "Flagged of 100 typical drawings",
            "Flagged of new children",
            "Flagged of labelled drawings",
            "Flagged of training children",
            "Detector",
        ],
        [
            [
                facts.item.ages.words,
                sum(row.age_group_model_id == facts.item.row.id for row in rows),
                facts.metrics["children"]["fit"],
                facts.item.model.model.calibration.n_children,
                _of_100(facts),
                *(_share(facts.uses[use]) for use in (Use.NEW, Use.LABELLED, Use.TRAINING)),
                name_in_words(facts.item.row.model_type),
            ]
            for facts in groups
        ],
    )


def _of_100(facts: GroupFacts) -> str | None:
    level = flagged_level(facts.item, facts.rule)
    if level is None:
        return None
    return f"{'at most ' if why_bound(facts.item, facts.rule) else ''}{100 * level:.1f}"


def _flags(rows: Rows) -> int:
    return sum(row.is_anomaly for row in rows)


def _share(rows: Rows) -> str | None:
    return f"{_flags(rows)} of {len(rows)}" if rows else None


def _flagged_note(
    flagged: Sequence[AnomalyAnalysis], rows: Sequence[AnomalyAnalysis], outlook: str | None
) -> str | None:
    notes = [outlook] if outlook else []
    if not flagged:
        answered = sum(row.normalized_score is not None for row in rows)
        notes.insert(0, f"None of {answered} drawings with an answer is flagged.")
    if len(flagged) > MOST_CARDS:
        notes.insert(
            0, f"The {MOST_CARDS} most unusual of {len(flagged)} flagged drawings are shown here."
        )
    return " ".join(notes) or None


def _unanswered(rows: Sequence[AnomalyAnalysis]) -> Table:
    which: dict[str, list[int]] = {}
    for row in rows:
        if row.reason:
            which.setdefault(shared_reason(row.reason), []).append(row.drawing_id)
    return Table(
        ["Drawings", "Reason", "Which"],
        [
            [len(ids), reason, _names(ids)]
            for reason, ids in sorted(which.items(), key=lambda item: -len(item[1]))
        ],
    )


def _names(ids: Sequence[int]) -> str:
    shown = ", ".join(map(str, ids[:MOST_NAMES]))
    return shown if len(ids) <= MOST_NAMES else f"{shown} and {len(ids) - MOST_NAMES} more"


def _gallery_note(rows: Sequence[AnomalyAnalysis]) -> str:
    note = (
        "In order of age, with each drawing's place among 100 drawings of its group. Flagged "
        f"drawings ({FLAGGED_CHIP}) have a coloured frame, drawings without an answer are faded."
    )
    if len(rows) > MOST_THUMBNAILS:
        note += f" The first {MOST_THUMBNAILS} of {len(rows)} are shown."
    return note

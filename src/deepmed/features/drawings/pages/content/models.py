"""The models: whom they learned from, what they can say, and what the drawings allow to train."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from deepmed.core.jobs.ledger import JobLedger
from deepmed.features.drawings.analysis import overviews
from deepmed.features.drawings.analysis.outcome import ActiveModel
from deepmed.features.drawings.analysis.rates import by_use
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.models.kinds import OF_AGES, plan_in_use, words_of
from deepmed.features.drawings.models.overview import overview
from deepmed.features.drawings.models.ranges import range_of
from deepmed.features.drawings.models.stored_figures import completed
from deepmed.features.drawings.models.sufficiency import MINIMUM, RECOMMENDED
from deepmed.features.drawings.report.content import GroupSection
from deepmed.features.drawings.report.figures import (
    GroupFacts,
    figure_in_words,
    flagged_level,
    why_bound,
)
from deepmed.features.drawings.report.groups import section, summary, support
from deepmed.features.drawings.report.words import AGES_UNKNOWN, NO_AGES
from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.features.drawings.thresholds.manager import Rule
from deepmed.features.drawings.words import name_in_words
from deepmed.kit.database import kept
from deepmed.kit.errors import DeepMedError
from deepmed.learning.errors import LearningError
from deepmed.learning.known_detectors import detector_names

TRAINING = "drawings.train"
TRAININGS = 8
AGES_APART = "It tells its ages from the neighbouring ones: AUROC {figure}; 0.5 is chance."


@dataclass(frozen=True)
class Card:
    """A model in plain words."""

    row: AgeGroupModel
    ages: str
    sentences: Sequence[str]
    notes: Sequence[str]
    complaint: str | None = None
    """Why it cannot be read."""


def content(desk: Desk, ledger: JobLedger) -> dict[str, Any]:
    with desk.home.database.read() as session:
        rows = [row for row in desk.models.rows(session) if row.kind in OF_AGES]
        cards = [_card(desk, session, row) for row in rows if row.is_active]
        plan = plan_in_use(row for row in rows if row.is_active)
        active = ",".join(f"{ages.age_min}-{ages.age_max}" for ages in plan)
        data = overview(desk.bench, session, active or None)
        trainings = ledger.list(session, kind=TRAINING, limit=TRAININGS)
    return {
        "cards": cards,
        "others": [
            (row, words_of(row), name_in_words(row.model_type)) for row in rows if not row.is_active
        ],
        "data": data,
        "spreads": {
            info["age_group"]: figure_in_words(info["false_alarm_spread"], percent=True)
            for info in data["groups"]
        },
        "detectors": [
            ("auto", "choose by planted anomalies"),
            *((name, name_in_words(name)) for name in detector_names()),
        ],
        "least": MINIMUM,
        "recommended": RECOMMENDED,
        "trainings": trainings,
    }


def one(desk: Desk, model_id: int) -> dict[str, Any]:
    """A model with every figure of its training, and what its answers came to so far."""
    with desk.home.database.read() as session:
        row = desk.models.get(session, model_id)
        info = desk.models.get_model_info(session, row)
        told, answers = _told(session, desk, model_id)
    return {"row": row, "info": info, "section": told, "answers": answers}


@kept
def _told(session: Session, desk: Desk, model_id: int) -> tuple[GroupSection, int]:
    """Its section of the report, and how many drawings it answered for: tens of thousands."""
    row = desk.models.get(session, model_id)
    item = ActiveModel(row, range_of(row), desk.models.load_model(session, row))
    answers = overviews.by_model(session, desk.home.owner_id, model_id)
    drawings = {row.drawing_id: row for row in answers}
    facts = GroupFacts(
        item,
        completed(desk.models.get_model_info(session, row)["metrics"]),
        desk.thresholds.rule(session, row.id),
        by_use(answers, drawings),
        drawings,
    )
    return section(facts), len(answers)


def _card(desk: Desk, session: Session, row: AgeGroupModel) -> Card:
    ages, words = range_of(row), words_of(row)
    try:
        item = ActiveModel(row, ages, desk.models.load_model(session, row))
    except (DeepMedError, LearningError) as error:
        return Card(row, words, (), (), str(error))
    metrics = completed(desk.models.get_model_info(session, row)["metrics"])
    rule = desk.thresholds.rule(session, row.id)
    notes = support(item, rule)
    if row.needs_retraining:
        notes.append("Drawings that were used here were changed or deleted. Train it again.")
    return Card(row, words, [*summary(item, metrics), _level(item, rule), _age(metrics)], notes)


def _level(item: ActiveModel, rule: Rule) -> str:
    level = flagged_level(item, rule)
    if level is None:
        return "Under the rule in force it flags no drawing."
    about = "At most about" if why_bound(item, rule) else "About"
    return f"{about} {100 * level:.1f} of 100 typical drawings are flagged."


def _age(metrics: dict[str, Any]) -> str:
    tells_apart = metrics.get("tells_ages_apart")
    if not tells_apart:
        return AGES_UNKNOWN if tells_apart is None else NO_AGES
    return AGES_APART.format(figure=figure_in_words(metrics["age_specificity"]))

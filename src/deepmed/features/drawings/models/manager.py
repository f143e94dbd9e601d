"""Trained models as a caller meets them: loaded once, checked, listed, described."""

from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.models import repository
from deepmed.features.drawings.models.config import GroupTrainingConfig
from deepmed.features.drawings.models.kinds import SUBJECT_AWARE, UNSPECIFIED_SLOT, answering
from deepmed.features.drawings.models.membership import MEMBER_REVISION, revision_of
from deepmed.features.drawings.models.present import as_present, look_up
from deepmed.features.drawings.models.ranges import AgeRange, closes_by_default, range_of
from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.database import kept
from deepmed.kit.errors import ConflictError, ModelError, NotFoundError
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.reference import Layout, ReferenceModel, Rows, from_files


class ModelManagerError(ModelError):
    """A model cannot be trained, loaded or asked."""

    code = "model_manager"


class ModelManager:
    """Finds and loads the models of one owner."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self._loaded: dict[int, tuple[str, ReferenceModel]] = {}

    def get(self, session: Session, model_id: int) -> AgeGroupModel:
        """The row of a model.

        Raises:
            NotFoundError: there is none of this id, or it is another owner's.
        """
        row = repository.model(session, self.bench.owner_id, model_id)
        if row is None:
            raise NotFoundError(
                f"There is no model {model_id}. `deepmed drawings models` lists the models."
            )
        return row

    def version(self, session: Session, row: AgeGroupModel) -> str:
        """What a model's answers rest on: its recipe, its files' revision and its members' one.

        The last changes when a drawing is deleted or given to another child after training.
        """
        artifact = session.get_one(Artifact, row.artifact_id)
        # Reading all members takes longer than an analysis; only what marks a model changes them.
        members = (
            _members_now(session, row.id)
            if row.needs_retraining
            else row.parameters[MEMBER_REVISION]
        )
        return f"{row.recipe_hash}/{artifact.revision}/{members}"

    def load_model(self, session: Session, row: AgeGroupModel) -> ReferenceModel:
        """The fitted model with its twin, as its members stand; its files' signature is checked."""
        version = self.version(session, row)
        known = self._loaded.get(row.id)
        if known is None or known[0] != version:
            known = self._loaded[row.id] = (version, self._load(session, row))
        return known[1]

    def _load(self, session: Session, row: AgeGroupModel) -> ReferenceModel:
        files = self.bench.registry.load(session.get_one(Artifact, row.artifact_id).uid)
        if row.needs_retraining:  # somebody was deleted or changed
            files = as_present(files, look_up(session, files, row.id))
        return from_files(files, later=True)  # the registry has checked them

    def active(self, session: Session) -> list[AgeGroupModel]:
        """The active models of age groups, subject-aware ones too, by age."""
        return repository.active_of_ages(session, self.bench.owner_id)

    def in_use(self, session: Session) -> list[AgeGroupModel]:
        """All active models, the groups' by age and the pooled one, read at once."""
        return repository.in_use(session, self.bench.owner_id)

    def pooled(self, session: Session) -> AgeGroupModel | None:
        """The active model over all groups, where there is one."""
        return next(iter(repository.active_models(session, self.bench.owner_id, "pooled")), None)

    def get_model_info(self, session: Session, row: AgeGroupModel) -> dict[str, Any]:
        """Everything that is known of a model: its row, its report and where it came from."""
        artifact = session.get_one(Artifact, row.artifact_id)
        ages = AgeRange(row.age_min, row.age_max, row.upper_closed)
        return {
            "id": row.id,
            "kind": row.kind,
            "age_group": ages.label,
            "age_min": row.age_min,
            "age_max": row.age_max,
            "upper_closed": row.upper_closed,
            "model_type": row.model_type,
            "encoder": row.vision_model,
            "sample_count": row.sample_count,
            "is_active": row.is_active,
            "needs_retraining": row.needs_retraining,
            "created_timestamp": row.created_timestamp.isoformat(),
            "artifact": artifact.uid,
            "artifact_revision": artifact.revision,
            "parameters": row.parameters,
            "metrics": artifact.metrics,
        }

    def rows(self, session: Session) -> list[AgeGroupModel]:
        """All models, in use or not, by age."""
        return repository.all_models(session, self.bench.owner_id)

    def list_models(self, session: Session) -> list[dict[str, Any]]:
        return [self.get_model_info(session, row) for row in self.rows(session)]

    def compute_reconstruction_loss(
        self, session: Session, rows: Rows, encoder: str, model_id: int
    ) -> list[float]:
        """Raw scores of rows under one model; of the autoencoder, the reconstruction error.

        Raises:
            NotFoundError: there is no such model.
            EncoderMismatchError: the vectors come from another encoder than the model's.
        """
        model = self.load_model(session, self.get(session, model_id))
        scores: list[float] = model.score(rows, encoder).tolist()
        return scores

    def compute_subject_aware_reconstruction_loss(
        self, session: Session, rows: Rows, encoder: str, model_id: int
    ) -> list[float]:
        """Raw scores of rows under one model that looks at what was drawn.

        Each is one measure of the whole row, vector and subject together.

        Raises:
            NotFoundError: there is no such model.
            ConflictError: the model looks at no subject.
            EncoderMismatchError: the vectors come from another encoder than the model's.
        """
        if self.get(session, model_id).kind != SUBJECT_AWARE:
            raise ConflictError(
                f"Model {model_id} looks at no subject. Nothing was scored. "
                "`compute_reconstruction_loss` asks it."
            )
        return self.compute_reconstruction_loss(session, rows, encoder, model_id)

    def compute_anomaly_score(
        self, session: Session, rows: Rows, encoder: str
    ) -> list[float | None]:
        """Raw scores, each under the model in use that answers for its age and subject.

        None where no model does. Scores of different models are not on one scale.

        Raises:
            EncoderMismatchError: the vectors come from another encoder than a model's.
        """
        scores: list[float | None] = [None] * len(rows)
        asked: dict[int, list[int]] = {}
        active = self.active(session)
        for place, (age, slot) in enumerate(zip(rows.ages, rows.subjects, strict=True)):
            fitting = {row.kind: row for row in active if range_of(row).holds(age)}
            row = answering(fitting, given=slot != UNSPECIFIED_SLOT)
            if row is not None:
                asked.setdefault(row.id, []).append(place)
        for model_id, places in asked.items():
            mine = rows.take(np.array(places))
            found = self.compute_reconstruction_loss(session, mine, encoder, model_id)
            for place, score in zip(places, found, strict=True):
                scores[place] = score
        return scores

    def train_subject_aware_age_group_model(
        self,
        age_min: float,
        age_max: float,
        config: GroupTrainingConfig | None = None,
        *,
        candidate: bool = False,
    ) -> AgeGroupModel:
        """As `train_age_group_model`, of a model that looks at what was drawn.

        It learns from drawings whose subject is given, and stands beside the model of its ages
        that looks at none.
        """
        wanted = config or GroupTrainingConfig()
        aware = wanted.model_copy(update={"layout": Layout.SUBJECT})
        return self.train_age_group_model(age_min, age_max, aware, candidate=candidate)

    def train_age_group_model(
        self,
        age_min: float,
        age_max: float,
        config: GroupTrainingConfig | None = None,
        *,
        candidate: bool = False,
    ) -> AgeGroupModel:
        """Train the model of one age group here and now; it opens its own transactions.

        Args:
            age_min: where the group begins.
            age_max: where it ends; the end itself belongs to it at 12 and 18.
            config: detector, layout and seed.
            candidate: leave the new model inactive beside those in use.

        Raises:
            ValidationError: the ages are no range.
            ConflictError: an active model overlaps the range, and no candidate is asked for.
            InsufficientDataError: too few drawings may train; says why.
        """
        from deepmed.features.drawings.models.training import (  # noqa: PLC0415 - it knows how models are stored, which takes this module's neighbours
            GroupTraining,
            Use,
        )

        ages = AgeRange(age_min, age_max, closes_by_default(age_max))
        training = GroupTraining(self.bench, config or GroupTrainingConfig())
        run = training.train([ages], Use.CANDIDATE if candidate else Use.REFUSE)
        if not run.models:
            raise InsufficientDataError(" ".join(left["reason"] for left in run.skipped))
        return run.models[0]

    def clear_model_cache(self) -> None:
        self._loaded.clear()


@kept
def _members_now(session: Session, model_id: int) -> str:
    return revision_of(repository.parts(session, model_id))

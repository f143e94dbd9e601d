"""What the routes of models answer, put together from the services.

To accept a training nothing of the learning library is loaded: a fresh server answers at once.
"""

from typing import Any

from sqlalchemy.orm import Session

from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.tables import Job
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.jobs import TrainPayload
from deepmed.features.drawings.models import repository
from deepmed.features.drawings.models.age_groups import AgeGroupManager
from deepmed.features.drawings.models.kinds import (
    OF_AGES,
    SUBJECT_AWARE,
    columns,
    embedding_type,
    kind_of,
)
from deepmed.features.drawings.models.ranges import AgeRange, closes_by_default, range_of
from deepmed.features.drawings.models.status import model_status
from deepmed.features.drawings.models.sufficiency import MINIMUM
from deepmed.features.drawings.models.tracker import TRAINING, ModelTrainingTracker
from deepmed.features.drawings.models.use import ModelUse
from deepmed.features.drawings.schemas.analysis import VisionModel
from deepmed.features.drawings.schemas.models import (
    AgeGroupModelResponse,
    CreationAccepted,
    Deactivated,
    Merged,
    MergeRequest,
    ModelListResponse,
    ModelsInUse,
    ModelStatus,
    ModelStatusResponse,
    ModelTrainingRequest,
    ThresholdUpdated,
    ThresholdUpdateRequest,
    TrainingAccepted,
    TrainingStatus,
)
from deepmed.features.drawings.subjects import subject_index
from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.kit import clock
from deepmed.kit.errors import ConflictError, ValidationError
from deepmed.learning.known_detectors import detector_names

_STATES = {"queued": "training", "running": "training", "succeeded": "completed"}


def train(desk: Desk, ledger: JobLedger, request: ModelTrainingRequest) -> TrainingAccepted:
    """Begin a training in the background.

    Raises:
        ConflictError: an active model overlaps the range, and no candidate is asked for.
        ValidationError: too few drawings, or another encoder than the present one is asked for.
    """
    closed = request.upper_closed
    ages = AgeRange(
        request.age_min,
        request.age_max,
        closes_by_default(request.age_max) if closed is None else closed,
    )
    _refuse_unknown_detector(request.model_type)
    _refuse_foreign_encoder(desk, request.vision_model)
    kind = kind_of(request.layout)
    if not request.candidate:
        _refuse_overlap(desk, ages, kind)
    count = _refuse_too_few(desk, ages, request.min_samples, kind)
    job = ModelTrainingTracker(ledger).start_training(
        [ages],
        use="candidate" if request.candidate else "refuse",
        detector=request.model_type,
        layout=request.layout,
        seed=desk.bench.settings.seed if request.seed is None else request.seed,
    )
    return TrainingAccepted(
        job_id=job.uid,
        age_range=(ages.age_min, ages.age_max),
        status="training",
        sample_count=count,
        progress_url=f"/api/v1/models/training/{job.uid}/status",
    )


def auto_create(desk: Desk, ledger: JobLedger, *, force: bool) -> ModelsInUse | CreationAccepted:
    """Train the groups that the ages at hand suggest, unless models are in use already."""
    with desk.bench.database.read() as session:
        existing = len(repository.active_models(session, desk.bench.owner_id))
        groups = AgeGroupManager(desk.bench).suggest_age_groups(session)
    if existing and not force:
        return ModelsInUse(
            message="Models are in use already; nothing was trained.", existing_models=existing
        )
    if not groups:
        raise ValidationError("There are no drawings to learn from yet; upload some first.")
    job = ModelTrainingTracker(ledger).start_training(
        groups,
        use="replace" if existing else "refuse",
        detector="auto",
        seed=desk.bench.settings.seed,
    )
    return CreationAccepted(
        job_id=job.uid,
        status="creating",
        force_recreate=force,
        progress_url=f"/api/v1/models/creation/{job.uid}/status",
    )


def training_status(ledger: JobLedger, uid: str) -> TrainingStatus:
    job = ModelTrainingTracker(ledger).get_training_status(uid)
    payload = TrainPayload.model_validate(job.payload)
    result = job.result or {}
    trained = [model for model in result.get("models", []) if model["kind"] in OF_AGES]
    reason = _reason(job, trained)
    return TrainingStatus(
        job_id=uid,
        age_range=(payload.groups[0].age_min, payload.groups[-1].age_max),
        status="failed" if reason else _STATES.get(job.state, "failed"),
        progress=_percent(job),
        message=reason or job.message or job.title,
        model_id=trained[0]["id"] if trained else None,
        error=reason,
    )


def listed(desk: Desk, ledger: JobLedger, *, active_only: bool) -> ModelListResponse:
    with desk.bench.database.read() as session:
        known = repository.all_models(session, desk.bench.owner_id)
        rows = [row for row in known if row.kind in OF_AGES]
        wanted = [row for row in rows if row.is_active or not active_only]
        subjects = _subjects(session, wanted)
        shown = [_model(desk, session, row, subjects.get(row.id)) for row in wanted]
        training = ledger.count_unfinished(session, TRAINING)
    return ModelListResponse(
        models=shown,
        total_count=len(shown),
        active_count=sum(row.is_active for row in rows),
        training_count=training,
    )


def status(desk: Desk, ledger: JobLedger) -> ModelStatusResponse:
    with desk.bench.database.read() as session:
        found = model_status(desk.bench, session)
        found["training_models"] = ledger.count_unfinished(session, TRAINING)
    return ModelStatusResponse(**found)


def set_threshold(desk: Desk, model_id: int, request: ThresholdUpdateRequest) -> ThresholdUpdated:
    """Give one model a rule of its own; a percentile goes before a threshold."""
    with desk.bench.database.write() as session:
        row = desk.models.get(session, model_id)
        before = desk.thresholds.statistics(session, row)["threshold"]
        threshold = None if request.percentile is not None else request.threshold
        desk.thresholds.set_rule(session, request.percentile, threshold, model_id)
        after = desk.thresholds.statistics(session, row)["threshold"]
    return ThresholdUpdated(
        model_id=model_id,
        age_range=(row.age_min, row.age_max),
        old_threshold=before,
        new_threshold=after,
        percentile_used=request.percentile,
        updated_at=clock.now(),
    )


def deactivate(desk: Desk, model_id: int) -> Deactivated:
    with desk.bench.database.write() as session:
        ModelUse(desk.bench, desk.models).deactivate(session, model_id)
    return Deactivated(
        model_id=model_id,
        status="deactivated",
        message="The model is out of use; it and all analyses are kept.",
    )


def merge(desk: Desk, request: MergeRequest) -> Merged:
    with desk.bench.database.write() as session:
        model, replaced = ModelUse(desk.bench, desk.models).merge(
            session, request.original_groups, request.merged_group
        )
    return Merged(
        success=True,
        merged_model_id=model.id,
        merged_age_group=request.merged_group,
        deactivated_models=[row.id for row in replaced],
        combined_sample_count=model.sample_count,
        message="The merged model is in use; the groups' own models are kept, out of use.",
    )


def _refuse_unknown_detector(name: str) -> None:
    known = ("auto", *detector_names())
    if name not in known:
        raise ValidationError(
            f"There is no model_type {name!r}; nothing was trained. Choose one of "
            f"{', '.join(known)}."
        )


def _refuse_foreign_encoder(desk: Desk, asked: str | None) -> None:
    present = desk.bench.settings.encoder
    if asked not in {None, VisionModel.VIT, present}:
        raise ValidationError(
            f"The present encoder is {present}, not {asked}; nothing was trained. Set "
            "DEEPMED_ENCODER to use another one for all drawings."
        )


def _refuse_too_few(desk: Desk, ages: AgeRange, least: int, kind: str) -> int:
    with desk.bench.database.read() as session:
        found = AgeGroupManager(desk.bench).validate_age_group_data(session, [ages], kind)
    count: int = found[0]["drawings"]
    if count < least:
        which = " with a subject" if kind == SUBJECT_AWARE else ""
        raise ValidationError(
            f"{count} drawings of {ages.words}{which} may train, and {least} were asked for at "
            "least; nothing was trained. Upload more drawings of this age, or lower min_samples "
            "(10 are the least)."
        )
    return count


def _refuse_overlap(desk: Desk, ages: AgeRange, kind: str) -> None:
    with desk.bench.database.read() as session:
        for row in repository.active_models(session, desk.bench.owner_id, kind):
            if range_of(row).overlaps(ages):
                raise ConflictError(
                    f"Model {row.id} for {range_of(row).words} is active and overlaps "
                    f"{ages.words}; nothing was trained. Train an inactive candidate with "
                    "candidate: true, or deactivate the model first.",
                    model_id=row.id,
                )


def _subjects(session: Session, rows: list[AgeGroupModel]) -> dict[int, list[str]]:
    """Of each model that looks at subjects, those that it knows; of the others, none."""
    aware = [row.id for row in rows if row.kind == SUBJECT_AWARE]
    known = repository.subjects_of(session, aware)
    of_aware = {key: sorted(found, key=subject_index) for key, found in known.items()}
    return {row.id: [] for row in rows if row.kind != SUBJECT_AWARE} | of_aware


def _model(
    desk: Desk, session: Session, row: AgeGroupModel, subjects: list[str] | None
) -> AgeGroupModelResponse:
    info = desk.models.get_model_info(session, row)
    rule = desk.thresholds.statistics(session, row)
    thin = row.sample_count < MINIMUM and not rule["supported"]
    return AgeGroupModelResponse(
        id=row.id,
        age_min=row.age_min,
        age_max=row.age_max,
        upper_closed=row.upper_closed,
        model_type=row.model_type,
        vision_model=row.vision_model.partition("@")[0],
        sample_count=row.sample_count,
        threshold=rule["threshold"],
        status=ModelStatus.INSUFFICIENT_DATA if thin else ModelStatus.READY,
        created_timestamp=row.created_timestamp,
        is_active=row.is_active,
        supports_subjects=row.kind == SUBJECT_AWARE,
        subject_categories=subjects,
        embedding_type=embedding_type(row.parameters),
        vector_dimension=columns(row.parameters["layout"], row.parameters["dimension"]),
        needs_retraining=row.needs_retraining,
        percentile=rule["percentile"],
        attained_level=rule.get("attained_level"),
        children=info["metrics"]["children"],
    )


def _reason(job: Job, trained: list[dict[str, Any]]) -> str | None:
    """Why there is no model of a finished training; None where there is one, or may be one yet."""
    if job.state == "cancelled":
        return "It was cancelled; what was finished before is kept."
    if job.state == "failed":
        return str((job.error or {}).get("message", "It failed."))
    if job.state == "succeeded" and not trained:
        return " ".join(left["reason"] for left in (job.result or {}).get("skipped", []))
    return None


def _percent(job: Job) -> int:
    if job.state == "succeeded":
        return 100
    return int(100 * (job.completed or 0) / job.total) if job.total else 0

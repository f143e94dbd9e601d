"""What the configuration routes answer, put together from the services."""

from collections.abc import Callable, Mapping
from statistics import fmean, median, pstdev
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from deepmed import __version__
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.models.age_groups import AgeGroupManager
from deepmed.features.drawings.models.sufficiency import MINIMUM, RECOMMENDED
from deepmed.features.drawings.models.use import ModelUse
from deepmed.features.drawings.schemas.analysis import AnalysisMethod
from deepmed.features.drawings.schemas.config import (
    AgeDistribution,
    ConfigurationStatistics,
    ConfigurationUpdateRequest,
    Coverage,
    CoveringModel,
    GroupCount,
    HealthCheckResponse,
    ModelThreshold,
    SuccessResponse,
    SystemConfigurationResponse,
    SystemHealth,
    ThresholdStatistics,
    Validation,
)
from deepmed.features.drawings.subjects import SubjectCategory
from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.kit import clock
from deepmed.kit.errors import DeepMedError, ValidationError


def configuration(desk: Desk) -> SystemConfigurationResponse:
    with desk.bench.database.read() as session:
        percentile = desk.thresholds.get_current_percentile(session)
        grouping = AgeGroupManager(desk.bench).grouping(session)
    return SystemConfigurationResponse(
        vision_model=desk.bench.settings.encoder,
        anomaly_detection_method=AnalysisMethod.AUTOENCODER,
        threshold_percentile=percentile,
        age_grouping_strategy=grouping.strategy,
        min_samples_per_group=grouping.min_samples,
        max_age_group_span=grouping.max_span,
        subject_aware_analysis=True,
        supported_subjects=[each.value for each in SubjectCategory],
    )


def update(desk: Desk, request: ConfigurationUpdateRequest) -> SuccessResponse:
    """Apply what was given. Raises ValidationError where nothing was."""
    given = request.model_dump(exclude_none=True)
    if not given:
        raise ValidationError("Nothing was given to change; nothing was changed.")
    applied: dict[str, Any] = dict(given)
    asked = request.age_grouping_strategy
    with desk.bench.database.write() as session:
        AgeGroupManager(desk.bench).set_grouping(
            session,
            strategy=asked and str(asked),
            min_samples=request.min_samples_per_group,
            max_span=request.max_age_group_span,
        )
        if request.threshold_percentile is not None:
            before = _thresholds(desk, session)
            desk.thresholds.set_current_percentile(session, request.threshold_percentile)
            applied["threshold_updates"] = _recalculated(desk, session, before)
    return SuccessResponse(message="The configuration is changed.", data=applied)


def set_percentile(desk: Desk, percentile: float) -> SuccessResponse:
    """Put a percentile into force for all models that have no rule of their own."""
    with desk.bench.database.write() as session:
        before = _thresholds(desk, session)
        desk.thresholds.set_current_percentile(session, percentile)
        found = _recalculated(desk, session, before)
    return SuccessResponse(
        message=f"Drawings are flagged from the {percentile:g}th percentile now.",
        data={
            "percentile": percentile,
            "successful_updates": found["successful_updates"],
            "failed_updates": found["failed_updates"],
            "errors": found["errors"],
        },
    )


def reset(desk: Desk) -> SuccessResponse:
    with desk.bench.database.write() as session:
        number = ModelUse(desk.bench, desk.models).deactivate_all(session)
    desk.models.clear_model_cache()
    desk.bench.encoding.clear_cache()
    return SuccessResponse(
        message="All models are out of use; drawings, embeddings and analyses are kept.",
        data={"deactivated_models": number, "caches_cleared": True},
    )


def health(desk: Desk) -> HealthCheckResponse:
    states = {
        "database": _state(lambda: _ask_database(desk)),
        "models": _state(lambda: _ask_models(desk)),
        "storage": _state(lambda: next(desk.bench.storage.list_files("health/"), None)),
    }
    well = all(state == "healthy" for state in states.values())
    return HealthCheckResponse(
        status="healthy" if well else "degraded",
        timestamp=clock.now(),
        version=__version__,
        **states,
    )


def statistics(desk: Desk) -> ConfigurationStatistics:
    manager = AgeGroupManager(desk.bench)
    with desk.bench.database.read() as session:
        ages = manager.analyze_age_distribution(session)
        coverage = manager.get_age_group_coverage(session)
        rows = desk.models.active(session)
        rules = {row.id: desk.thresholds.statistics(session, row) for row in rows}
    thresholds = [rule["threshold"] for rule in rules.values() if rule["threshold"] is not None]
    thin = [row for row in rows if row.sample_count < MINIMUM]
    warned = [
        f"Model {row.id} for {row.age_min:g}-{row.age_max:g}: so few children do not support the "
        "percentile, so it flags nothing."
        for row in rows
        if not rules[row.id]["supported"]
    ]
    return ConfigurationStatistics(
        age_distribution=AgeDistribution(
            total_drawings=ages["total_drawings"],
            age_range=ages["age_range"],
            mean_age=ages["mean_age"],
            age_groups=[
                GroupCount(
                    age_start=year["age_start"],
                    age_end=year["age_end"],
                    sample_count=year["drawings"],
                    sufficient_data=year["drawings"] >= RECOMMENDED,
                )
                for year in ages["years"]
            ],
        ),
        threshold_statistics=ThresholdStatistics(
            total_models=len(rows),
            threshold_range=[min(thresholds), max(thresholds)] if thresholds else None,
            mean_threshold=fmean(thresholds) if thresholds else None,
            std_threshold=pstdev(thresholds) if thresholds else None,
            model_thresholds=[
                ModelThreshold(model_id=row.id, **_model(row, rules[row.id])) for row in rows
            ],
        ),
        age_group_coverage=Coverage(
            **coverage,
            models=[CoveringModel(id=row.id, **_model(row, rules[row.id])) for row in rows],
        ),
        validation_results=Validation(
            total_models=len(rows),
            valid_models=len(rows) - len(thin),
            insufficient_data_models=len(thin),
            warnings=warned,
            errors=[],
        ),
        system_health=SystemHealth(
            total_models=len(rows),
            coverage_gaps=len(coverage["coverage_gaps"]),
            validation_warnings=len(warned),
            validation_errors=0,
        ),
    )


def _model(row: AgeGroupModel, rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "age_range": (row.age_min, row.age_max),
        "threshold": rule["threshold"],
        "sample_count": row.sample_count,
    }


Thresholds = dict[int, dict[str, Any] | DeepMedError]
"""The rule in force for each active model, or why its model cannot be read."""


def _thresholds(desk: Desk, session: Session) -> Thresholds:
    found: Thresholds = {}
    for row in desk.models.active(session):
        try:
            found[row.id] = desk.thresholds.statistics(session, row)
        except DeepMedError as error:
            found[row.id] = error
    return found


def _recalculated(desk: Desk, session: Session, before: Thresholds) -> dict[str, Any]:
    """Each active model's threshold before and under the rule in force now."""
    after = _thresholds(desk, session)
    results = {
        str(row.id): _recalculation(desk, session, row, before[row.id], after[row.id])
        for row in desk.models.active(session)
    }
    errors = [
        f"Model {model}: {rule.message}"
        for model, rule in after.items()
        if isinstance(rule, DeepMedError)
    ]
    return {
        "total_models": len(results),
        "successful_updates": len(results) - len(errors),
        "failed_updates": len(errors),
        "model_results": results,
        "errors": errors,
    }


def _recalculation(
    desk: Desk,
    session: Session,
    row: AgeGroupModel,
    before: dict[str, Any] | DeepMedError,
    after: dict[str, Any] | DeepMedError,
) -> dict[str, Any]:
    ages = [row.age_min, row.age_max]
    if isinstance(before, DeepMedError) or isinstance(after, DeepMedError):
        nothing = {"old_threshold": None, "new_threshold": None, "statistics": None}
        return {"success": False, "age_range": ages, **nothing}
    scores = desk.models.load_model(session, row).model.calibration.scores
    return {
        "success": True,
        "age_range": ages,
        "old_threshold": before["threshold"],
        "new_threshold": after["threshold"],
        "supported": after["supported"],
        "statistics": {
            "mean": fmean(scores),
            "std": pstdev(scores),
            "min": float(min(scores)),
            "max": float(max(scores)),
            "median": float(median(scores)),
            "sample_count": len(scores),
        },
    }


def _state(ask: Callable[[], object]) -> str:
    try:
        ask()
    except DeepMedError as error:
        return f"error: {error.message}"
    return "healthy"


def _ask_database(desk: Desk) -> None:
    with desk.bench.database.read() as session:
        session.execute(text("SELECT 1"))


def _ask_models(desk: Desk) -> None:
    with desk.bench.database.read() as session:
        for row in desk.models.active(session):
            desk.models.load_model(session, row)

"""Which models in use look at what was drawn."""

from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.models.kinds import (
    SUBJECT_AWARE,
    SUBJECT_LAYOUT,
    columns,
    embedding_type,
)
from deepmed.features.drawings.schemas.subjects import (
    Architecture,
    Capabilities,
    SubjectAwareModel,
    SubjectAwareModels,
    SubjectAwareStatus,
)
from deepmed.features.drawings.subjects import SUBJECT_SLOTS, SubjectCategory
from deepmed.features.drawings.tables import AgeGroupModel


def models(desk: Desk) -> SubjectAwareModels:
    with desk.bench.database.read() as session:
        rows = desk.models.active(session)
    visual = desk.bench.encoding.identity.dimension
    aware = [row for row in rows if _is_aware(row)]
    return SubjectAwareModels(
        subject_aware_system_status=SubjectAwareStatus(
            enabled=bool(aware),
            total_active_models=len(rows),
            subject_aware_models=len(aware),
            legacy_models=len(rows) - len(aware),
            coverage_percentage=100 * len(aware) / len(rows) if rows else None,
        ),
        model_details=[
            SubjectAwareModel(
                model_id=row.id,
                age_range=f"{row.age_min}-{row.age_max}",
                supports_subjects=_is_aware(row),
                embedding_type=embedding_type(row.parameters),
                vector_dimension=columns(row.parameters["layout"], row.parameters["dimension"]),
                sample_count=row.sample_count,
                created_timestamp=row.created_timestamp,
                is_subject_aware=_is_aware(row),
            )
            for row in rows
        ],
        architecture_info=Architecture(
            hybrid_embedding_dimensions=columns(SUBJECT_LAYOUT, visual),
            visual_component_dimensions=visual,
            subject_component_dimensions=SUBJECT_SLOTS,
            supported_subject_categories=SUBJECT_SLOTS,
            default_subject_category=SubjectCategory.UNSPECIFIED.value,
        ),
        capabilities=Capabilities(
            subject_aware_analysis=True,
            anomaly_attribution=False,
            component_level_scoring=False,
            subject_specific_comparisons=True,
            cross_subject_validation=False,
        ),
    )


def _is_aware(row: AgeGroupModel) -> bool:
    return row.kind == SUBJECT_AWARE

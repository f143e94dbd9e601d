"""Which models in use look at what was drawn."""

from typing import Any

from deepmed.features.drawings.answers.subjects import SLOTS, VISUAL
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.subjects import SubjectCategory
from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.learning.reference import Layout


def models(desk: Desk) -> dict[str, Any]:
    with desk.bench.database.read() as session:
        rows = desk.models.active(session)
    aware = [row for row in rows if _is_aware(row)]
    return {
        "subject_aware_system_status": {
            "enabled": True,
            "total_active_models": len(rows),
            "subject_aware_models": len(aware),
            "legacy_models": len(rows) - len(aware),
            "coverage_percentage": 100 * len(aware) / len(rows) if rows else None,
        },
        "model_details": [
            {
                "model_id": row.id,
                "age_range": f"{row.age_min}-{row.age_max}",
                "supports_subjects": _is_aware(row),
                "embedding_type": row.parameters["layout"],
                "vector_dimension": row.parameters["dimension"],
                "sample_count": row.sample_count,
                "created_timestamp": row.created_timestamp.isoformat(),
                "is_subject_aware": _is_aware(row),
            }
            for row in rows
        ],
        "architecture_info": {
            "hybrid_embedding_dimensions": VISUAL + SLOTS,
            "visual_component_dimensions": VISUAL,
            "subject_component_dimensions": SLOTS,
            "supported_subject_categories": SLOTS,
            "default_subject_category": SubjectCategory.UNSPECIFIED.value,
        },
        "capabilities": {
            "subject_aware_analysis": True,
            "anomaly_attribution": False,
            "component_level_scoring": False,
            "subject_specific_comparisons": True,
            "cross_subject_validation": False,
        },
    }


def _is_aware(row: AgeGroupModel) -> bool:
    return bool(row.parameters["layout"] == Layout.SUBJECT.value)

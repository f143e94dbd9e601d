"""What answers look like, in the contract's terms; written from it and not from our schemas.

A shape is a type, a tuple of alternatives, a list with the shape of its items, a dictionary with
the shapes of its values, or a function that says whether a value fits. More names than the shape
has are welcome, fewer are not.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

Shape = Any


def mismatches(shape: Shape, value: Any, place: str = "answer") -> Iterator[str]:
    """Where a value is not of the shape."""
    if isinstance(shape, tuple):
        if all(any(True for _ in mismatches(one, value)) for one in shape):
            yield f"{place}: {value!r} is none of {shape}"
    elif isinstance(shape, dict):
        yield from _of_object(shape, value, place)
    elif isinstance(shape, list):
        yield from _of_list(shape, value, place)
    elif not _fits(shape, value):
        yield f"{place}: {value!r} is not {getattr(shape, '__name__', shape)}"


def _of_object(shape: dict[str, Shape], value: Any, place: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place}: {value!r} is no object"
        return
    for name, inner in shape.items():
        if name == "*":
            for key, one in value.items():
                yield from mismatches(inner, one, f"{place}.{key}")
        elif name not in value:
            yield f"{place}.{name}: it is missing"
        else:
            yield from mismatches(inner, value[name], f"{place}.{name}")


def _of_list(shape: list[Shape], value: Any, place: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{place}: {value!r} is no list"
        return
    for number, one in enumerate(value):
        yield from mismatches(shape[0], one, f"{place}[{number}]")


def _fits(shape: Shape, value: Any) -> bool:
    if shape is None:
        return value is None
    if isinstance(shape, str):
        return bool(value == shape)
    if shape is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if shape is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if isinstance(shape, type):
        return isinstance(value, shape)
    return bool(shape(value))


def number(low: float, high: float) -> Callable[[Any], bool]:
    def within(value: Any) -> bool:
        return _fits(float, value) and low <= value <= high

    return within


def one_of(*words: str) -> Callable[[Any], bool]:
    return lambda value: value in words


def moment(value: Any) -> bool:
    return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None


def count(value: Any) -> bool:
    return _fits(int, value) and value >= 0


def uid(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 32


AGE = number(2, 18)
BOUNDS = [AGE]
NO_NUMBER = None
"""A number of the contract that is nowhere in ours: null, and a reason stands beside it."""

DRAWING = {
    "id": int,
    "filename": str,
    "age_years": AGE,
    "subject": (str, None),
    "expert_label": (one_of("normal", "concern", "severe"), None),
    "drawing_tool": (str, None),
    "prompt": (str, None),
    "upload_timestamp": moment,
}
DRAWINGS = {
    "drawings": [DRAWING],
    "total_count": count,
    "page": number(1, 1e9),
    "page_size": number(1, 100),
    "total_pages": count,
}
FOLDER = {
    "exists": bool,
    "file_count": count,
    "total_size_bytes": count,
    "total_size_mb": number(0, 1e6),
}
DRAWING_STATISTICS = {
    "total_drawings": count,
    "age_range": {"min": (AGE, None), "max": (AGE, None), "average": (AGE, None)},
    "expert_labels": {"normal": count, "concern": count, "severe": count},
    "storage": {
        "upload_dir": str,
        "static_dir": str,
        "directories": {"uploads": FOLDER, "static": FOLDER},
    },
}
UPLOAD_PROGRESS = {"progress": number(0, 100), "status": str}
BATCH_UPLOAD = {
    "upload_id": uid,
    "file_count": count,
    "status": "processing",
    "progress_url": str,
}

ANALYSIS = {
    "id": int,
    "drawing_id": int,
    "anomaly_score": float,
    "normalized_score": number(0, 100),
    "visual_anomaly_score": NO_NUMBER,
    "subject_anomaly_score": NO_NUMBER,
    "anomaly_attribution": None,
    "analysis_type": str,
    "subject_category": (str, None),
    "is_anomaly": bool,
    "confidence": (number(0, 1), None),
    "age_group": str,
    "method_used": str,
    "vision_model": str,
    "analysis_timestamp": moment,
    "reasons": {"visual_anomaly_score": str, "subject_anomaly_score": str},
}
REGION = {
    "region_id": str,
    "bounding_box": [int],
    "importance_score": number(0, 1),
    "spatial_location": str,
    "x": count,
    "y": count,
    "width": count,
    "height": count,
    "importance": number(0, 1),
}
INTERPRETABILITY = {
    "saliency_map_url": str,
    "overlay_image_url": str,
    "explanation_text": (str, None),
    "importance_regions": [REGION],
}
EXAMPLE = {
    "drawing_id": int,
    "filename": str,
    "age_years": AGE,
    "subject": (str, None),
    "similarity_score": number(-1, 1),
    "anomaly_score": (float, None),
    "normalized_score": (number(0, 100), None),
}
RESULT = {
    "drawing": DRAWING,
    "analysis": ANALYSIS,
    "interpretability": (INTERPRETABILITY, None),
    "comparison_examples": [EXAMPLE],
}
HISTORY = {"drawing_id": int, "analyses": [ANALYSIS], "total_count": count}
ANALYSIS_STATISTICS = {
    "total_drawings": count,
    "total_analyses": count,
    "anomaly_count": count,
    "normal_count": count,
    "recent_analyses": [
        {
            "id": int,
            "drawing_id": int,
            "filename": str,
            "age_years": AGE,
            "anomaly_score": (float, None),
            "is_anomaly": bool,
            "analysis_timestamp": moment,
        }
    ],
    "age_distribution": [{"age_group": str, "count": count}],
    "model_status": {
        "vision_model": str,
        "is_loaded": bool,
        "last_updated": str,
        "active_age_groups": count,
    },
}
BATCH = {
    "batch_id": uid,
    "total_drawings": number(1, 100),
    "status": "processing",
    "progress_url": str,
}
BATCH_PROGRESS = {
    "batch_id": uid,
    "total_drawings": number(1, 100),
    "completed": count,
    "failed": count,
    "status": str,
    "results": [RESULT],
    "errors": [{"drawing_id": (int, None), "error": str, "timestamp": moment}],
    "started_at": moment,
    "completed_at": (moment, None),
}
EMBEDDING = {
    "drawing_id": int,
    "status": one_of("generated", "exists"),
    "message": str,
    "embedding_id": int,
    "vector_dimension": count,
    "created_timestamp": moment,
}

BOX = [int]
SHARE = number(0, 1)
INTERACTIVE = {
    "saliency_regions": [
        {
            "region_id": str,
            "bounding_box": BOX,
            "importance_score": SHARE,
            "spatial_location": str,
            "hover_explanation": str,
            "click_explanation": str,
        }
    ],
    "attention_patches": [
        {
            "patch_id": str,
            "coordinates": BOX,
            "attention_weight": SHARE,
            "layer_index": count,
            "head_index": count,
        }
    ],
    "region_explanations": {"*": str},
    "confidence_scores": {"*": NO_NUMBER},
    "interaction_metadata": {
        "total_regions": count,
        "total_patches": count,
        "image_dimensions": [count],
        "patch_size": count,
        "analysis_method": str,
    },
    "reasons": {"confidence_scores": str},
}
SIMPLIFIED = {
    "summary": str,
    "key_findings": [str],
    "visual_indicators": [{"indicator": str, "meaning": str}],
    "confidence_level": one_of("High", "Medium", "Low", "Not given"),
    "age_appropriate_context": str,
    "recommendations": [str],
}
CONFIDENCE = {
    "overall_confidence": (SHARE, None),
    "explanation_reliability": (SHARE, None),
    "model_certainty": NO_NUMBER,
    "data_sufficiency": one_of("Sufficient", "Limited", "Insufficient"),
    "warnings": [str],
    "technical_details": {
        "base_model_confidence": (SHARE, None),
        "training_data_quality": NO_NUMBER,
        "score_extremity": (SHARE, None),
        "age_group_sample_count": (count, None),
        "analysis_method": (str, None),
        "vision_model": (str, None),
    },
    "reasons": {"model_certainty": str, "training_data_quality": str},
}
COMPONENT = {"score": NO_NUMBER, "contribution_percentage": NO_NUMBER, "description": str}
ATTRIBUTED = {
    "analysis_id": int,
    "primary_attribution": None,
    "visual_anomaly_score": NO_NUMBER,
    "subject_anomaly_score": NO_NUMBER,
    "overall_anomaly_score": (float, None),
    "subject_category": str,
    "age_group": str,
    "attribution_explanation": str,
    "component_breakdown": {"visual_component": COMPONENT, "subject_component": COMPONENT},
    "confidence_metrics": {
        "overall_confidence": (SHARE, None),
        "attribution_confidence": NO_NUMBER,
        "reliability_notes": [str],
    },
    "reasons": {
        "primary_attribution": str,
        "contribution_percentage": str,
        "attribution_confidence": str,
    },
}
EXPORTED = {
    "export_id": uid,
    "file_path": str,
    "file_url": str,
    "format": one_of("pdf", "png", "csv", "json", "html", "pptx"),
    "file_size": count,
    "created_at": moment,
    "expires_at": moment,
}
ANNOTATED = {"message": str, "annotation_id": uid, "analysis_id": int, "region_id": str}
ANALYSED_EXAMPLE = {
    "drawing_id": int,
    "filename": str,
    "age_years": AGE,
    "subject": (str, None),
    "anomaly_score": (float, None),
    "normalized_score": (number(0, 100), None),
    "confidence": (SHARE, None),
    "analysis_timestamp": moment,
    "visual_anomaly_score": NO_NUMBER,
    "subject_anomaly_score": NO_NUMBER,
    "anomaly_attribution": None,
}
COMPARISON = {
    "normal_examples": [ANALYSED_EXAMPLE],
    "anomalous_examples": [ANALYSED_EXAMPLE],
    "explanation_context": str,
    "age_group": str,
    "total_available": count,
}
PATTERN = {
    "pattern_id": str,
    "pattern_name": str,
    "description": str,
    "age_group": str,
    "example_type": one_of("normal", "anomalous", "borderline"),
    "confidence_level": str,
    "visual_features": [str],
    "interpretation_notes": [str],
    "educational_context": str,
    "image_url": str,
    "saliency_url": str,
    "metadata": {
        "drawing_count": count,
        "prevalence": (SHARE, None),
        "developmental_significance": NO_NUMBER,
        "reasons": {"developmental_significance": str},
    },
}

MODEL = {
    "id": int,
    "age_min": AGE,
    "age_max": AGE,
    "model_type": str,
    "vision_model": str,
    "sample_count": count,
    "threshold": (number(1e-12, 1e12), None),
    "status": one_of("training", "ready", "failed", "insufficient_data"),
    "created_timestamp": moment,
    "is_active": bool,
    "supports_subjects": bool,
    "subject_categories": ([str], None),
}
MODELS = {"models": [MODEL], "total_count": count, "active_count": count, "training_count": count}
TRAINING = {
    "job_id": uid,
    "age_range": BOUNDS,
    "status": "training",
    "sample_count": count,
    "progress_url": str,
}
TRAINING_STATUS = {
    "job_id": uid,
    "age_range": BOUNDS,
    "status": one_of("training", "completed", "failed"),
    "progress": number(0, 100),
    "message": str,
    "model_id": (int, None),
    "error": (str, None),
}
THRESHOLD_UPDATED = {
    "model_id": int,
    "age_range": BOUNDS,
    "old_threshold": (float, None),
    "new_threshold": (float, None),
    "percentile_used": (number(50, 99.9), None),
    "updated_at": moment,
}
MODEL_STATUS = {
    "total_models": count,
    "active_models": count,
    "training_models": count,
    "failed_models": count,
    "total_drawings": count,
    "total_analyses": count,
    "system_status": one_of("no_models", "insufficient_data", "ready"),
    "last_training": (moment, None),
}
IN_USE = {"message": str, "existing_models": count}
CREATING = {"job_id": uid, "status": "creating", "force_recreate": bool, "progress_url": str}
CREATION_STATUS = {"job_id": uid, "status": str, "message": str}
DEACTIVATED = {"model_id": int, "status": "deactivated", "message": str}
GROUP_DATA = {
    "age_min": AGE,
    "age_max": AGE,
    "sample_count": count,
    "is_sufficient": bool,
    "recommended_min_samples": count,
    "data_quality_score": NO_NUMBER,
    "data_quality_reason": str,
    "subjects_distribution": {"*": count},
    "age_distribution": [AGE],
}
WARNING = {
    "warning_type": str,
    "severity": one_of("critical", "high", "medium", "low"),
    "age_group_min": AGE,
    "age_group_max": AGE,
    "current_samples": count,
    "recommended_samples": count,
    "message": str,
    "suggestions": [str],
}
SUFFICIENCY = {
    "success": bool,
    "age_groups_analyzed": count,
    "analysis_results": [GROUP_DATA],
    "warnings": [WARNING],
    "merging_suggestions": [
        {
            "original_groups": [BOUNDS],
            "merged_group": BOUNDS,
            "combined_sample_count": count,
            "improvement_score": NO_NUMBER,
            "improvement_reason": str,
            "rationale": str,
        }
    ],
    "summary": {
        "total_warnings": count,
        "critical_warnings": count,
        "high_warnings": count,
        "merging_opportunities": count,
    },
}
GROUP_SUFFICIENCY = {
    "success": bool,
    "age_group": {"min": AGE, "max": AGE},
    "data_analysis": GROUP_DATA,
    "augmentation_suggestions": {
        "recommended_techniques": [str],
        "multiplier_target": NO_NUMBER,
        "multiplier_reason": str,
        "priority_subjects": [str],
        "cautions": [str],
    },
    "recommendations": {
        "can_train": bool,
        "needs_augmentation": bool,
        "quality_rating": None,
        "quality_reason": str,
    },
}
MERGED = {
    "success": bool,
    "merged_model_id": int,
    "merged_age_group": BOUNDS,
    "deactivated_models": [int],
    "combined_sample_count": count,
    "message": str,
}
WARNINGS = {
    "success": bool,
    "total_warnings": count,
    "severity_filter": (str, None),
    "warnings": [WARNING],
    "warnings_by_type": {"*": [WARNING]},
    "severity_counts": {"critical": count, "high": count, "medium": count, "low": count},
}

CONFIGURATION = {
    "vision_model": str,
    "anomaly_detection_method": str,
    "threshold_percentile": (number(50, 99.9), None),
    "age_grouping_strategy": one_of("yearly", "2-year", "3-year", "custom"),
    "min_samples_per_group": number(10, 1e9),
    "max_age_group_span": number(1e-9, 16),
}
SUCCESS = {"success": bool, "message": str, "data": dict}
RECALCULATION = {
    "total_models": count,
    "successful_updates": count,
    "failed_updates": count,
    "model_results": {
        "*": {
            "success": bool,
            "age_range": BOUNDS,
            "old_threshold": (float, None),
            "new_threshold": (float, None),
            "statistics": {
                "mean": float,
                "std": float,
                "min": float,
                "max": float,
                "median": float,
                "sample_count": count,
            },
        }
    },
    "errors": [str],
}
UPDATED = {**SUCCESS, "data": {"threshold_percentile": float, "threshold_updates": RECALCULATION}}
GROUPING_UPDATED = {**SUCCESS, "data": {"min_samples_per_group": int}}
PERCENTILE_SET = {
    **SUCCESS,
    "data": {
        "percentile": number(50, 99.9),
        "successful_updates": count,
        "failed_updates": count,
        "errors": [str],
    },
}
CONFIGURATION_HEALTH = {
    "status": one_of("healthy", "degraded"),
    "timestamp": moment,
    "version": str,
    "database": str,
    "models": str,
    "storage": str,
}
CONFIGURATION_STATISTICS = {
    "age_distribution": {
        "total_drawings": count,
        "age_range": ([AGE], None),
        "mean_age": (AGE, None),
        "age_groups": [
            {"age_start": float, "age_end": float, "sample_count": count, "sufficient_data": bool}
        ],
    },
    "threshold_statistics": {
        "total_models": count,
        "threshold_range": ([float], None),
        "mean_threshold": (float, None),
        "std_threshold": (float, None),
        "model_thresholds": [
            {"model_id": int, "age_range": BOUNDS, "threshold": float, "sample_count": count}
        ],
    },
    "age_group_coverage": {
        "total_models": count,
        "age_ranges": [BOUNDS],
        "coverage_gaps": [BOUNDS],
        "total_coverage": (BOUNDS, None),
        "models": [{"id": int, "age_range": BOUNDS, "sample_count": count, "threshold": float}],
    },
    "validation_results": {
        "total_models": count,
        "valid_models": count,
        "insufficient_data_models": count,
        "warnings": [str],
        "errors": [str],
    },
    "system_health": {
        "total_models": count,
        "coverage_gaps": count,
        "validation_warnings": count,
        "validation_errors": count,
    },
}
SUBJECTS = {
    "supported_categories": [
        {"category": str, "display_name": str, "usage_count": count, "is_default": bool}
    ],
    "total_categories": count,
    "statistics": {
        "total_drawings": count,
        "drawings_with_subject": count,
        "drawings_without_subject": count,
        "subject_coverage_percentage": (number(0, 100), None),
    },
    "subject_aware_analysis": {
        "enabled": bool,
        "default_category": "unspecified",
        "hybrid_embedding_dimensions": count,
        "visual_component_dimensions": count,
        "subject_component_dimensions": count,
    },
}
ANSWER_COUNTS = {
    "total_analyses": count,
    "anomaly_count": count,
    "anomaly_rate": (number(0, 100), None),
    "average_anomaly_score": NO_NUMBER,
    "average_normalized_score": NO_NUMBER,
    "average_reason": str,
}
ATTRIBUTION = {"attribution_type": str, "count": count, "percentage": number(0, 100)}
ALL_SUBJECTS = {
    "overview": {
        "total_subjects_with_data": count,
        "total_drawings": count,
        "total_analyses": count,
    },
    "subject_distribution": [
        {"subject": str, "drawing_count": count, "percentage": number(0, 100)}
    ],
    "cross_subject_analysis": [{"subject": str, **ANSWER_COUNTS}],
    "overall_attribution_breakdown": [ATTRIBUTION],
    "attribution_reason": str,
}
ONE_SUBJECT = {
    "subject": str,
    "total_drawings": count,
    "age_distribution": [{"age_group": str, "count": count}],
    "analysis_statistics": {
        **ANSWER_COUNTS,
        "normal_count": count,
        "average_confidence": NO_NUMBER,
    },
    "attribution_breakdown": [ATTRIBUTION],
    "attribution_reason": str,
}
SUBJECT_AWARE = {
    "subject_aware_system_status": {
        "enabled": bool,
        "total_active_models": count,
        "subject_aware_models": count,
        "legacy_models": count,
        "coverage_percentage": (number(0, 100), None),
    },
    "model_details": [
        {
            "model_id": int,
            "age_range": str,
            "supports_subjects": bool,
            "embedding_type": str,
            "sample_count": count,
            "created_timestamp": moment,
            "is_subject_aware": bool,
        }
    ],
    "architecture_info": {
        "hybrid_embedding_dimensions": count,
        "visual_component_dimensions": count,
        "subject_component_dimensions": count,
        "supported_subject_categories": count,
        "default_subject_category": str,
    },
    "capabilities": {
        "subject_aware_analysis": bool,
        "anomaly_attribution": bool,
        "component_level_scoring": bool,
        "subject_specific_comparisons": bool,
        "cross_subject_validation": bool,
    },
}
RESET = {**SUCCESS, "data": {"deactivated_models": count, "caches_cleared": bool}}

STATE = one_of("healthy", "warning", "critical", "unknown")
COMPONENT = {
    "status": STATE,
    "message": str,
    "details": dict,
    "last_check": moment,
    "response_time_ms": (float, None),
}
ALERT = {
    "component": str,
    "severity": one_of("warning", "critical"),
    "message": str,
    "timestamp": moment,
    "details": dict,
}
FIGURES = {
    "cpu_percent": number(0, 100),
    "memory_percent": number(0, 100),
    "memory_available_gb": number(0, 1e6),
    "memory_total_gb": number(0, 1e6),
    "disk_percent": number(0, 100),
    "disk_free_gb": number(0, 1e9),
    "disk_total_gb": number(0, 1e9),
    "active_connections": count,
    "process_count": count,
}
HEALTH = {"status": "healthy", "service": str, "timestamp": moment}
DETAILED_HEALTH = {
    "status": STATE,
    "service": str,
    "timestamp": moment,
    "components": {"*": COMPONENT},
    "alerts": [ALERT],
    "alert_count": count,
}
METRICS = {"timestamp": moment, "system": FIGURES}
METRICS_HISTORY = {
    "period_hours": number(1, 24),
    "data_points": number(0, 100),
    "metrics": [{"timestamp": moment, **FIGURES}],
}
ALERTS = {"timestamp": moment, "alert_count": count, "alerts": [ALERT]}
ALERT_THRESHOLDS = {
    "message": str,
    "updated_thresholds": {"*": float},
    "current_thresholds": {
        "cpu_percent": float,
        "memory_percent": float,
        "disk_percent": float,
        "response_time_ms": float,
    },
}
STATUS = {
    "overall_status": STATE,
    "timestamp": moment,
    "components": {"*": STATE},
    "alert_count": count,
    "critical_alerts": count,
    "warning_alerts": count,
}

SIZE = number(0, 1e9)
BACKUP = {
    "name": str,
    "path": str,
    "size_bytes": count,
    "size_mb": SIZE,
    "created": moment,
    "modified": moment,
    "type": one_of("full", "database"),
}
MADE = {
    "backup_name": str,
    "backup_path": str,
    "timestamp": moment,
    "size_bytes": count,
    "size_mb": SIZE,
    "status": "completed",
}
FULL_BACKUP = {**MADE, "includes_files": bool}
DATABASE_BACKUP = {**MADE, "type": "database_only"}
BACKUPS = {"backup_count": count, "backups": [BACKUP]}
RESTORED = {
    "backup_path": str,
    "safety_backup": (str, None),
    "restored_components": [one_of("database", "upload_files", "static_files")],
    "status": "completed",
}
BACKUP_UPLOADED = {
    "message": str,
    "filename": str,
    "size_bytes": count,
    "size_mb": SIZE,
    "path": str,
}
BACKUP_DELETED = {"message": str, "filename": str, "size_freed_mb": SIZE}
EXPORT = {
    "export_name": str,
    "export_path": str,
    "format": one_of("json", "csv"),
    "size_bytes": count,
    "size_mb": SIZE,
    "record_counts": {
        "drawings": count,
        "age_group_models": count,
        "anomaly_analyses": count,
        "interpretability_results": count,
    },
    "includes_embeddings": bool,
    "status": "completed",
}
CLEANED_UP = {
    "message": str,
    "backups_before": count,
    "backups_after": count,
    "files_cleaned": count,
}
PLACE = {"path": str, "exists": bool, "size_mb": SIZE, "file_count": count}
STORAGE = {
    "disk_usage": {
        "total_gb": SIZE,
        "used_gb": SIZE,
        "free_gb": SIZE,
        "used_percent": number(0, 100),
    },
    "directories": {"uploads": PLACE, "static": PLACE, "backups": PLACE},
    "database": {"path": str, "exists": bool, "size_mb": SIZE},
}
STORAGE_CLEANED = {
    "message": str,
    "temp_files_removed": count,
    "orphaned_files_removed": count,
    "space_freed_mb": SIZE,
}
DATABASE_BACKED_UP = {"status": "success", "message": str, "backup_info": BACKUP}
STEPS = {"current_revision": str, "head_revision": str, "is_up_to_date": bool}
CHECKED = {
    "foreign_keys_enabled": bool,
    "integrity_check_passed": bool,
    "table_count": count,
    "errors": [str],
}
MIGRATED = {
    "status": "success",
    "message": str,
    "migration_result": {
        "status": str,
        "target_revision": str,
        "pre_migration": STEPS,
        "post_migration": STEPS,
        "backup_info": (BACKUP, None),
        "consistency_check": CHECKED,
        "timestamp": moment,
    },
}
MIGRATION_INFO = {"status": "success", "migration_info": STEPS}
COMPARED = {
    "status": "success",
    "message": str,
    "validation_result": {
        "status": one_of("consistent", "different"),
        "current_environment": str,
        "current_schema": {"*": [str]},
        "other_schema": {"*": [str]},
        "differences": [str],
        "timestamp": moment,
    },
}
DATABASE_BACKUPS = {"status": "success", "backups": [BACKUP]}
SCHEDULED = {"status": "success", "message": str}
CONSISTENCY = {"status": "success", "message": str, "consistency_result": CHECKED}

PAGES = {
    "page": number(1, 1e9),
    "page_size": number(1, 100),
    "total_items": count,
    "total_pages": count,
    "has_next": bool,
    "has_previous": bool,
}
BATCH_JOBS = {
    "jobs": [
        {
            "job_id": uid,
            "status": one_of("uploading", "ready", "processing", "completed", "failed"),
            "total_files": (count, None),
            "stored": (count, None),
            "rejected": (count, None),
            "total_drawings": (count, None),
            "completed": count,
            "failed": count,
            "created_at": moment,
            "completed_at": (moment, None),
            "progress_url": str,
            "analyze_url": (str, None),
            "error": ({"error": str, "message": str}, None),
        }
    ],
    "pagination": PAGES,
}
BATCH_FILES = {
    "job_id": uid,
    "status": "uploading",
    "total_files": count,
    "files": [
        {
            "filename": str,
            "file_size": count,
            "content_type": str,
            "upload_timestamp": moment,
        }
    ],
    "progress_url": str,
    "analyze_url": str,
}
SUBJECTS_BY_AGE = {
    "statistics": [
        {
            "subject": str,
            "total_drawings": count,
            "age_groups": [{"age_group": str, "count": count, "sufficient_data": bool}],
            "anomaly_rate": (number(0, 100), None),
        }
    ]
}

"""What the demo and the counts of use look like (contract 2.9, 2.10)."""

from integration.server.contract.shapes import (
    NO_NUMBER,
    Shape,
    count,
    moment,
    number,
    one_of,
    uid,
)

REASONS = {"*": str}
SESSION_FIGURES = {
    "active_sessions": count,
    "total_page_views": NO_NUMBER,
    "total_session_analyses": NO_NUMBER,
    "reason": str,
}
REQUEST_FIGURES = {
    "total_requests": count,
    "successful_requests": count,
    "failed_requests": count,
    "error_rate": (number(0, 1), None),
    "average_response_time": (number(0, 1e6), None),
    "memory_usage_mb": number(0, 1e7),
    "cpu_usage_percent": number(0, 100),
}
USAGE = {
    "status": "success",
    "data": {
        "timestamp": moment,
        "database": {
            "total_drawings": count,
            "total_analyses": count,
            "anomaly_count": count,
            "normal_count": count,
            "recent_analyses_count": count,
            "age_groups_count": count,
        },
        "time_based": {
            "daily_analyses": count,
            "weekly_analyses": count,
            "monthly_analyses": count,
        },
        "sessions": SESSION_FIGURES,
        "system_health": {
            **REQUEST_FIGURES,
            "uptime_seconds": number(0, 1e9),
            "uptime_percentage": NO_NUMBER,
            "average_processing_time": (number(0, 1e6), None),
            "reasons": REASONS,
        },
        "geographic": {"*": count},
        "uptime_seconds": number(0, 1e9),
    },
}
USAGE_HEALTH = {
    "status": one_of("healthy", "unhealthy"),
    "health": {"*": str},
    "system": {
        "timestamp": moment,
        "process_id": int,
        "system": {
            "cpu_count": (count, None),
            "memory_total_gb": number(0, 1e6),
            "disk_usage_percent": number(0, 100),
        },
        "service": {"name": str, "version": str, "environment": str},
    },
}
USAGE_SESSIONS = {
    "status": "success",
    "sessions": SESSION_FIGURES,
    "geographic_distribution": {"*": count},
}
PERFORMANCE = {
    "status": "success",
    "analysis": {
        "total_analyses": count,
        "average_processing_time": (number(0, 1e6), None),
        "recent_processing_times": [number(0, 1e6)],
        "anomaly_count": count,
        "normal_count": count,
    },
    "system": {**REQUEST_FIGURES, "recent_response_times": [number(0, 1e6)]},
}
SESSION_STARTED = {"status": "success", "session_id": uid, "message": str}
SESSION_ENDED = {"status": "success", "message": str}
CLOUDWATCH = {
    "cloudwatch_enabled": bool,
    "aws_region": None,
    "namespace": None,
    "metrics_sent": count,
}

DEMO_SAMPLE = {
    "id": int,
    "title": str,
    "description": str,
    "age_group": str,
    "original_image": str,
    "saliency_map": str,
    "composite_image": str,
    "analysis_result": {
        "anomaly_score": (float, None),
        "is_anomaly": bool,
        "confidence": (number(0, 1), None),
        "processing_time": NO_NUMBER,
        "model_version": (str, None),
        "age_group_model": str,
    },
    "interpretability": {
        "explanation": (str, None),
        "key_regions": [{"region": str, "importance": number(0, 1), "description": str}],
        "technical_details": {
            "saliency_method": (str, None),
            "attention_regions": (count, None),
            "confidence_threshold": NO_NUMBER,
        },
    },
    "metadata": {"created_at": moment, "content_rating": None, "educational_value": None},
    "reasons": REASONS,
}
LINK = {"url": (str, None), "title": str, "description": str}


def success(data: Shape) -> Shape:
    """What the contract wraps an answer in."""
    return {"success": bool, "message": str, "data": data}


DEMO_SAMPLES = success({"samples": [DEMO_SAMPLE]})
DEMO_ONE = success(DEMO_SAMPLE)
DEMO_PROJECT = success(
    {
        "title": str,
        "subtitle": str,
        "overview": str,
        "key_features": [str],
        "technical_approach": {
            "feature_extraction": str,
            "anomaly_detection": str,
            "interpretability": str,
            "threshold_management": str,
        },
        "applications": [str],
        "current_status": {"training_data": str, "models": str, "features": str},
    }
)
DEMO_DISCLAIMER = success(
    {
        "title": str,
        "primary_warning": str,
        "detailed_disclaimer": [str],
        "recommendations": [str],
        "styling": {
            "background_color": str,
            "border_color": str,
            "text_color": str,
            "prominence": str,
        },
    }
)
DEMO_LINKS = success(
    {"github": LINK, "documentation": LINK, "research": LINK, "technical_paper": LINK}
)
DEMO_STATISTICS = success(
    {
        "total_samples": count,
        "normal_samples": count,
        "anomaly_samples": count,
        "anomaly_rate": (number(0, 1), None),
        "age_group_distribution": {"*": count},
        "average_confidence": (number(0, 1), None),
        "interpretability_coverage": (str, None),
    }
)

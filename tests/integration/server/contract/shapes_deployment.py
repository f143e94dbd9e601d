"""What exported and deployed models look like (contract 2.5, 3.5)."""

from integration.server.contract.shapes import AGE, Shape, count, moment, number, one_of, uid

METADATA: Shape = {
    "model_id": uid,
    "export_timestamp": moment,
    "training_job_id": (int, None),
    "model_type": str,
    "model_version": str,
    "architecture_hash": str,
    "parameter_count": count,
    "input_dimension": count,
    "output_dimension": number(1, 1),
    "age_group_min": AGE,
    "age_group_max": AGE,
    "training_metrics": dict,
    "compatibility_version": "1.0",
    "export_format": one_of("pytorch", "onnx", "pt2"),
    "file_size_bytes": count,
    "checksum": str,
}
EXPORTED: Shape = {
    "success": bool,
    "model_id": uid,
    "export_path": str,
    "metadata": METADATA,
    "message": str,
}
EXPORTS: Shape = {"success": bool, "count": count, "models": [METADATA]}
VALIDATION: Shape = {
    "is_valid": bool,
    "errors": [str],
    "warnings": [str],
    "compatibility_checks": {"*": bool},
    "integrity_checks": {"*": bool},
    "performance_checks": {"*": float},
}
VALIDATED: Shape = {
    "success": bool,
    "model_id": uid,
    "validation_result": VALIDATION,
    "is_valid": bool,
    "message": str,
}
DEPLOYED: Shape = {
    "success": bool,
    "model_id": int,
    "deployment_path": str,
    "backup_path": (str, None),
    "validation_result": (VALIDATION, None),
    "database_updated": bool,
    "warnings": [str],
    "message": str,
}
IN_USE: Shape = {
    "success": bool,
    "count": count,
    "models": [
        {
            "id": int,
            "age_min": AGE,
            "age_max": AGE,
            "model_type": str,
            "vision_model": str,
            "threshold": (float, None),
            "created_timestamp": moment,
            "deployment_info": {
                "artifact": uid,
                "encoder": str,
                "deployed_at": (moment, None),
                "export_id": (uid, None),
                "imported": bool,
                "needs_retraining": bool,
            },
        }
    ],
}
UNDEPLOYED: Shape = {
    "success": bool,
    "model_id": int,
    "status": "undeployed",
    "message": str,
}
PARAMETERS_DEPLOYED: Shape = {
    "model_id": int,
    "age_group_min": AGE,
    "age_group_max": AGE,
    "model_path": str,
    "replaced_existing": bool,
    "status": "deployed",
}

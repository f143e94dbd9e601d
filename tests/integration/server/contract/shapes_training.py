"""What the training environment answers, in the contract's terms (section 3.5)."""

from integration.server.contract.shapes import NO_NUMBER, count, moment, number, one_of

STATUS = one_of("pending", "preparing", "running", "completed", "failed", "cancelled")
ENVIRONMENT = one_of("local", "sagemaker")
PERCENT = number(0, 100)
LOSS = (number(0, 1e12), None)

JOB = {
    "id": int,
    "job_name": str,
    "environment": ENVIRONMENT,
    "status": STATUS,
    "start_timestamp": (moment, None),
    "end_timestamp": (moment, None),
    "sagemaker_job_arn": (str, None),
}
PROGRESS = {
    "epoch": number(1, 1000),
    "total_epochs": number(1, 1000),
    "epoch_progress": PERCENT,
    "batch_progress": PERCENT,
    "train_loss": LOSS,
    "val_loss": LOSS,
    "elapsed_time": number(0, 1e9),
    "estimated_remaining": (number(0, 1e9), None),
}
JOB_STATUS = {
    "job_id": int,
    "job_name": str,
    "status": STATUS,
    "start_timestamp": (moment, None),
    "end_timestamp": (moment, None),
    "environment": ENVIRONMENT,
    "progress": (PROGRESS, None),
}
CANCELLED = {"job_id": int, "status": "cancelled", "message": str}
REPORT = {
    "id": int,
    "final_loss": number(0, 1e12),
    "validation_accuracy": (number(0, 1), NO_NUMBER),
    "best_epoch": count,
    "training_time_seconds": number(0, 1e9),
    "model_parameters_path": str,
    "report_file_path": str,
    "created_timestamp": moment,
}
ENVIRONMENTS = {
    "local": {
        "available": bool,
        "device_info": {"device": str},
        "memory_usage": (dict, None),
        "active_jobs": count,
        "pytorch_version": str,
    },
    "sagemaker": {"available": bool, "configuration": dict, "errors": [str], "warnings": [str]},
}
SETUP = {
    "success": bool,
    "s3_bucket": str,
    "execution_role_arn": str,
    "ecr_repository_uri": (str, None),
}

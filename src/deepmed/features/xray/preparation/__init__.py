"""Splitting X-rays by patient, and showing that nothing leaks."""

from deepmed.features.xray.preparation.audit import Crossing, DroppedImage, LeakageAudit
from deepmed.features.xray.preparation.data_preparation import DataPrepUtils, SplitSettings
from deepmed.features.xray.preparation.lookalikes import (
    Lookalike,
    find_lookalikes,
    pixel_correlation,
)
from deepmed.features.xray.preparation.split_plan import SplitPlan
from deepmed.features.xray.preparation.splitting import audit_published, split_by_patient

__all__ = [
    "Crossing",
    "DataPrepUtils",
    "DroppedImage",
    "LeakageAudit",
    "Lookalike",
    "SplitPlan",
    "SplitSettings",
    "audit_published",
    "find_lookalikes",
    "pixel_correlation",
    "split_by_patient",
]

"""Every table of the drawings; whoever opens a data folder imports them all."""

from deepmed.features.drawings.tables.analyses import (
    AnalysisBatch,
    AnomalyAnalysis,
    InterpretabilityResult,
)
from deepmed.features.drawings.tables.annotations import (
    Annotation,
    AnnotationVersion,
    ExplanationExport,
)
from deepmed.features.drawings.tables.collection import (
    Child,
    Drawing,
    DrawingEmbedding,
    ImportRun,
)
from deepmed.features.drawings.tables.models import (
    AgeGroupModel,
    GroupingSetting,
    ModelMember,
    ThresholdSetting,
)
from deepmed.features.drawings.tables.training import (
    TrainingJob,
    TrainingReport,
)

__all__ = [
    "AgeGroupModel",
    "AnalysisBatch",
    "Annotation",
    "AnnotationVersion",
    "AnomalyAnalysis",
    "Child",
    "Drawing",
    "DrawingEmbedding",
    "ExplanationExport",
    "GroupingSetting",
    "ImportRun",
    "InterpretabilityResult",
    "ModelMember",
    "ThresholdSetting",
    "TrainingJob",
    "TrainingReport",
]

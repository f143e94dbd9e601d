"""The public library: works in a notebook, without server and without database (P-11).

Names are loaded when they are first asked for, so that a program that only ranks scores does not
wait for torch.

>>> from deepmed.learning import CalibrationSet, decide
>>> decide(CalibrationSet(range(39), range(39)), 100.0, percentile=95).is_anomaly
True
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepmed.learning.autoencoder import (
        AutoencoderModel,
        AutoencoderTrainer,
        EarlyStopping,
        EnhancedAutoencoderTrainer,
        TrainingConfig,
        TrainingProgress,
        TrainingProgressMonitor,
    )
    from deepmed.learning.calibration import (
        CalibrationSet,
        Decision,
        ScoreNormalizer,
        decide,
        simulate_false_alarms,
    )
    from deepmed.learning.classification import (
        BatchMetricsCallback,
        CallbacksSetup,
        EarlyStoppingSignalCallback,
        EventStream,
        GradientMonitorCallback,
        HighestValRecallCallback,
        LearningRateMonitor,
        LitResNetEnhanced,
        LossFactory,
        MetricsCollectorCallback,
        MetricsHandler,
        ModelCheckpoint,
        ModelSetupUtils,
        OptimizerFactory,
        ProgressiveUnfreezeCallback,
        StepLogic,
        TrainingSettings,
        fit_network,
        predict_network,
    )
    from deepmed.learning.detectors import Detector, make_detector
    from deepmed.learning.device import DeviceManager
    from deepmed.learning.encoders import (
        Encoder,
        HogPyramidEncoder,
        VisionTransformerWrapper,
        available_encoders,
        get_encoder,
    )
    from deepmed.learning.errors import LearningError
    from deepmed.learning.evaluation import Interval, auroc, auroc_interval, wilson_interval
    from deepmed.learning.imaging import (
        CustomImageDataset,
        DataSettings,
        Preprocessing,
        TransformBuilder,
        XRayDataModule,
    )
    from deepmed.learning.known_detectors import detector_names
    from deepmed.learning.networks import (
        NetworkSettings,
        ResNetWithCustomHead,
        available_networks,
        build_network,
    )
    from deepmed.learning.planting import PlantedKind, plant, plant_set
    from deepmed.learning.reference import (
        Layout,
        ReferenceModel,
        Rows,
        fit_reference,
        plan_groups,
    )

_ROOMS = {
    "autoencoder": (
        "AutoencoderModel",
        "AutoencoderTrainer",
        "EarlyStopping",
        "EnhancedAutoencoderTrainer",
        "TrainingConfig",
        "TrainingProgress",
        "TrainingProgressMonitor",
    ),
    "calibration": (
        "CalibrationSet",
        "Decision",
        "ScoreNormalizer",
        "decide",
        "simulate_false_alarms",
    ),
    "classification": (
        "BatchMetricsCallback",
        "CallbacksSetup",
        "EarlyStoppingSignalCallback",
        "EventStream",
        "GradientMonitorCallback",
        "HighestValRecallCallback",
        "LearningRateMonitor",
        "LitResNetEnhanced",
        "LossFactory",
        "MetricsCollectorCallback",
        "MetricsHandler",
        "ModelCheckpoint",
        "ModelSetupUtils",
        "OptimizerFactory",
        "ProgressiveUnfreezeCallback",
        "StepLogic",
        "TrainingSettings",
        "fit_network",
        "predict_network",
    ),
    "detectors": ("Detector", "make_detector"),
    "device": ("DeviceManager",),
    "encoders": (
        "Encoder",
        "HogPyramidEncoder",
        "VisionTransformerWrapper",
        "available_encoders",
        "get_encoder",
    ),
    "errors": ("LearningError",),
    "evaluation": ("Interval", "auroc", "auroc_interval", "wilson_interval"),
    "imaging": (
        "CustomImageDataset",
        "DataSettings",
        "Preprocessing",
        "TransformBuilder",
        "XRayDataModule",
    ),
    "known_detectors": ("detector_names",),
    "networks": (
        "NetworkSettings",
        "ResNetWithCustomHead",
        "available_networks",
        "build_network",
    ),
    "planting": ("PlantedKind", "plant", "plant_set"),
    "reference": ("Layout", "ReferenceModel", "Rows", "fit_reference", "plan_groups"),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "AutoencoderModel",
    "AutoencoderTrainer",
    "BatchMetricsCallback",
    "CalibrationSet",
    "CallbacksSetup",
    "CustomImageDataset",
    "DataSettings",
    "Decision",
    "Detector",
    "DeviceManager",
    "EarlyStopping",
    "EarlyStoppingSignalCallback",
    "Encoder",
    "EnhancedAutoencoderTrainer",
    "EventStream",
    "GradientMonitorCallback",
    "HighestValRecallCallback",
    "HogPyramidEncoder",
    "Interval",
    "Layout",
    "LearningError",
    "LearningRateMonitor",
    "LitResNetEnhanced",
    "LossFactory",
    "MetricsCollectorCallback",
    "MetricsHandler",
    "ModelCheckpoint",
    "ModelSetupUtils",
    "NetworkSettings",
    "OptimizerFactory",
    "PlantedKind",
    "Preprocessing",
    "ProgressiveUnfreezeCallback",
    "ReferenceModel",
    "ResNetWithCustomHead",
    "Rows",
    "ScoreNormalizer",
    "StepLogic",
    "TrainingConfig",
    "TrainingProgress",
    "TrainingProgressMonitor",
    "TrainingSettings",
    "TransformBuilder",
    "VisionTransformerWrapper",
    "XRayDataModule",
    "auroc",
    "auroc_interval",
    "available_encoders",
    "available_networks",
    "build_network",
    "decide",
    "detector_names",
    "fit_network",
    "fit_reference",
    "get_encoder",
    "make_detector",
    "plan_groups",
    "plant",
    "plant_set",
    "predict_network",
    "simulate_false_alarms",
    "wilson_interval",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        raise AttributeError(f"deepmed.learning has no name {name!r}.")
    return getattr(import_module(f"deepmed.learning.{_ROOM_OF[name]}"), name)

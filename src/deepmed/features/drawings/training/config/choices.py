from enum import StrEnum


class TrainingEnvironment(StrEnum):
    LOCAL = "local"
    SAGEMAKER = "sagemaker"


class OptimizerType(StrEnum):
    ADAM = "adam"
    SGD = "sgd"
    ADAMW = "adamw"


class SchedulerType(StrEnum):
    NONE = "none"
    STEP = "step"
    COSINE = "cosine"
    EXPONENTIAL = "exponential"


class LossType(StrEnum):
    MSE = "mse"
    MAE = "mae"
    HUBER = "huber"

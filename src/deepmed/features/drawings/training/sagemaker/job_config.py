import json
from dataclasses import dataclass
from typing import Any

from deepmed.features.drawings.training.config.models import TrainingConfig

CHANNEL = "training"


@dataclass(frozen=True)
class SageMakerJobConfig:
    """Configuration for SageMaker training job."""

    job_name: str
    config: TrainingConfig
    encoder: str
    role_arn: str
    image_uri: str
    input_uri: str
    output_uri: str
    volume_gb: int
    max_seconds: int

    def to_sagemaker_config(self) -> dict[str, Any]:
        """Convert to SageMaker training job configuration: the arguments of CreateTrainingJob."""
        return {
            "TrainingJobName": self.job_name,
            "AlgorithmSpecification": {
                "TrainingImage": self.image_uri,
                "TrainingInputMode": "File",
            },
            "RoleArn": self.role_arn,
            "HyperParameters": {
                "config": json.dumps(self.config.model_dump(mode="json"), sort_keys=True),
                "encoder": self.encoder,
            },
            "InputDataConfig": [
                {
                    "ChannelName": CHANNEL,
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            "S3Uri": self.input_uri,
                            "S3DataDistributionType": "FullyReplicated",
                        }
                    },
                }
            ],
            "OutputDataConfig": {"S3OutputPath": self.output_uri},
            "ResourceConfig": {
                "InstanceType": self.config.instance_type,
                "InstanceCount": self.config.instance_count,
                "VolumeSizeInGB": self.volume_gb,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": self.max_seconds},
            # The training asks nothing of any network, so it is given none.
            "EnableNetworkIsolation": True,
            "Tags": [{"Key": "application", "Value": "deepmed"}],
        }

"""Manager for training configurations with Hydra integration."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from deepmed.features.drawings.training.config.choices import SchedulerType
from deepmed.features.drawings.training.config.composing import composed
from deepmed.features.drawings.training.config.models import TrainingConfig
from deepmed.features.drawings.training.config.overrides import (
    groups,
    read_overrides,
    refuse_many,
)
from deepmed.features.drawings.training.config.sweeps import ParameterSweepConfig, trials
from deepmed.kit.errors import ValidationError
from deepmed.kit.files import export
from deepmed.kit.safe_config import MAX_BYTES, load_yaml

if TYPE_CHECKING:
    from omegaconf import DictConfig


class TrainingConfigManager:
    """Makes, reads, writes and combines configurations. It keeps nothing."""

    def create_default_configs(self, folder: Path | None = None) -> dict[str, TrainingConfig]:
        """The packaged defaults, one for each packaged model.

        Where a folder is given they are written there as `training-MODEL.yaml`.
        """
        made = {name: self.load_config(overrides=[f"model={name}"]) for name in groups()["model"]}
        if folder is not None:
            for name, config in made.items():
                self.save_config(config, folder / f"training-{name}.yaml")
        return made

    def load_config(
        self, config_path: Path | None = None, overrides: Sequence[str] = ()
    ) -> TrainingConfig:
        """The packaged defaults, or a file's configuration, with what overrides change.

        Args:
            config_path: YAML of a person; what it leaves out is as in the packaged defaults.
            overrides: such as `optimizer=sgd` and `epochs=20`.

        Raises:
            ValidationError: the file or an override is not acceptable; nothing was used of it.
        """
        read = read_overrides(overrides)
        refuse_many(read)
        base = None if config_path is None else load_yaml(_text(config_path), TrainingConfig)
        return composed(read, base)

    def load_sweep(
        self, overrides: Sequence[str], base: TrainingConfig | None = None
    ) -> tuple[TrainingConfig, ParameterSweepConfig]:
        """What all trials share, and what several values were written for.

        Raises:
            ValidationError: nothing has several values, or one is not acceptable.
        """
        read = read_overrides(overrides)
        several = [one for one in read if len(one.values) > 1]
        if not several:
            raise ValidationError(
                "Nothing is to be compared: give several values to a setting, such as "
                "optimizer.learning_rate=0.001,0.003,0.01. Nothing was begun."
            )
        shared = composed([one for one in read if len(one.values) == 1], base)
        return shared, ParameterSweepConfig.of(several)

    def save_config(self, config: TrainingConfig, config_path: Path) -> Path:
        """Write the whole configuration, so that `load_config` reads the same one.

        Raises:
            StorageError: it cannot be written there.
        """
        return export(config_path, self.to_yaml(config).encode())

    def to_yaml(self, config: TrainingConfig) -> str:
        text: str = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
        return text

    def validate_config(self, config: TrainingConfig) -> dict[str, Any]:
        """What a training would find odd in it: `is_valid`, `errors` and `warnings`.

        A configuration that exists has passed every check of a single value; the warnings are of
        values that do not go together.
        """
        return {"is_valid": True, "errors": [], "warnings": list(_warnings(config))}

    def create_parameter_sweep(
        self, base_config: TrainingConfig, sweep_config: ParameterSweepConfig
    ) -> list[TrainingConfig]:
        """A configuration for every combination of the sweep's values.

        Raises:
            ValidationError: too many combinations, or one that is not acceptable.
        """
        return [config for _, config in trials(base_config, sweep_config)]

    def get_hydra_config(self, config: TrainingConfig) -> "DictConfig":
        """Convert TrainingConfig to Hydra DictConfig; it refuses keys that it does not have."""
        from omegaconf import OmegaConf  # noqa: PLC0415 - it loads slowly

        made = OmegaConf.create(config.model_dump(mode="json"))
        OmegaConf.set_struct(made, True)
        return made


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise ValidationError(f"The configuration {path} cannot be read: {reason}.") from error


def _warnings(config: TrainingConfig) -> list[str]:
    scheduler = config.scheduler
    found = {
        "patience is not below epochs, so training never stops early": config.patience
        >= config.epochs,
        "scheduler.step_size is not below epochs, so the step size never falls": scheduler.type
        is SchedulerType.STEP
        and scheduler.step_size >= config.epochs,
        "the layers do not narrow towards the bottleneck": list(config.model.hidden_dims)
        != sorted(config.model.hidden_dims, reverse=True),
        "instance_count has no meaning for a training on this machine": config.environment
        == "local"
        and config.instance_count != 1,
    }
    return [text for text, holds in found.items() if holds]

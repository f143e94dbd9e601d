"""A training run as a flat dict of tensors, so that safetensors can hold it (never pickle)."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from deepmed.learning.errors import ModelLoadingError

if TYPE_CHECKING:
    from deepmed.learning.autoencoder.run import TrainingRun

# Scalars of the stopping rule that travel in the tensor "progress", after epoch and step size.
_SCALARS = ("first_loss", "best_loss", "best_epoch", "stale", "recoveries")


def pack(run: "TrainingRun") -> dict[str, Tensor]:
    """Copy everything that the run's next epoch depends on.

    Args:
        run: A run between two epochs.

    Returns:
        Contiguous CPU tensors by name; moments are absent before the first step and right after
        a recovery.
    """
    scalars = [run.epoch, run.learning_rate, *(getattr(run.stopping, name) for name in _SCALARS)]
    packed = {
        "digest": torch.frombuffer(bytearray(run.digest), dtype=torch.uint8),
        "progress": torch.tensor(scalars, dtype=torch.float64),
        "random": run.random.get_state(),
        "losses.train": torch.tensor(run.train_losses, dtype=torch.float64),
        "losses.validation": torch.tensor(run.validation_losses, dtype=torch.float64),
    }
    packed |= {f"model.{name}": value for name, value in run.model.state_dict().items()}
    packed |= {f"best.{name}": value for name, value in run.stopping.best_weights.items()}
    for index, moments in run.optimizer.state_dict()["state"].items():
        # Plain gradient descent has none, and says so with None.
        kept = {name: value for name, value in moments.items() if isinstance(value, Tensor)}
        packed |= {f"optimizer.{index}.{name}": value for name, value in kept.items()}
    return {name: value.detach().cpu().clone().contiguous() for name, value in packed.items()}


def unpack(checkpoint: dict[str, Tensor], run: "TrainingRun") -> None:
    """Put a packed run back into a new run of the same settings on the same embeddings.

    Args:
        checkpoint: What :func:`pack` returned.
        run: A run that has not been advanced.

    Raises:
        ModelLoadingError: The checkpoint is damaged, or of other embeddings or settings.
    """
    try:
        if bytes(checkpoint["digest"].tolist()) != run.digest:
            raise ModelLoadingError(
                "This checkpoint belongs to other embeddings or other settings; nothing was "
                "resumed. Start the training anew."
            )
        _restore(checkpoint, run)
    except (KeyError, ValueError, RuntimeError, TypeError) as error:
        raise ModelLoadingError(
            "The training checkpoint is damaged; nothing was resumed. Start the training anew."
        ) from error


def _restore(checkpoint: dict[str, Tensor], run: "TrainingRun") -> None:
    epoch, learning_rate, *scalars = checkpoint["progress"].tolist()
    for name, value in zip(_SCALARS, scalars, strict=True):
        setattr(run.stopping, name, value if name.endswith("loss") else int(value))
    run.epoch = int(epoch)
    run.train_losses = checkpoint["losses.train"].tolist()
    run.validation_losses = checkpoint["losses.validation"].tolist()
    run.model.load_state_dict(_section(checkpoint, "model."))
    best = _section(checkpoint, "best.")
    run.stopping.best_weights = {k: v.to(run.device) for k, v in best.items()}
    run.random.set_state(checkpoint["random"])
    _restore_optimizer(checkpoint, run, learning_rate)


def _restore_optimizer(
    checkpoint: dict[str, Tensor], run: "TrainingRun", learning_rate: float
) -> None:
    state: dict[int, dict[str, Any]] = {}
    for key, value in _section(checkpoint, "optimizer.").items():
        index, name = key.split(".")
        state.setdefault(int(index), {})[name] = value.clone()
    groups = run.optimizer.state_dict()["param_groups"]
    groups[0]["lr"] = learning_rate
    run.optimizer.load_state_dict({"state": state, "param_groups": groups})


def _section(checkpoint: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in checkpoint.items() if k.startswith(prefix)}

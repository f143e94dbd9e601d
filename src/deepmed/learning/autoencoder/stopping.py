"""When to stop, what to keep, and what to do when the loss explodes."""

import math

from torch import Tensor, nn
from torch.optim import Optimizer

from deepmed.learning.errors import AutoencoderTrainingError


class EarlyStopping:
    """Keeps the best weights, says when patience is over, and recovers from explosions.

    A loss explodes when it is not finite or exceeds ``explosion_factor`` times the first loss
    seen. Recovery goes back to the best weights, forgets the optimiser's moments (they caused the
    step) and lowers the learning rate.

    Args:
        patience: Updates without improvement after which :attr:`should_stop` is true.
        min_delta: Decrease of the loss that counts as an improvement.
        max_recoveries: Recoveries allowed; the next explosion ends training.
        explosion_factor: See above.
        learning_rate_factor: What a recovery multiplies the learning rate by.

    Example:
        >>> stopping = EarlyStopping(patience=2)
        >>> network = nn.Linear(1, 1)
        >>> for epoch, loss in enumerate([1.0, 0.5, 0.6, 0.7]):
        ...     stopping.update(epoch, loss, network)
        >>> stopping.best_epoch, stopping.should_stop
        (1, True)
    """

    def __init__(
        self,
        patience: int = 15,
        min_delta: float = 1e-4,
        max_recoveries: int = 3,
        explosion_factor: float = 10.0,
        learning_rate_factor: float = 0.3,
    ) -> None:
        self.patience = patience
        self.min_delta = min_delta
        self.max_recoveries = max_recoveries
        self.explosion_factor = explosion_factor
        self.learning_rate_factor = learning_rate_factor
        self.first_loss = math.nan
        self.best_loss = math.inf
        self.best_epoch = 0
        self.stale = 0
        self.recoveries = 0
        self.best_weights: dict[str, Tensor] = {}

    @property
    def should_stop(self) -> bool:
        """Whether patience is over."""
        return self.stale >= self.patience

    def update(self, epoch: int, loss: float, model: nn.Module) -> None:
        """Note the loss watched after ``epoch``; copy the weights when it is the best so far."""
        if math.isnan(self.first_loss):
            self.first_loss = loss
        if loss < self.best_loss - self.min_delta:
            self.best_loss, self.best_epoch, self.stale = loss, epoch, 0
            self.best_weights = {k: v.detach().clone() for k, v in model.state_dict().items()}
        else:
            self.stale += 1

    def is_exploding(self, *losses: float) -> bool:
        """Whether any of these losses is not finite or far above the first one seen."""
        limit = self.explosion_factor * self.first_loss
        return any(not math.isfinite(loss) or loss > limit for loss in losses)

    def restore(self, model: nn.Module) -> None:
        """Put the best weights back into the model."""
        if self.best_weights:
            model.load_state_dict(self.best_weights)

    def recover(self, model: nn.Module, optimizer: Optimizer) -> None:
        """Go back to the best weights and continue more carefully.

        Raises:
            AutoencoderTrainingError: It has been tried ``max_recoveries`` times already. The model
                then holds the best weights.
        """
        self.restore(model)
        self.recoveries += 1
        if self.recoveries > self.max_recoveries:
            raise AutoencoderTrainingError(
                f"Training diverged again after {self.max_recoveries} recoveries; no model was "
                "kept. Lower the learning rate, or look for extreme values among the embeddings."
            )
        optimizer.state.clear()
        for group in optimizer.param_groups:
            group["lr"] *= self.learning_rate_factor

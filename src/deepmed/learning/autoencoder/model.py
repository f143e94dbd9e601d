"""The network: a symmetric multilayer perceptron with a bottleneck."""

import math
from itertools import pairwise
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

Activation = Literal["silu", "relu", "tanh"]

_MODULES: dict[str, type[nn.Module]] = {"silu": nn.SiLU, "relu": nn.ReLU, "tanh": nn.Tanh}


class AutoencoderModel(nn.Module):
    """Autoencoder architecture for embedding reconstruction.

    The weights are drawn from a generator of the model's own, so building one neither reads nor
    moves torch's global random numbers.

    Args:
        input_dim: Width D of the embeddings.
        hidden_dims: Widths of the encoder's layers, the last one being the bottleneck.
        activation: Non-linearity between layers; the bottleneck and the output are linear.
        seed: Seed of the weights.

    Raises:
        ValueError: A width is not positive, or the activation is unknown.

    Example:
        >>> model = AutoencoderModel(6, (4, 2))
        >>> model(torch.zeros(3, 6)).shape, model.encode(torch.zeros(3, 6)).shape
        (torch.Size([3, 6]), torch.Size([3, 2]))
    """

    def __init__(
        self,
        input_dim: int,
        hidden_dims: tuple[int, ...] = (128, 16),
        activation: Activation = "silu",
        seed: int = 0,
    ) -> None:
        super().__init__()
        if min((input_dim, *hidden_dims), default=0) < 1 or not hidden_dims:
            raise ValueError(f"Layer widths must be positive, got {input_dim} and {hidden_dims}.")
        if activation not in get_args(Activation):
            raise ValueError(f"Unknown activation {activation!r}: use one of {sorted(_MODULES)}.")
        self.input_dim = input_dim
        self.hidden_dims = tuple(hidden_dims)
        self.activation = activation
        generator = torch.Generator().manual_seed(seed)
        widths = (input_dim, *hidden_dims)
        self.encoder = _perceptron(widths, activation, generator)
        self.decoder = _perceptron(widths[::-1], activation, generator)

    def forward(self, x: Tensor) -> Tensor:
        """Rebuild the inputs.

        Args:
            x: Standardised embeddings, shape (..., D).

        Returns:
            Their reconstruction, same shape and precision.
        """
        return self.decode(self.encode(x))

    def encode(self, x: Tensor) -> Tensor:
        """Bring inputs of shape (..., D) to the bottleneck, shape (..., ``hidden_dims[-1]``)."""
        code: Tensor = self.encoder(x)
        return code

    def decode(self, z: Tensor) -> Tensor:
        """Rebuild inputs of shape (..., D) from the bottleneck's activations."""
        rebuilt: Tensor = self.decoder(z)
        return rebuilt

    def get_architecture_info(self) -> dict[str, Any]:
        """Describe the architecture in values that JSON can hold.

        Example:
            >>> AutoencoderModel(6, (4, 2)).get_architecture_info()["parameters"]
            80
        """
        return {
            "kind": "symmetric multilayer perceptron",
            "input_dim": self.input_dim,
            "hidden_dims": list(self.hidden_dims),
            "latent_dim": self.hidden_dims[-1],
            "activation": self.activation,
            "parameters": sum(parameter.numel() for parameter in self.parameters()),
            "precision": "float32 weights, float64 scores",
        }


def _perceptron(
    widths: tuple[int, ...], activation: Activation, generator: torch.Generator
) -> nn.Sequential:
    """Linear layers from width to width, with the activation between them, not after the last."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [_linear(inputs, outputs, generator), _MODULES[activation]()]
    return nn.Sequential(*layers[:-1])


class _Linear(nn.Linear):
    """A linear layer that leaves its weights to the caller: torch draws them from global state."""

    def reset_parameters(self) -> None:
        """Draw nothing."""


def _linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    """A linear layer with torch's own starting distribution, but from our generator."""
    layer = _Linear(inputs, outputs)
    bound = 1 / math.sqrt(inputs)
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=generator)
        layer.bias.uniform_(-bound, bound, generator=generator)
    return layer

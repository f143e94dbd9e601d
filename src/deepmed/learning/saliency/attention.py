"""Maps of vision transformers: from attention, and from gradients at the last layer's tokens.

Attention is the same whichever detector scores the vector, so a map made of it alone shows what
the encoder looked at and does not explain the score; Grad-CAM takes the gradient of the score.
"""

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import ArrayLike

from deepmed.learning.encoders import AttentionPass, Prepared
from deepmed.learning.errors import AttentionVisualizationError, SaliencyGenerationError
from deepmed.learning.saliency.gradients import gradient_magnitude
from deepmed.learning.saliency.score import FloatArray, PageScore, ScoreFunction


@runtime_checkable
class HasAttention(Protocol):
    """An encoder that shows its attention."""

    def forward_with_attention(self, prepared: Prepared) -> AttentionPass:
        """The vector with the attention that led to it."""
        ...


def attention_pass(encoder: object, prepared: Prepared) -> AttentionPass:
    """One pass that keeps attention and tokens.

    Raises:
        AttentionVisualizationError: the encoder has no attention.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> page = example_page()
        >>> attention_pass(page.function.encoder, page.page)
        Traceback (most recent call last):
        deepmed.learning.errors.AttentionVisualizationError: The encoder has no attention...
    """
    if not isinstance(encoder, HasAttention):
        raise AttentionVisualizationError(
            "The encoder has no attention to show: only vision transformers have. No map was "
            "made. Use integrated gradients or occlusion, which every encoder allows."
        )
    return encoder.forward_with_attention(prepared)


def rolled_out(attentions: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Attention followed through all layers.

    Heads are averaged; half of each token's way is the token itself, for the residual connection.
    Source: Abnar and Zuidema, Quantifying attention flow in transformers, ACL 2020.

    Args:
        attentions: for each layer (B, heads, T, T), rows sum to 1.

    Returns:
        (B, T, T) float64, rows sum to 1: where each token of the last layer comes from.

    Example:
        >>> swap = torch.tensor([[[[0.0, 1.0], [1.0, 0.0]]]])
        >>> rolled_out((swap,))[0].tolist()
        [[0.5, 0.5], [0.5, 0.5]]
    """
    layers = [layer.detach().cpu().double().mean(dim=1) for layer in attentions]
    flow = torch.eye(layers[0].shape[-1], dtype=torch.float64).expand_as(layers[0])
    for layer in layers:
        step = (layer + torch.eye(layer.shape[-1], dtype=torch.float64)) / 2
        flow = (step / step.sum(dim=-1, keepdim=True)) @ flow
    return flow


class AttentionRollout:
    """Where the vector of a vision transformer comes from, layer by layer.

    The map is the same for every detector: it does not explain the score and is labelled so.

    Args:
        encoder: a vision transformer.

    Raises:
        AttentionVisualizationError: from `generate_rollout`, where the encoder has no attention.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> page = example_page()
        >>> AttentionRollout(page.function.encoder).generate_rollout(page.page)
        Traceback (most recent call last):
        deepmed.learning.errors.AttentionVisualizationError: The encoder has no attention...
    """

    def __init__(self, encoder: object) -> None:
        self.encoder = encoder

    def generate_rollout(self, prepared: Prepared) -> FloatArray:
        """(rows, columns), not negative: how much of the vector comes from each patch.

        Args:
            prepared: one page.
        """
        seen = attention_pass(self.encoder, prepared)
        return _patches(rolled_out(seen.attentions)[0, 0], seen)


class GradCAMViT:
    """Grad-CAM at the tokens before the last layer, with the gradient of the score itself.

    Each channel is weighted by its mean gradient over the patches. Unlike the original the map
    keeps its sign, because what lowers the score is wanted too. Source: Selvaraju et al., Grad-CAM,
    ICCV 2017.

    Args:
        function: encoder, further columns and detector.

    Raises:
        AttentionVisualizationError: from `generate_cam`, where the encoder is no transformer.
        NotDifferentiableError: likewise, where the detector has no gradient.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> page = example_page()
        >>> GradCAMViT(page.function).generate_cam(page.page)
        Traceback (most recent call last):
        deepmed.learning.errors.AttentionVisualizationError: The encoder has no attention...
    """

    def __init__(self, function: ScoreFunction) -> None:
        self.function = function

    def generate_cam(self, prepared: Prepared) -> FloatArray:
        """(rows, columns), signed: what the tokens of each patch add to the score.

        Args:
            prepared: one page.
        """
        seen = attention_pass(self.function.encoder, prepared)
        score = self.function.score_vectors(seen.embedding)
        (gradient,) = torch.autograd.grad(score.sum(), seen.tokens)
        weights = gradient[:, seen.prefix_tokens :].mean(dim=1, keepdim=True)
        return _patches((seen.tokens * weights).sum(dim=-1)[0], seen)


class PatchImportanceScorer:
    """One number a patch, from the last layer's attention or from the gradient of the score.

    Args:
        function: encoder, further columns and detector.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> page = example_page()
        >>> scorer = PatchImportanceScorer(page.function)
        >>> importance = scorer.compute_gradient_importance(page.page)
        >>> importance.shape, scorer.reshape_to_spatial(importance).shape
        ((196,), (14, 14))
    """

    def __init__(self, function: ScoreFunction) -> None:
        self.function = function

    def compute_attention_importance(self, prepared: Prepared) -> FloatArray:
        """How much the vector's token attends to each patch in the last layer, heads averaged.

        Like every map of attention it does not depend on the score.

        Args:
            prepared: one page.

        Returns:
            (rows * columns,), not negative.

        Raises:
            AttentionVisualizationError: the encoder has no attention.
        """
        seen = attention_pass(self.function.encoder, prepared)
        return _patches(seen.attentions[-1].mean(dim=1)[0, 0], seen).ravel()

    def compute_gradient_importance(self, prepared: Prepared) -> FloatArray:
        """How strongly the score reacts to the pixels of each patch.

        Args:
            prepared: one page.

        Returns:
            (rows * columns,), not negative.

        Raises:
            NotDifferentiableError: the detector has no gradient.
        """
        page: PageScore = self.function.at(prepared)
        return gradient_magnitude(page).ravel()

    def reshape_to_spatial(self, importance: ArrayLike) -> FloatArray:
        """(rows * columns,) numbers as (rows, columns), top left first.

        Raises:
            SaliencyGenerationError: there is not one number a patch.
        """
        flat = np.asarray(importance, dtype=np.float64)
        rows, columns = self.function.grid
        if flat.shape != (rows * columns,):
            raise SaliencyGenerationError(
                f"{flat.shape} numbers do not lie on {rows} by {columns} patches."
            )
        return flat.reshape(rows, columns)


def _patches(tokens: torch.Tensor, seen: AttentionPass) -> FloatArray:
    """(T,) numbers of tokens as (rows, columns) of patches."""
    flat = tokens[seen.prefix_tokens :].detach().cpu().double()
    grid: FloatArray = flat.view(seen.patch_grid).numpy()
    return grid

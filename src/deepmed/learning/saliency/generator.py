"""All methods behind one door (D-17)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from deepmed.learning.encoders import Prepared
from deepmed.learning.errors import SaliencyGenerationError
from deepmed.learning.saliency.attention import (
    AttentionRollout,
    GradCAMViT,
    HasAttention,
    PatchImportanceScorer,
)
from deepmed.learning.saliency.controls import (
    fill_difference_map,
    ink_density_map,
    random_map,
    sobel_map,
)
from deepmed.learning.saliency.fills import Fill, paper_fill
from deepmed.learning.saliency.gradients import (
    gradient_magnitude,
    gradient_times_change,
    integrated_gradients,
)
from deepmed.learning.saliency.maps import Frame, SaliencyMap
from deepmed.learning.saliency.occlusion import occlusion, two_sided_occlusion
from deepmed.learning.saliency.score import FloatArray, PageScore, ScoreFunction

Maker = Callable[[PageScore, Fill, int], FloatArray]


@dataclass(frozen=True)
class Method:
    """One way to make a map.

    Attributes:
        make: from the score around a page, the fill and a seed to (rows, columns).
        explains_score: False where the map is the same whatever the score.
        compares: whether it depends on the fill.
        needs_gradient: whether the detector must be differentiable.
        needs_attention: whether the encoder must be a transformer.
        control: whether it exists only to be beaten.
    """

    make: Maker
    explains_score: bool = True
    compares: bool = False
    needs_gradient: bool = False
    needs_attention: bool = False
    control: bool = False


def _attention_importance(page: PageScore, _fill: Fill, _seed: int) -> FloatArray:
    scorer = PatchImportanceScorer(page.function)
    return scorer.reshape_to_spatial(scorer.compute_attention_importance(page.page))


METHODS: dict[str, Method] = {
    "gradient": Method(
        lambda page, fill, _: gradient_times_change(page, fill), compares=True, needs_gradient=True
    ),
    "gradient_magnitude": Method(
        lambda page, _fill, _seed: gradient_magnitude(page), needs_gradient=True
    ),
    "integrated_gradients": Method(
        lambda page, fill, _: integrated_gradients(page, fill), compares=True, needs_gradient=True
    ),
    "occlusion": Method(lambda page, fill, _: occlusion(page, fill), compares=True),
    "two_sided_occlusion": Method(
        lambda page, fill, _: two_sided_occlusion(page, fill), compares=True
    ),
    "grad_cam": Method(
        lambda page, _fill, _seed: GradCAMViT(page.function).generate_cam(page.page),
        needs_gradient=True,
        needs_attention=True,
    ),
    "attention_rollout": Method(
        lambda page, _fill, _seed: AttentionRollout(page.function.encoder).generate_rollout(
            page.page
        ),
        explains_score=False,
        needs_attention=True,
    ),
    "attention": Method(_attention_importance, explains_score=False, needs_attention=True),
    "random": Method(
        lambda page, _fill, seed: random_map(page, seed), explains_score=False, control=True
    ),
    "sobel": Method(lambda page, _fill, _seed: sobel_map(page), explains_score=False, control=True),
    "ink_density": Method(
        lambda page, _fill, _seed: ink_density_map(page), explains_score=False, control=True
    ),
    "fill_difference": Method(
        lambda page, fill, _: fill_difference_map(page, fill),
        explains_score=False,
        compares=True,
        control=True,
    ),
}
CONTROLS = tuple(name for name, method in METHODS.items() if method.control)


class SaliencyMapGenerator:
    """Makes maps of what in a drawing raises its score.

    Args:
        function: encoder, further columns and detector.
        seed: of the random control.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> page = example_page()
        >>> maps = SaliencyMapGenerator(page.function)
        >>> made = maps.generate_saliency_map(page.page, "gradient")
        >>> made.values.shape, made.explains_score, maps.available_methods()
        ((14, 14), True, ['gradient', 'gradient_magnitude', 'integrated_gradients', 'occlusion',
        'two_sided_occlusion'])
    """

    def __init__(self, function: ScoreFunction, seed: int = 0) -> None:
        self.function = function
        self.seed = seed

    def available_methods(self) -> list[str]:
        """Methods that this encoder and this detector allow, without the controls."""
        return [
            name
            for name, method in METHODS.items()
            if not method.control
            and (self.function.differentiable or not method.needs_gradient)
            and (isinstance(self.function.encoder, HasAttention) or not method.needs_attention)
        ]

    def generate_saliency_map(
        self, prepared: Prepared, method: str = "two_sided_occlusion", fill: Fill | None = None
    ) -> SaliencyMap:
        """The map of one drawing.

        Args:
            prepared: one page, made by the encoder's `prepare`.
            method: a name of `METHODS`.
            fill: what the drawing is compared with; paper if None. Where it is a typical drawing, a
                patch may count because something typical is missing there.

        Raises:
            SaliencyGenerationError: unknown method, or not one drawing, or the map is not finite.
            NotDifferentiableError: the method needs a gradient that the detector lacks.
            AttentionVisualizationError: the method needs attention that the encoder lacks.
        """
        page = self.function.at(prepared)
        how = find_method(method)
        chosen = fill or paper_fill(page)
        values = how.make(page, chosen, self.seed)
        _refuse_unusable(values, method)
        return SaliencyMap(
            values=values,
            method=method,
            score=float(page.scores(page.pixels)[0]),
            encoder=self.function.encoder.identity.key,
            fill=chosen.name if how.compares else "none",
            frame=frame_of(prepared),
            explains_score=how.explains_score,
        )


def find_method(name: str) -> Method:
    """The method of a name.

    Raises:
        SaliencyGenerationError: there is none.

    Example:
        >>> find_method("occlusion").needs_gradient
        False
    """
    if name not in METHODS:
        raise SaliencyGenerationError(
            f"There is no map by the method {name!r}; there are: {', '.join(METHODS)}."
        )
    return METHODS[name]


def frame_of(prepared: Prepared) -> Frame:
    """The square of the original that the one prepared page shows, x0, y0, x1, y1 in pixels.

    Example:
        >>> import torch
        >>> frames = torch.tensor([[-5.0, 0.0, 95.0, 100.0]])
        >>> frame_of(Prepared(torch.ones(1, 1, 224, 224), frames, torch.zeros(1, 0)))
        (-5.0, 0.0, 95.0, 100.0)
    """
    x0, y0, x1, y1 = prepared.frames[0].tolist()
    return x0, y0, x1, y1


def _refuse_unusable(values: FloatArray, method: str) -> None:
    if not np.isfinite(values).all():
        raise SaliencyGenerationError(
            f"The map by {method!r} holds numbers that are not finite. It was not kept. Use "
            "another method, and check the model's weights."
        )

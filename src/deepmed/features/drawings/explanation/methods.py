"""Which map explains an answer unless another is asked for; known without loading what makes it."""

from enum import StrEnum

DEFAULT_METHOD = "two_sided_occlusion"


class MeasuredOn(StrEnum):
    """What the figure of a map's trust was measured on."""

    MAP = "map"
    """The very map that is shown."""
    MODEL = "model"
    """Maps of held-out drawings by the same model: the encoder is too slow to measure each map."""

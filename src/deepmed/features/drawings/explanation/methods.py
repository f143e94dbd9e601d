"""Which map explains an answer unless another is asked for; known without loading what makes it."""

DEFAULT_METHOD = "two_sided_occlusion"

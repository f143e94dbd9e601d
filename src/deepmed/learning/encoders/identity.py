"""By what two vectors are known to be comparable; none of the encoders is loaded to tell."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EncoderIdentity:
    """What must be equal for two vectors to be comparable.

    Attributes:
        name: the encoder, for example `hog-pyramid` or `google/vit-base-patch16-224`.
        version: version of the encoder's own arithmetic.
        weight_hash: SHA-256 in hex of its weights; of its constants where it has no weights.
        preprocessing_version: how an image becomes pixels.
        precision: `fp32` or `bf16`; the same weights at another precision are another encoder.
        dimension: numbers a vector.

    Example:
        >>> EncoderIdentity("edges", "1", "0" * 64, "page-1", "fp32", 768).key
        'edges@fp32/1/page-1/000000000000'
    """

    name: str
    version: str
    weight_hash: str
    preprocessing_version: str
    precision: str
    dimension: int

    @property
    def key(self) -> str:
        """The identity in one line, as it is stored beside each embedding."""
        return (
            f"{self.name}@{self.precision}/{self.version}/{self.preprocessing_version}"
            f"/{self.weight_hash[:12]}"
        )

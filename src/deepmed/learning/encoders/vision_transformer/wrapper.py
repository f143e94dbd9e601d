"""Any vision transformer of the transformers library as an encoder (D-4)."""

import inspect
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from deepmed.learning.device import DeviceManager
from deepmed.learning.encoders.base import (
    SIZE,
    Embeddings,
    Image,
    Prepared,
    Progress,
)
from deepmed.learning.encoders.batches import embed_in_batches
from deepmed.learning.encoders.identity import EncoderIdentity
from deepmed.learning.encoders.vision_transformer.loading import load_transformer
from deepmed.learning.encoders.vision_transformer.preprocessing import (
    Preprocessing,
    prepare_square,
)
from deepmed.learning.encoders.vision_transformer.weights import ModelFolder, find_model_folder
from deepmed.learning.errors import AttentionVisualizationError, ModelLoadingError

VERSION = "1"
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
DEFAULT_NAME = "google/vit-base-patch16-224"


@dataclass(frozen=True)
class AttentionPass:
    """What a transformer attended to on its way to the vector.

    Attributes:
        embedding: (B, D) float32, the vector that `encode` gives.
        attentions: for each layer (B, heads, T, T); row i says where token i looked.
        tokens: (B, T, D), what goes into the last layer. What comes out of it reaches the vector
            in the first token alone, so a gradient to the patches exists only before it.
        prefix_tokens: how many of the T tokens come before the patches; the first is the one that
            the vector is read from.
        patch_grid: rows and columns of the patches, which are the rest of the tokens.
    """

    embedding: torch.Tensor
    attentions: tuple[torch.Tensor, ...]
    tokens: torch.Tensor
    prefix_tokens: int
    patch_grid: tuple[int, int]


class VisionTransformerWrapper:
    """A pretrained ViT, DeiT, DINOv2 or BEiT: the first token after the last layer.

    Nothing is read before it is needed: `identity` hashes the weights, `prepare` reads the
    preprocessing, and the model is loaded by `load_model` or the first `encode`. Weights come from
    safetensors alone, and a weight that is missing there is an error, never a random number.

    Args:
        name: name on the Hugging Face hub, or a local folder.
        weights_dir: folder with one folder a model.
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `fp32`, or `bf16`, which is another encoder.
        allow_download: whether weights may be fetched from the hub when they are not here.

    Raises:
        DeviceDetectionError: the named device is not there.
        ModelLoadingError: unknown precision; later, on use: no weights, or damaged ones.

    Example:
        >>> encoder = VisionTransformerWrapper("google/vit-base-patch16-224", device="cpu")
        >>> encoder.is_loaded()
        False
    """

    def __init__(
        self,
        name: str = DEFAULT_NAME,
        weights_dir: str | Path | None = None,
        device: str = "auto",
        precision: str = "fp32",
        *,
        allow_download: bool = False,
    ) -> None:
        if precision not in PRECISIONS:
            raise ModelLoadingError(
                f"There is no precision {precision!r}; choose one of {', '.join(PRECISIONS)}."
            )
        self.name = name
        self.precision = precision
        self._weights_dir = None if weights_dir is None else Path(weights_dir)
        self._allow_download = allow_download
        self._device = DeviceManager(device).device
        self._lock = threading.Lock()
        self._weight_hash: str | None = None
        self._model: Any = None

    @cached_property
    def _folder(self) -> ModelFolder:
        return find_model_folder(self.name, self._weights_dir, allow_download=self._allow_download)

    @cached_property
    def _preprocessing(self) -> Preprocessing:
        return Preprocessing.read(self._folder.preprocessor)

    @property
    def identity(self) -> EncoderIdentity:
        """What must be equal for two vectors to be comparable; reads the weight file once.

        Raises:
            ModelLoadingError: the weights are not on this machine.
        """
        if self._weight_hash is None:
            self._weight_hash = self._folder.weight_hash()
        return EncoderIdentity(
            name=Path(self.name).name if Path(self.name).is_dir() else self.name,
            version=f"{VERSION}-{self._folder.config_hash[:8]}",
            weight_hash=self._weight_hash,
            preprocessing_version=self._preprocessing.version,
            precision=self.precision,
            dimension=int(self._folder.config["hidden_size"]),
        )

    @property
    def patch_grid(self) -> tuple[int, int]:
        """Rows and columns of patches: 14 a side for patches of 16 pixels, 16 for 14."""
        size = self._folder.config["patch_size"]
        height, width = size if isinstance(size, list) else (size, size)
        return SIZE // int(height), SIZE // int(width)

    def load_model(self) -> None:
        """Load the weights now instead of with the first image; does nothing the second time.

        Raises:
            ModelLoadingError: weights are absent, damaged, incomplete, or not those that
                `identity` named before.
        """
        with self._lock:
            if self._model is None:
                self._refuse_changed_weights()
                self._model = load_transformer(
                    self._folder, PRECISIONS[self.precision], self._device
                )

    def is_loaded(self) -> bool:
        """Whether the weights are in memory."""
        return self._model is not None

    def get_model_info(self) -> dict[str, Any]:
        """What the encoder is, in JSON.

        Raises:
            ModelLoadingError: the weights are not on this machine.
        """
        config = self._folder.config
        return {
            "name": self.identity.name,
            "key": self.identity.key,
            "architecture": config.get("model_type"),
            "dimension": self.identity.dimension,
            "layers": config.get("num_hidden_layers"),
            "heads": config.get("num_attention_heads"),
            "patch_grid": list(self.patch_grid),
            "precision": self.precision,
            "weight_hash": self.identity.weight_hash,
            "folder": str(self._folder.path),
            "mean": list(self._preprocessing.mean),
            "std": list(self._preprocessing.std),
            "device": self._device.type,
            "loaded": self.is_loaded(),
        }

    def prepare(self, images: Sequence[Image]) -> Prepared:
        """Pad each page to a square on white and scale it to 224 by 224.

        Args:
            images: (H, W, 3) uint8 RGB, upright, on white.

        Returns:
            pixels (B, 3, 224, 224) in [0, 1], frames (B, 4), extras (B, 2) with width and height.

        Raises:
            EmbeddingGenerationError: an image is not of that kind.
            ModelLoadingError: the encoder's preprocessing is not on this machine.
        """
        return prepare_square(images, self._preprocessing.resample)

    def encode(self, prepared: Prepared) -> torch.Tensor:
        """The first token of the last hidden state.

        Args:
            prepared: what `prepare` made, or the same with other pixels.

        Returns:
            (B, D) float32, differentiable with respect to `prepared.pixels`.

        Raises:
            ModelLoadingError: as `load_model`.
        """
        return _first_token(self._forward(prepared.pixels))

    def forward_with_attention(self, prepared: Prepared) -> AttentionPass:
        """The vector with the attention that led to it, for explanations.

        Args:
            prepared: what `prepare` made.

        Returns:
            Vector, attention maps and tokens of one graph, so that gradients of anything computed
            from the vector reach the maps and the tokens.

        Raises:
            AttentionVisualizationError: the model gives no attention maps.
            ModelLoadingError: as `load_model`.
        """
        pixels = prepared.pixels
        with torch.enable_grad():
            # The weights carry no gradients, so the graph must begin at the pixels.
            pixels = pixels if pixels.requires_grad else pixels.detach().requires_grad_()
            output = self._forward(pixels, output_attentions=True, output_hidden_states=True)
            embedding = _first_token(output)
        if not output.attentions:
            raise AttentionVisualizationError(
                f"{self.name!r} gives no attention maps. Use occlusion or the gradient to the "
                "pixels instead."
            )
        return AttentionPass(
            embedding=embedding,
            attentions=tuple(output.attentions),
            tokens=output.hidden_states[-2],
            prefix_tokens=self._prefix_tokens(output),
            patch_grid=self.patch_grid,
        )

    def embed(
        self, images: Sequence[Image], batch_size: int = 32, progress: Progress | None = None
    ) -> Embeddings:
        """The vectors of many images.

        Args:
            images: (H, W, 3) uint8 RGB, upright, on white.
            batch_size: images a batch to begin with; halved when memory runs out.
            progress: called with (images done, images in all) after each batch.

        Returns:
            (N, D) float32.

        Raises:
            EmbeddingGenerationError: an image is not of that kind, or a vector is not finite.
            ModelLoadingError: as `load_model`.
        """
        return embed_in_batches(self, images, batch_size, progress)

    def _forward(self, pixels: torch.Tensor, **outputs: bool) -> Any:
        self.load_model()
        inputs = self._preprocessing.normalize(pixels.to(self._device))
        options: dict[str, Any] = dict(outputs)
        # Position embeddings learned at another size are interpolated; DINOv2 always does so.
        asks = "interpolate_pos_encoding" in inspect.signature(self._model.forward).parameters
        if asks and self._folder.config.get("image_size", SIZE) not in (SIZE, [SIZE, SIZE]):
            options["interpolate_pos_encoding"] = True
        output = self._model(inputs.to(PRECISIONS[self.precision]), **options)
        self._prefix_tokens(output)
        return output

    def _prefix_tokens(self, output: Any) -> int:
        rows, columns = self.patch_grid
        prefix = int(output.last_hidden_state.shape[1]) - rows * columns
        if prefix < 1:
            raise ModelLoadingError(
                f"{self.name!r} has no token for the whole image before its patches, so there is "
                "no vector to read. Choose a ViT, DeiT, DINOv2 or BEiT."
            )
        return prefix

    def _refuse_changed_weights(self) -> None:
        fresh = self._folder.weight_hash()
        if self._weight_hash not in (None, fresh):
            raise ModelLoadingError(
                f"The weights of {self.name!r} changed on disk since this encoder named them. "
                "Nothing was embedded; open the encoder anew and re-embed."
            )
        self._weight_hash = fresh


def _first_token(output: Any) -> torch.Tensor:
    token: torch.Tensor = output.last_hidden_state[:, 0].to(torch.float32)
    return token

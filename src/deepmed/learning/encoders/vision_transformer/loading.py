"""Loading a transformer so that every weight it computes with comes from the file."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from safetensors import SafetensorError

from deepmed.learning.encoders.vision_transformer.weights import ModelFolder
from deepmed.learning.errors import ModelLoadingError

# Heads that a checkpoint may lack, because the vector is taken before them.
_UNUSED_PARTS = ("pooler.", "classifier.", "cls_classifier.", "distillation_classifier.")


def load_transformer(folder: ModelFolder, dtype: torch.dtype, device: torch.device) -> Any:
    """Load the model for inference.

    Attention is computed step by step ("eager"), the one way of transformers that can also hand
    out the attention maps, so that a map explains exactly the vector that was stored.

    Args:
        folder: where its files are.
        dtype: precision of the weights.
        device: where it computes.

    Returns:
        The transformers model, in evaluation mode, without gradients of its weights.

    Raises:
        ModelLoadingError: the files are damaged, are of no vision transformer, or lack weights.
    """
    from transformers import AutoModel  # noqa: PLC0415 - two seconds that only its users wait

    _check_architecture(folder)
    try:
        with _quiet():
            model, report = AutoModel.from_pretrained(
                folder.path,
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
                attn_implementation="eager",
                dtype=dtype,
            )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelLoadingError(
            f"The weights in {folder.path} could not be loaded ({error}). Nothing was embedded. "
            "Copy the folder again, or use the encoder 'hog-pyramid'."
        ) from error
    _refuse_random_weights(folder, report)
    return model.eval().requires_grad_(requires_grad=False).to(device)


def _check_architecture(folder: ModelFolder) -> None:
    config = folder.config
    missing = [name for name in ("hidden_size", "patch_size") if name not in config]
    if missing or config.get("num_channels", 3) != 3:
        raise ModelLoadingError(
            f"{folder.path} holds no vision transformer for colour images (its model type is "
            f"{config.get('model_type')!r}). Choose a ViT, DeiT, DINOv2 or BEiT."
        )


def _refuse_random_weights(folder: ModelFolder, report: Any) -> None:
    """The library fills gaps with random numbers and only prints a warning."""
    mismatched = {entry[0] for entry in report["mismatched_keys"]}
    gaps = sorted(
        key for key in set(report["missing_keys"]) | mismatched if not key.startswith(_UNUSED_PARTS)
    )
    if gaps:
        more = f" and {len(gaps) - 3} more" if len(gaps) > 3 else ""
        raise ModelLoadingError(
            f"The weights in {folder.path} lack {', '.join(gaps[:3])}{more}. Random numbers would "
            "stand in their place, so the model was not loaded. Copy weights that fit config.json."
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No progress bar and no table of missing heads: what matters there raises an error."""
    from transformers.utils import logging  # noqa: PLC0415 - as above

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()

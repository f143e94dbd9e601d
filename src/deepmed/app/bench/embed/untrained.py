"""A ViT-B as large as the real one, with random weights: for times alone, never as an encoder.

How long a forward pass takes does not depend on what the weights are; what its vectors say does.
The folder lies among temporary files and is removed, so nothing can ever be embedded with it.
"""

import json
from pathlib import Path
from typing import Any

NAME = "vit-base, random weights, timing only"
PREPROCESSOR = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 2}


def write_vit_base(folder: Path, **sizes: Any) -> Path:
    """Weights and preprocessing of the base architecture of transformers' ViT; some 330 MB."""
    from transformers import ViTConfig, ViTModel  # noqa: PLC0415 - seconds, for this part alone
    from transformers.utils import logging  # noqa: PLC0415 - likewise

    logging.disable_progress_bar()
    ViTModel(ViTConfig(**sizes), add_pooling_layer=False).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR), encoding="utf-8")
    return folder

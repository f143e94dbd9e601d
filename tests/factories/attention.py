"""An encoder that attends, and what it attended to in a stored drawing."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from deepmed.features.drawings.explanation.service import ExplanationService
from deepmed.features.drawings.interpretability.attention import attention_patches
from deepmed.features.drawings.interpretability.loading import ExplanationLoader
from deepmed.features.drawings.schemas.interpretability import AttentionPatch
from deepmed.features.drawings.tables import AnomalyAnalysis
from deepmed.learning.encoders import VisionTransformerWrapper
from factories.api import api_on


def tiny_transformer(folder: Path) -> VisionTransformerWrapper:
    """A randomly initialised ViT, saved as if it had been pretrained."""
    import transformers

    torch.manual_seed(0)
    config = transformers.ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=48,
        initializer_range=0.2,
    )
    transformers.ViTModel(config).save_pretrained(folder)
    preprocessor = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 2}
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return VisionTransformerWrapper(str(folder), device="cpu")


def attention_answer(trained: Path, folder: Path) -> dict[str, Any]:
    """The part of an answer that only encoders with attention give, on a copy of a data folder."""
    shutil.copytree(trained, folder / "home")
    encoder = tiny_transformer(folder / "tiny")
    with api_on(folder / "home") as api:
        analysis = api.json("POST", "/analysis/analyze/1")["analysis"]["id"]
        loader = ExplanationLoader(ExplanationService(api.bench))
        patches = attended(loader, analysis, encoder)
    return {"attention_patches": [one.model_dump(mode="json") for one in patches]}


def attended(
    loader: ExplanationLoader, analysis_id: int, encoder: VisionTransformerWrapper
) -> list[AttentionPatch]:
    """The answer about attention as if this encoder had made the drawing's vector."""
    found = loader.load(analysis_id)
    results = found.analysis.results | {"encoder": encoder.identity.key}
    bench = replace(loader.bench)  # another one, so that the encoder is not swapped for others
    vars(bench.encoding)["encoder"] = encoder
    analysis = AnomalyAnalysis(id=analysis_id, results=results)
    patches, reason = attention_patches(bench, replace(found, analysis=analysis))
    assert reason is None
    return patches

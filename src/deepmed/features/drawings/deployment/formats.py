"""In which forms a model leaves, by the contract's names and ours."""

from enum import StrEnum

from deepmed.features.drawings.deployment.errors import ModelExportError

EXPORT_KIND = "drawings.export"
"""Of the registry's artefacts, those that are models written for use elsewhere."""


class ModelExportFormat(StrEnum):
    """What a package holds beside weights in safetensors and JSON, which every package has."""

    PYTORCH = "pytorch"
    """Nothing: PyTorch and numpy read safetensors, and nothing is unpickled."""
    ONNX = "onnx"
    """The score as an ONNX graph."""
    PT2 = "pt2"
    """The score as a program of `torch.export`, which came after TorchScript."""


ALIASES = {"safetensors": ModelExportFormat.PYTORCH, "torchscript": ModelExportFormat.PT2}
REFUSED = {
    "pickle": (
        "A pickle runs whatever its author wrote into it when it is opened, so DeepMed neither "
        "writes nor reads one; nothing was exported. Ask for pytorch: weights in safetensors "
        "with JSON beside them, which carry no code."
    )
}


def format_of(name: str) -> ModelExportFormat:
    """The form that a name means.

    Raises:
        ModelExportError: it is refused on purpose, or nobody knows it.
    """
    wanted = name.strip().lower()
    if wanted in REFUSED:
        raise ModelExportError(REFUSED[wanted])
    known = {one.value: one for one in ModelExportFormat} | ALIASES
    if wanted not in known:
        raise ModelExportError(
            f"There is no export format {name!r}; nothing was exported. Choose one of "
            f"{', '.join(known)}."
        )
    return known[wanted]

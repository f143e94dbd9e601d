"""Encoders by name: the built-in ones, plug-ins, and vision transformers (D-5, P-12).

Names are told without loading an encoder: each brings torch along, which takes seconds.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING

from deepmed.kit.plug_ins import entry_points
from deepmed.learning.encoders.built_in import HOG_PYRAMID, SCATTERING
from deepmed.learning.encoders.onnx_runtime.installed import PRECISION as ONNX
from deepmed.learning.encoders.onnx_runtime.installed import is_installed
from deepmed.learning.encoders.stroke_net.layout import NAME as STROKE_NET
from deepmed.learning.errors import ModelLoadingError

if TYPE_CHECKING:
    from deepmed.learning.encoders.base import Encoder

DEFAULT_ENCODER = HOG_PYRAMID
ENTRY_POINT_GROUP = "deepmed.encoders"
KNOWN_TRANSFORMERS = (
    "google/vit-base-patch16-224",
    "facebook/deit-base-patch16-224",
    "facebook/dinov2-base",
    "microsoft/beit-base-patch16-224",
)


@dataclass(frozen=True)
class EncoderOptions:
    """What a factory may need to make its encoder.

    Attributes:
        weights_dir: folder with one folder a model, if there is one.
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `fp32` or `bf16`; a factory refuses what it cannot do.
        allow_download: whether weights may be fetched from elsewhere.
    """

    weights_dir: Path | None = None
    device: str = "auto"
    precision: str = "fp32"
    allow_download: bool = False


EncoderFactory = Callable[[EncoderOptions], "Encoder"]
_logger = logging.getLogger(__name__)
_factories: dict[str, EncoderFactory] = {}


def register_encoder(name: str, factory: EncoderFactory) -> None:
    """Make an encoder available under a name in this process.

    An installed package does the same for every process with an entry point of the group
    `deepmed.encoders`, whose name is the encoder's and whose object is the factory.

    Args:
        name: the name, without `@`.
        factory: makes the encoder from `EncoderOptions`.

    Raises:
        ValueError: the name is taken by another factory, or holds an `@`.
    """
    if "@" in name:
        raise ValueError(f"The name {name!r} holds an @, which separates the precision.")
    if _factories.get(name, factory) is not factory:
        raise ValueError(f"The name {name!r} is taken; vectors stored under it would change.")
    _factories[name] = factory


def available_encoders() -> list[str]:
    """Names of the encoders that are installed, in alphabetical order.

    Vision transformers and `stroke-net` are not among them: they work by name wherever their
    weights are.

    Example:
        >>> "hog-pyramid" in available_encoders()
        True
    """
    return sorted({*_factories, *_plug_ins()})


def get_encoder(
    name: str = DEFAULT_ENCODER,
    weights_dir: str | Path | None = None,
    device: str = "auto",
    *,
    allow_download: bool = False,
    onnx_dir: Path | None = None,
) -> "Encoder":
    """The encoder of a name.

    Args:
        name: an installed encoder, a transformer's name on the Hugging Face hub, or a folder with
            its files; `@bf16` behind it asks for that precision, `@onnx` for ONNX Runtime. Where
            that is not installed PyTorch computes instead, which is logged, and the vectors'
            identity says so.
        weights_dir: folder with one folder a model.
        device: `auto`, `cpu`, `cuda` or `mps`.
        allow_download: whether weights may be fetched when they are not on this machine.
        onnx_dir: where exported encoders are kept for next time; nowhere when None.

    Returns:
        The encoder; a transformer loads its weights when they are first needed.

    Raises:
        ModelLoadingError: there is no encoder of this name or precision.
        DeviceDetectionError: the device is not there.

    Example:
        >>> get_encoder("hog-pyramid", device="cpu").identity.dimension
        768
    """
    folder = None if weights_dir is None else Path(weights_dir)
    plain, _, precision = name.partition("@")
    if precision == ONNX:
        return _on_onnx_runtime(
            get_encoder(plain, folder, _processor(device), allow_download=allow_download), onnx_dir
        )
    options = EncoderOptions(folder, device, precision or "fp32", allow_download)
    if plain in _factories:
        return _factories[plain](options)
    if plain in (plug_ins := _plug_ins()):
        factory: EncoderFactory = plug_ins[plain].load()
        return factory(options)
    if plain == STROKE_NET:
        return _stroke_net(options)
    if _may_be_transformer(plain, folder):
        return _transformer(plain, options)
    raise ModelLoadingError(
        f"There is no encoder named {name!r}. Installed are: {', '.join(available_encoders())}. "
        f"A vision transformer goes by its full name (such as {KNOWN_TRANSFORMERS[0]}) or by the "
        "folder that its files are in."
    )


def _processor(device: str) -> str:
    if device in {"auto", "cpu"}:
        return "cpu"
    raise ModelLoadingError(
        f"Encoders run on ONNX Runtime on the CPU only; {device!r} was asked for. Leave out "
        f"'@{ONNX}', or ask for the device 'cpu'."
    )


def _on_onnx_runtime(encoder: "Encoder", folder: Path | None) -> "Encoder":
    if is_installed():
        from deepmed.learning.encoders.onnx_runtime.encoder import (  # noqa: PLC0415 - as above
            OnnxEncoder,
        )

        return OnnxEncoder(encoder, folder)
    _logger.warning(
        "ONNX Runtime is not installed, so PyTorch computes the vectors, and they are not those of "
        "'@%s'. To have it: pip install 'deepmed[onnx]'",
        ONNX,
    )
    return encoder


def _plug_ins() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}


def _may_be_transformer(name: str, weights_dir: Path | None) -> bool:
    if not name:
        return False
    beside = weights_dir is not None and (weights_dir / name / "config.json").is_file()
    return "/" in name or beside or Path(name).is_dir()


def _transformer(name: str, options: EncoderOptions) -> "Encoder":
    from deepmed.learning.encoders.vision_transformer.wrapper import (  # noqa: PLC0415 - as above
        VisionTransformerWrapper,
    )

    return VisionTransformerWrapper(
        name,
        options.weights_dir,
        options.device,
        options.precision,
        allow_download=options.allow_download,
    )


def _hog_pyramid(options: EncoderOptions) -> "Encoder":
    from deepmed.learning.encoders.hog_pyramid.encoder import (  # noqa: PLC0415 - as above
        HogPyramidEncoder,
    )

    _fp32_only(HOG_PYRAMID, options)
    return HogPyramidEncoder(options.device)


def _scattering(options: EncoderOptions) -> "Encoder":
    from deepmed.learning.encoders.scattering.encoder import (  # noqa: PLC0415 - as above
        ScatteringEncoder,
    )

    _fp32_only(SCATTERING, options)
    return ScatteringEncoder(options.device)


def _stroke_net(options: EncoderOptions) -> "Encoder":
    _fp32_only(STROKE_NET, options)
    from deepmed.learning.encoders.stroke_net.encoder import (  # noqa: PLC0415 - as above
        StrokeNetEncoder,
    )

    return StrokeNetEncoder.from_folder(options.weights_dir, options.device)


def _fp32_only(name: str, options: EncoderOptions) -> None:
    if options.precision != "fp32":
        raise ModelLoadingError(
            f"'{name}' computes in fp32 only; {options.precision!r} was asked for. Leave "
            f"out '@{options.precision}'."
        )


register_encoder(HOG_PYRAMID, _hog_pyramid)
register_encoder(SCATTERING, _scattering)

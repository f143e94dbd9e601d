"""The weights of `stroke-net` as a file: safetensors alone, with a hash that names them."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from deepmed.kit.files import write_atomically
from deepmed.learning.encoders.stroke_net import layout
from deepmed.learning.encoders.stroke_net.network import StrokeNet
from deepmed.learning.errors import ModelLoadingError


def weight_hash(network: StrokeNet) -> str:
    """SHA-256 in hex over the names, shapes and bytes of all weights.

    Example:
        >>> network = StrokeNet()
        >>> weight_hash(network) == weight_hash(network)
        True
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        values = tensor.detach().cpu().contiguous().numpy()
        digest.update(f"{name} {values.dtype} {values.shape}\n".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def to_bytes(network: StrokeNet, facts: Mapping[str, str] | None = None) -> bytes:
    """The weights as a safetensors file.

    Args:
        network: whose weights.
        facts: what the file says about how they were made.

    Example:
        >>> len(to_bytes(StrokeNet())) < 25e6
        True
    """
    tensors = {name: one.detach().cpu().contiguous() for name, one in network.state_dict().items()}
    written: bytes = save(tensors, metadata=dict(facts or {}))
    return written


def write_weights(
    network: StrokeNet, weights_dir: Path, facts: Mapping[str, str] | None = None
) -> Path:
    """Write the weights where `get_encoder("stroke-net", weights_dir)` looks for them.

    Args:
        network: whose weights.
        weights_dir: folder with one folder a model; made if it is not there.
        facts: what the file says about how they were made.

    Returns:
        The file.
    """
    path = weights_file(weights_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, to_bytes(network, facts))
    return path


def weights_file(weights_dir: Path) -> Path:
    """Where the weights lie in a folder with one folder a model.

    Example:
        >>> weights_file(Path("weights")).as_posix()
        'weights/stroke-net/model.safetensors'
    """
    return weights_dir / layout.NAME / layout.FILE


def read_weights(weights_dir: Path | None) -> StrokeNet:
    """The network with weights from a file, ready to encode.

    Args:
        weights_dir: folder with one folder a model.

    Returns:
        The network in evaluation mode, without gradients of its weights.

    Raises:
        ModelLoadingError: there is no such file, or it holds other weights.
    """
    if weights_dir is None or not weights_file(weights_dir).is_file():
        raise ModelLoadingError(
            f"The weights of {layout.NAME!r} are not on this machine: they are not shipped, and "
            "none are made up. Make them with 'deepmed bench encoder-pretraining --weights "
            "FOLDER', and name the folder of one seed in DEEPMED_WEIGHTS_DIR."
        )
    path = weights_file(weights_dir)
    network = StrokeNet()
    try:
        tensors: dict[str, torch.Tensor] = load(path.read_bytes())
        network.load_state_dict(tensors)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise ModelLoadingError(
            f"The weights in {path} could not be loaded ({error}). Nothing was embedded. Make "
            "them anew, or use the encoder 'hog-pyramid', which needs none."
        ) from error
    return network.eval().requires_grad_(requires_grad=False)

"""A classifier for use elsewhere: from prepared images to calibrated probabilities.

How an image is prepared, and from which probability on the decision is positive, no graph can say;
both go into the file as text.
"""

from collections.abc import Sequence
from importlib.util import find_spec

import torch
from torch import nn

from deepmed.learning.export.errors import ModelNotExportableError
from deepmed.learning.export.program import program_of
from deepmed.learning.networks.with_head import NetworkWithCustomHead
from deepmed.learning.onnx_files.errors import OnnxUnavailableError
from deepmed.learning.onnx_files.running import NEEDED
from deepmed.learning.onnx_files.tracing import traced

MOST_ROWS = 4096
IMAGE, LOGITS, PROBABILITY = "image", "logits", "probability"
_WRITERS = ("onnx", "onnxscript")


class ServedNetwork(nn.Module):
    """A network with its calibration.

    Args:
        network: Of one logit, or one a class.
        temperature: By which logits are divided.
        offsets: What is added to them then: one number, or one a class; none if empty.

    Example:
        >>> from deepmed.learning.networks import NetworkSettings, build_network
        >>> small = build_network(NetworkSettings("vgg16_bn", width=1, classes=3, head=()))
        >>> logits, probability = ServedNetwork(small, 2.0).eval()(torch.zeros(2, 3, 32, 32))
        >>> bool(probability.sum(dim=1).allclose(torch.ones(2)))
        True
    """

    offsets: torch.Tensor

    def __init__(
        self, network: NetworkWithCustomHead, temperature: float, offsets: Sequence[float] = ()
    ) -> None:
        super().__init__()
        self.network = network
        self.temperature = temperature
        added = offsets or (0.0,)
        self.register_buffer("offsets", torch.tensor(added, dtype=torch.float32))

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits and probabilities.

        Args:
            image: (B, C, H, W) float32, prepared.

        Returns:
            (B, 1) or (B, classes) logits; (B,) of the second class or (B, classes) probabilities.
        """
        logits = self.network(image)
        calibrated = logits / self.temperature + self.offsets
        if self.network.num_classes == 1:
            return logits, torch.sigmoid(calibrated[:, 0])
        return logits, torch.softmax(calibrated, dim=1)


def network_to_onnx(
    network: NetworkWithCustomHead,
    temperature: float,
    size: tuple[int, int],
    offsets: Sequence[float] = (),
) -> bytes:
    """Write a network with its calibration as ONNX.

    The input is ``image`` (rows, C, H, W) float32; the outputs are ``logits`` and ``probability``,
    see ``ServedNetwork``. All numbers lie in the file.

    Args:
        network: In evaluation mode, on the CPU.
        temperature: By which logits are divided.
        size: Height and width of a prepared image, in pixels.
        offsets: What is added to the logits then; none if empty.

    Raises:
        OnnxUnavailableError: The packages for ONNX are not installed.
        ModelNotExportableError: The network does something that ONNX has no operations for.

    Example:
        >>> network_to_onnx.__name__
        'network_to_onnx'
    """
    if any(find_spec(name) is None for name in _WRITERS):
        raise OnnxUnavailableError(NEEDED)
    module, example, shapes = _parts(network, temperature, size, offsets)
    try:
        model = traced(module, (example,), [IMAGE], [LOGITS, PROBABILITY], shapes)
    except (torch.onnx.OnnxExporterError, RuntimeError, ValueError) as error:
        raise ModelNotExportableError(
            f"The network {network.settings.name!r} could not be written as ONNX ({error})."
        ) from error
    model.producer_name = "deepmed"
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def network_program(
    network: NetworkWithCustomHead,
    temperature: float,
    size: tuple[int, int],
    offsets: Sequence[float] = (),
) -> torch.export.ExportedProgram:
    """A network with its calibration as a graph of tensor operations.

    It takes 1 to 4096 images at a time and gives what ``ServedNetwork`` gives; ``archive_of`` makes
    a file of it.

    Args:
        network: In evaluation mode, on the CPU.
        temperature: By which logits are divided.
        size: Height and width of a prepared image, in pixels.
        offsets: What is added to the logits then; none if empty.

    Example:
        >>> network_program.__name__
        'network_program'
    """
    module, example, shapes = _parts(network, temperature, size, offsets)
    return program_of(module, (example,), shapes)


def _parts(
    network: NetworkWithCustomHead,
    temperature: float,
    size: tuple[int, int],
    offsets: Sequence[float],
) -> tuple[ServedNetwork, torch.Tensor, dict[str, dict[int, object]]]:
    rows = torch.export.Dim("rows", min=1, max=MOST_ROWS)
    example = torch.zeros(2, network.settings.channels, *size)
    return ServedNetwork(network, temperature, offsets).eval(), example, {IMAGE: {0: rows}}

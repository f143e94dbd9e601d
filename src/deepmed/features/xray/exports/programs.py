"""The files themselves, and how each is asked."""

import io
import json
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from deepmed.features.xray.exports.facts import FILE, NOTE
from deepmed.features.xray.exports.formats import ExportFormat
from deepmed.features.xray.runs.loading import LoadedModel
from deepmed.learning.encoders.onnx_runtime.exporting import open_session
from deepmed.learning.export import (
    archive_of,
    network_program,
    network_to_onnx,
    to_whole_numbers,
)
from deepmed.learning.export.network import IMAGE, PROBABILITY
from deepmed.learning.onnx_files.notes import with_notes

Ask = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class Program(Protocol):
    """A model in a form for use elsewhere."""

    def content(self, facts: dict[str, Any]) -> bytes:
        """The file, with what is known of it."""
        ...

    def ask(self) -> Ask:
        """From (1, C, H, W) to probabilities, as whoever gets the file will have them."""
        ...


class OnnxProgram:
    """A graph for any runtime."""

    def __init__(self, content: bytes) -> None:
        self.plain = content

    def content(self, facts: dict[str, Any]) -> bytes:
        return with_notes(self.plain, {NOTE: json.dumps(facts)})

    def ask(self) -> Ask:
        session = open_session(self.plain)

        def asked(image: NDArray[np.float32]) -> NDArray[np.float32]:
            (found,) = session.run([PROBABILITY], {IMAGE: image})
            answer: NDArray[np.float32] = found
            return answer

        return asked


class TorchProgram:
    """A graph for `torch.export.load`."""

    def __init__(self, program: torch.export.ExportedProgram) -> None:
        self._program = program

    def content(self, facts: dict[str, Any]) -> bytes:
        return archive_of(self._program, {FILE: json.dumps(facts)})

    def ask(self) -> Ask:
        module = torch.export.load(io.BytesIO(archive_of(self._program))).module()

        def asked(image: NDArray[np.float32]) -> NDArray[np.float32]:
            with torch.inference_mode():
                answer: NDArray[np.float32] = module(torch.from_numpy(image))[1].numpy()
            return answer

        return asked


def program_of(model: LoadedModel, form: ExportFormat) -> Program:
    """The model in a form.

    Raises:
        OnnxUnavailableError: the packages for ONNX are not installed.
        ModelNotExportableError: a layer has no such form.
    """
    point = model.point
    calibrated = (point.temperature, model.preprocessing.size, point.offsets)
    if form is ExportFormat.EXPORTED:
        return TorchProgram(network_program(model.network, *calibrated))
    graph = network_to_onnx(model.network, *calibrated)
    return OnnxProgram(to_whole_numbers(graph) if form is ExportFormat.INT8 else graph)

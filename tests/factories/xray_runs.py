"""Completed runs in a moment: everything is as in a training but the training itself."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from deepmed.core.home import Home
from deepmed.features.xray.configuration.settings import network_settings, training_settings
from deepmed.features.xray.runs.map_checks import RECORD, TOP, WHOLE
from deepmed.features.xray.runs.results import Fitted, Prepared, fit_summary
from deepmed.features.xray.runs.trainer import CentralizedTrainer
from deepmed.features.xray.tables import XrayRun
from factories.xray import SIDE, small

if TYPE_CHECKING:
    from deepmed.features.xray.inference.served_model import ServedModel
    from deepmed.learning.classification.events import EventStream

METHODS = ("grad_cam", "grad_cam_plus_plus", "occlusion")


class Untrained(CentralizedTrainer):
    """Keeps the weights that a network begins with, but for noise that `draw` chooses."""

    draw = 0

    def _fit(self, run: XrayRun, stream: "EventStream", prepared: Prepared, folder: Path) -> Fitted:
        import torch

        from deepmed.learning.classification import ModelSetupUtils, RunFacts

        module, chain = ModelSetupUtils.build_model_and_callbacks(
            network_settings(self.config.config, len(prepared.source.classes)),
            training_settings(self.config.config),
            prepared.data.class_counts,
            folder / "checkpoints",
            stream,
            RunFacts(run_id=run.id, experiment_name=run.run_description),
        )
        random = torch.Generator().manual_seed(self.draw)
        for weight in module.model.parameters() if self.draw else ():
            weight.data += 0.1 * torch.randn(weight.shape, generator=random)
        return Fitted(module, fit_summary(module, chain, Path("none.ckpt")), [])


def publish_untrained(
    home: Home, source: Path, *overrides: str, name: str = "untrained", draw: int = 0
) -> dict[str, Any]:
    """A completed run with figures, predictions and an artefact; its results.

    Runs of the same source and seed have the same split, whatever `draw` is.
    """
    trainer = Untrained(home, small(*overrides))
    trainer.draw = draw
    return trainer.train(source, name)


def sharpened(model: "ServedModel", image: np.ndarray) -> "ServedModel":
    """The same with an output that needs this image: its blurred self is far from the threshold.

    Its maps need the weights, whatever chance made of those of the network that it is made from.
    """
    import torch

    loaded = model.loaded
    network = deepcopy(loaded.network)
    grey = Image.fromarray(image).resize((4, 4), Image.Resampling.BOX).resize((SIDE, SIDE))
    own, blurred = (
        float(loaded.logits(loaded.tensor(one))[0, 0]) for one in (image, np.asarray(grey))
    )
    steep = 12 * loaded.point.temperature / (own - blurred)
    with torch.no_grad():
        last = [one for one in network.modules() if isinstance(one, torch.nn.Linear)][-1]
        last.weight *= steep
        last.bias.copy_((last.bias - (own + blurred) / 2) * steep)
    depth = {"estimate": 0.0, "low": -0.1, "high": 0.1, "passed": True}
    known = {"passed": True, "n_items": 30, "depths": dict.fromkeys((TOP, WHOLE), depth)}
    checks = {**loaded.record[RECORD], "methods": dict.fromkeys(METHODS, known)}
    record = {**loaded.record, RECORD: checks}
    return replace(model, loaded=replace(loaded, network=network, record=record))


def plain_graph(side: int = SIDE) -> bytes:
    """A graph with the inputs and outputs of an exported network; to trace one takes seconds."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    number, random = TensorProto.FLOAT, np.random.default_rng(0)
    weight = random.normal(size=(side * side, 1)).astype(np.float32)
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["shares"]),
        helper.make_node("Squeeze", ["shares", "axis"], ["probability"]),
    ]
    outputs = [
        helper.make_tensor_value_info("logits", number, ["rows", 1]),
        helper.make_tensor_value_info("probability", number, ["rows"]),
    ]
    graph = helper.make_graph(
        nodes,
        "plain",
        [helper.make_tensor_value_info("image", number, ["rows", 1, side, side])],
        outputs,
        [
            numpy_helper.from_array(weight, "weight"),
            numpy_helper.from_array(np.array([1], dtype=np.int64), "axis"),
        ],
    )
    opset = [helper.make_opsetid("", 20)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=10)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content

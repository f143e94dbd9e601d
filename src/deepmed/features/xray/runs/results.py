"""A trained network becomes results: evaluated, stored, and summed up."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deepmed.core.home import Home
from deepmed.features.xray.configuration import ConfigManager
from deepmed.features.xray.preparation import SplitPlan
from deepmed.features.xray.runs import artifact
from deepmed.features.xray.runs.database_operations import DBOperationsUtils
from deepmed.features.xray.runs.evaluation import Evaluation, evaluate, fix_operating_point
from deepmed.features.xray.runs.scored import ScoredPart
from deepmed.features.xray.source import DataSource
from deepmed.features.xray.source.pseudonyms import unit_of
from deepmed.features.xray.tables import XrayRun
from deepmed.kit.digests import json_digest

if TYPE_CHECKING:
    from deepmed.learning.classification.module import LitResNetEnhanced
    from deepmed.learning.classification.settings import TrainingSettings
    from deepmed.learning.classification.trainer import Chain
    from deepmed.learning.imaging import CustomImageDataset, XRayDataModule

_TESTED = "test-scores.json"


@dataclass(frozen=True)
class Prepared:
    """What the steps before the training made."""

    source: DataSource
    plan: SplitPlan
    data: "XRayDataModule"


@dataclass(frozen=True)
class Fitted:
    """A training that is over: the best network, and how it went."""

    module: "LitResNetEnhanced"
    summary: dict[str, Any]
    history: list[dict[str, Any]]


class ResultsUtils:
    """Evaluates a training and packs its results.

    Images are scored on the CPU with 32 bits, whatever trained: that is what serves, and a GPU
    rounds sums otherwise, so that what was tested would not be what is served.
    """

    def __init__(self, home: Home, config: ConfigManager, folder: Path) -> None:
        self._home = home
        self._config = config
        self._folder = folder
        self._writing = DBOperationsUtils(home)

    def collect_training_results(
        self, run: XrayRun, prepared: Prepared, fitted: Fitted
    ) -> tuple[dict[str, Any], int]:
        """Evaluate, store the artefact, and sum up; the results and the artefact's number."""
        settings = self._config.config
        weights = _weights(fitted)
        validation = self._scored(prepared.data.val_dataset, prepared, fitted)
        point = fix_operating_point(validation, settings)
        test = self._tested(run, prepared, fitted, weights) if prepared.plan.test else None
        found = evaluate(
            point,
            validation,
            test,
            classes=prepared.source.classes,
            settings=settings.evaluation,
            seed=settings.system.seed,
        )
        files = self._files(prepared, fitted, weights, found, validation, test)
        published = artifact.publish(self._home, run, files, found.to_dict())
        summary = _summary(prepared, fitted) | {"artifact": published.uid}
        return summary | found.to_dict(), published.id

    def _tested(
        self, run: XrayRun, prepared: Prepared, fitted: Fitted, weights: bytes
    ) -> ScoredPart:
        """The one look at the test part; who was killed after it goes on with what it saw.

        Raises:
            IntegrityError: what was seen is of another split or network.
        """
        path = self._folder / _TESTED
        of = {"split": prepared.plan.digest, "weights": hashlib.sha256(weights).hexdigest()}
        kept = ScoredPart.load(path, of)
        if kept is not None:
            return kept
        self._writing.note_test_look(
            run.id,
            split=prepared.plan.digest,
            test=prepared.plan.test_digest,
            checkpoint=fitted.summary["best_checkpoint"],
            configuration=json_digest(run.configuration),
        )
        scored = self._scored(prepared.data.test_dataset, prepared, fitted)
        scored.save(path, of)
        return scored

    def _scored(
        self, dataset: "CustomImageDataset", prepared: Prepared, fitted: Fitted
    ) -> ScoredPart:
        from deepmed.features.xray.configuration.settings import (  # noqa: PLC0415 - likewise
            training_settings,
        )
        from deepmed.learning.classification import (  # noqa: PLC0415 - Lightning
            CallbacksSetup,
            predict_network,
        )

        exact = scoring_settings(training_settings(self._config.config))
        trainer = CallbacksSetup.create_trainer_from_config(exact, (), self._folder)
        found = predict_network(trainer, fitted.module, prepared.data.scoring_dataloader(dataset))
        logits = np.asarray(found["logits"].numpy(), dtype=np.float64)
        readable, scored = dataset.valid_indices.tolist(), found["index"].tolist()
        return ScoredPart.of(dataset.rows, readable, scored, logits)

    def _files(  # noqa: PLR0917 - what the files are made of
        self,
        prepared: Prepared,
        fitted: Fitted,
        weights: bytes,
        found: Evaluation,
        validation: ScoredPart,
        test: ScoredPart | None,
    ) -> dict[str, bytes]:
        network = fitted.module.model
        model = artifact.model_record(
            prepared.data.preprocessing.to_json(),
            network.settings.to_json(),
            network.weights.to_json(),
            prepared.source.classes,
            found.point.to_dict(),
            prepared.plan.digest,
            self._map_checks(prepared, fitted, found),
        )
        parts = {"validation": validation} | ({} if test is None else {"test": test})
        return artifact.files_of(
            weights,
            model,
            {name: part.with_probabilities(found.point) for name, part in parts.items()},
            prepared.plan.to_json(),
            _intake(prepared),
            found.to_dict(),
            fitted.history,
            self._gate(prepared, fitted),
        )

    def _gate(self, prepared: Prepared, fitted: Fitted) -> dict[str, bytes]:
        from deepmed.features.xray.runs.novelty import fit_gate  # noqa: PLC0415 - torch

        data = prepared.data
        return fit_gate(
            fitted.module.model,
            data.preprocessing,
            data.train_dataset,
            data.val_dataset,
            self._config.config.system.seed,
        )

    def _map_checks(self, prepared: Prepared, fitted: Fitted, found: Evaluation) -> dict[str, Any]:
        from deepmed.features.xray.runs.map_checks import check_maps  # noqa: PLC0415 - torch

        return check_maps(
            fitted.module.model,
            prepared.data.preprocessing,
            found.point,
            prepared.data.val_dataset,
            self._config.config.system.seed,
        )


def scoring_settings(training: "TrainingSettings") -> "TrainingSettings":
    """How images are scored whose scores are kept, whatever trained: as a served model does."""
    return replace(training, accelerator="cpu", precision="32-true", devices=1)


def _weights(fitted: Fitted) -> bytes:
    """The network's weights as they are stored."""
    from safetensors.torch import save  # noqa: PLC0415 - torch

    state = fitted.module.model.state_dict()
    return save({name: one.cpu().contiguous() for name, one in state.items()})


def _intake(prepared: Prepared) -> dict[str, Any]:
    return {
        "source": prepared.source.shared_report.as_json(),
        "parts": [report.to_json() for report in prepared.data.rejection_reports],
    }


def _summary(prepared: Prepared, fitted: Fitted) -> dict[str, Any]:
    plan, report = prepared.plan, prepared.source.report
    audit = plan.audit
    return {
        **fitted.summary,
        "classes": list(prepared.source.classes),
        "images": {part: len(rows) for part, rows in plan.parts.items()},
        "patients": {part: len({row.patient for row in rows}) for part, rows in plan.parts.items()},
        "counted_by": {
            part: unit_of(row.patient for row in rows) for part, rows in plan.parts.items()
        },
        "audit": {
            "digest": plan.digest,
            "published": audit.published,
            "crossing": len(audit.crossing),
            "dropped": len(audit.dropped),
            "lookalikes": len(audit.lookalikes),
        },
        "intake": {
            "found": report.found,
            "taken": report.taken,
            "rejected": len(report.rejected),
            "without_file": len(report.without_file),
            "unlabelled": len(report.unlabelled),
        },
    }


def fit_summary(module: "LitResNetEnhanced", chain: "Chain", best: Path) -> dict[str, Any]:
    """How a training went; the epoch is that of the checkpoint whose weights are tested."""
    from deepmed.learning.classification.callbacks.checkpoint import (  # noqa: PLC0415 - torch
        epoch_of,
    )

    network = module.model
    return {
        "best_epoch": epoch_of(best),
        "best_checkpoint": best.name,
        "total_epochs": len(chain.collector.epoch_metrics),
        "monitor": module.training_settings.monitor,
        "stopped_early": chain.stopping.reason if chain.stopping.stopped else None,
        "training_seconds": chain.collector.seconds,
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "first_weights": network.weights.to_json(),
    }

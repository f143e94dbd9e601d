"""From a source of images to an evaluated, stored model, in nine steps (X-11)."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepmed.core.home import Home
from deepmed.features.xray.configuration import ConfigManager
from deepmed.features.xray.configuration.settings import (
    data_settings,
    network_settings,
    preprocessing_of,
    source_options,
    split_settings,
    training_settings,
    verdicts_of,
)
from deepmed.features.xray.messages.sender import MetricsWebSocketSender
from deepmed.features.xray.preparation import DataPrepUtils, SplitPlan
from deepmed.features.xray.runs import repository
from deepmed.features.xray.runs.database_operations import DBOperationsUtils
from deepmed.features.xray.runs.folders import folder_of
from deepmed.features.xray.runs.kept import (
    CHECKPOINTS,
    SPLIT,
    keep_fit,
    kept_fit,
    kept_plan,
    refuse_other_split,
)
from deepmed.features.xray.runs.ranks import Ranks, told
from deepmed.features.xray.runs.results import Fitted, Prepared, ResultsUtils, fit_summary
from deepmed.features.xray.runs.sampling import some_patients
from deepmed.features.xray.runs.sinks import DatabaseSink, FileSink, ProgressSink, kept_metrics
from deepmed.features.xray.runs.steps import STEPS, Step, Watcher
from deepmed.features.xray.source import DataSource, DataSourceExtractor, Pseudonyms
from deepmed.features.xray.tables import XrayRun
from deepmed.kit import logging
from deepmed.kit.errors import DeepMedError

if TYPE_CHECKING:
    from deepmed.learning.classification.events import EventStream

_SOURCE = "source"
_PASSING = (CHECKPOINTS, "cache")
"""Folders that only a training that goes on needs."""


class CentralizedTrainer:
    """Trains on one machine's images. Another owner's runs do not exist here.

    Args:
        home: the data folder.
        config: how to train; of a run that is taken up again, the stored one counts.
        watcher: whom it tells of itself.
    """

    def __init__(
        self, home: Home, config: ConfigManager | None = None, watcher: Watcher | None = None
    ) -> None:
        self._home = home
        self.config = config or ConfigManager()
        self._watcher = watcher or Watcher()
        self._writing = DBOperationsUtils(home)
        self._run: XrayRun | None = None
        self._sender: MetricsWebSocketSender | None = None
        self._log = logging.get("deepmed.xray")

    def train(
        self,
        source_path: str | Path,
        experiment_name: str = "pneumonia_centralized",
        csv_filename: str | None = None,
        run_id: int | None = None,
    ) -> dict[str, Any]:
        """Train, evaluate and store; the results.

        A run that was cut off is taken up by its number, and goes on behind its last finished
        step: of the training itself, behind its last epoch.

        Args:
            source_path: a ZIP or a folder, see `DataSourceExtractor`.
            experiment_name: for people.
            csv_filename: of the table of labels.
            run_id: of a run that was made before.

        Raises:
            SourceRefusedError: labels or images forbid a training.
            LeakageError: a patient or an image crosses the split.
            Whatever else went wrong; the run then says so.
        """
        if run_id is None:
            run_id = self._writing.create_training_run(
                str(source_path), experiment_name, self.config.resolved, csv_filename
            )
        run = self._run = self._writing.take_up(run_id)
        self._sender = None
        self.config = ConfigManager(run.configuration)
        try:
            return self._steps(run, Path(source_path), csv_filename)
        except Exception as error:
            with _more_important(error):
                self._writing.fail_training_run(run_id, error)
                if self._sender is not None:
                    self._sender.send_training_failed(error)
            raise

    def get_training_status(self) -> dict[str, Any]:
        """How far the last call of `train` is, and with which settings.

        `temp_dir_active` says whether folders that only a training that goes on needs are there.
        """
        settings = self.config.config
        found: dict[str, Any] = {
            **dict.fromkeys(("run_id", "status", "stage", "reason", "checkpoint_dir", "logs_dir")),
            "config": {
                "epochs": settings.experiment.epochs,
                "learning_rate": settings.experiment.learning_rate,
                "batch_size": settings.experiment.batch_size,
                "validation_split": settings.system.validation_split,
            },
            "temp_dir_active": False,
        }
        if self._run is None:
            return found
        with self._home.database.read() as session:
            run = repository.run_of(session, self._home.owner_id, self._run.id)
        folder = folder_of(self._home, run)
        return found | {
            "run_id": run.id,
            "status": run.status,
            "stage": run.stage,
            "reason": run.reason,
            "checkpoint_dir": str(folder / CHECKPOINTS),
            "logs_dir": str(folder),
            "temp_dir_active": any((folder / name).is_dir() for name in _PASSING),
        }

    def _steps(self, run: XrayRun, source_path: Path, csv_filename: str | None) -> dict[str, Any]:
        from deepmed.learning.classification import (  # noqa: PLC0415 - who asks waits
            EventStream,
            RunFacts,
        )

        folder = folder_of(self._home, run)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._home.database.read() as session:
            first = repository.next_sequence(session, run.id)
        stream = EventStream(
            [
                DatabaseSink(self._home.database, run.id),
                FileSink(folder),
                ProgressSink(self._watcher.progress, self._epochs()),
            ],
            first,
        )
        facts = RunFacts(run_id=run.id, experiment_name=run.run_description)
        self._sender = MetricsWebSocketSender(stream, facts)
        self._begin(run, stream, 1)
        prepared = self._prepare(run, stream, source_path, csv_filename, folder)
        fitted = self._fit(run, stream, prepared, folder)
        self._begin(run, stream, 8)
        results, artifact_id = ResultsUtils(
            self._home, self.config, folder
        ).collect_training_results(run, prepared, fitted)
        self._begin(run, stream, 9)
        results = {"run_id": run.id, "experiment_name": run.run_description, **results}
        self._writing.complete_training_run(run.id, results, artifact_id)
        self._sender.send_training_complete()
        for name in _PASSING:
            shutil.rmtree(folder / name, ignore_errors=True)
        return results

    def _epochs(self) -> int:
        """How many rows of figures the training is to have."""
        return self.config.config.experiment.epochs

    def _prepare(
        self,
        run: XrayRun,
        stream: "EventStream",
        source_path: Path,
        csv_filename: str | None,
        folder: Path,
    ) -> Prepared:
        config = self.config.config
        self._begin(run, stream, 2)
        source = DataSourceExtractor(
            folder / _SOURCE,
            Pseudonyms.of(self._home.registry.keys),
            source_options(config, self._home.settings),
            self._counted("Taking in images"),
        ).extract_and_validate(source_path, csv_filename)
        source = some_patients(source, config.system.sample_fraction, config.system.seed)
        self._begin(run, stream, 3)
        plan = self._plan(run, source, folder)
        self._writing.note_split(run.id, plan.digest)
        self._begin(run, stream, 4)
        data = DataPrepUtils.create_data_module(
            plan,
            preprocessing_of(config),
            data_settings(config, folder / "cache"),
            self._counted("Preparing images"),
        )
        data.setup()
        return Prepared(source, plan, data)

    def _plan(self, run: XrayRun, source: DataSource, folder: Path) -> SplitPlan:
        """The split that the run has, or a first one.

        Raises:
            IntegrityError: the run was split in another way before: what it learned and what it
                tests would come from different splits.
        """
        plan = kept_plan(folder, source)
        if plan is None:
            plan = DataPrepUtils.prepare_dataset(
                source,
                split_settings(self.config.config),
                verdicts_of(self.config.config),
                self._counted("Comparing images"),
            )
        refuse_other_split(run, plan)
        plan.save(folder / SPLIT)
        return plan

    def _fit(self, run: XrayRun, stream: "EventStream", prepared: Prepared, folder: Path) -> Fitted:
        from deepmed.learning.classification import (  # noqa: PLC0415 - Lightning
            ModelSetupUtils,
            RunFacts,
            fit_network,
            restore_network,
        )

        config, checkpoints = self.config.config, folder / CHECKPOINTS
        self._begin(run, stream, 5)
        training = training_settings(config)
        classes = len(prepared.source.classes)
        module, chain = ModelSetupUtils.build_model_and_callbacks(
            network_settings(config, classes, self._home.settings.weights_dir),
            training,
            prepared.data.class_counts,
            checkpoints,
            stream,
            RunFacts(run_id=run.id, experiment_name=run.run_description),
            cancelled=self._watcher.cancelled,
        )
        self._begin(run, stream, 6)
        ranks = Ranks.of(training.devices)
        trainer = ModelSetupUtils.build_trainer(training, chain, folder, place=ranks.first)
        self._begin(run, stream, 7)
        over = kept_fit(folder, prepared.plan)
        if over is None:
            last = chain.checkpoint.last if chain.checkpoint.last.is_file() else None
            said = told(
                self.config,
                prepared.plan,
                classes=classes,
                folder=folder,
                weights_dir=self._home.settings.weights_dir,
                resume_from=last,
            )
            with stopped_by_signal(), ranks.running(folder, said):
                fit_network(trainer, module, prepared.data, resume_from=last)
            best = chain.checkpoint.best or chain.checkpoint.last
            summary = fit_summary(module, chain, best)
            over = keep_fit(folder, prepared.plan, summary, kept_metrics(folder))
        restore_network(module.model, checkpoints / over["summary"]["best_checkpoint"])
        return Fitted(module, over["summary"], over["history"])

    def _begin(self, run: XrayRun, stream: "EventStream", number: int) -> None:
        step = STEPS[number - 1]
        self._log.info("xray step", run=run.id, number=number, step=step.name)
        self._writing.begin_step(run.id, step)
        stream.emit("status", {"status": step.name, "message": in_order(step)})
        self._watcher.step(step)

    def _counted(self, text: str) -> Any:
        return lambda done, total: self._watcher.progress(done, total, text)


def in_order(step: Step) -> str:
    return f"Step {step.number} of {len(STEPS)}: {step.text}"


@contextmanager
def _more_important(error: Exception) -> Iterator[None]:
    """What made the run fail is told, even where that cannot be written down."""
    try:
        yield
    except DeepMedError as other:
        error.add_note(f"The run's row could not be changed: {other.message}")


@contextmanager
def stopped_by_signal() -> Iterator[None]:
    """A worker asks its child to stop by a signal, on which Lightning would end the process."""
    from lightning.pytorch.utilities.exceptions import SIGTERMException  # noqa: PLC0415 - Lightning

    from deepmed.learning.classification import TrainingCancelledError  # noqa: PLC0415 - likewise

    try:
        yield
    except SIGTERMException as error:
        raise TrainingCancelledError(
            "The training was cancelled by a signal. What was learned up to its last finished "
            "epoch is kept; resume it to go on from there."
        ) from error

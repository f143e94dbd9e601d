"""A federated training: the nine steps of a centralised one, and rounds where it has epochs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepmed.features.xray.configuration.settings import federated_settings
from deepmed.features.xray.federated.dealt import deal
from deepmed.features.xray.runs import repository
from deepmed.features.xray.runs.results import Fitted, Prepared
from deepmed.features.xray.runs.trainer import CentralizedTrainer, stopped_by_signal
from deepmed.features.xray.tables import XrayRun
from deepmed.learning.federated.settings import need_flower

if TYPE_CHECKING:
    from deepmed.learning.classification.events import EventStream

FEDERATED = "federated"


class FederatedTrainer(CentralizedTrainer):
    """Trains on images that stay with their holders, on the split of a centralised run.

    The server sees weights and figures of clients, and keeps the validation and the test part: by
    validation it takes the best round, and everything after the training is as in a centralised
    run. A run that was cut off goes on behind its last finished round.
    """

    def train(
        self,
        source_path: str | Path,
        experiment_name: str = "pneumonia_federated",
        csv_filename: str | None = None,
        run_id: int | None = None,
    ) -> dict[str, Any]:
        """As of a centralised training.

        Raises:
            FlowerMissingError: Flower is not installed.
        """
        need_flower()
        if run_id is None:
            run_id = self._writing.create_training_run(
                str(source_path), experiment_name, self.config.resolved, csv_filename
            )
            with self._home.database.write_concurrently() as session:
                repository.change(session, run_id, training_mode=FEDERATED)
        return super().train(source_path, experiment_name, csv_filename, run_id)

    def _epochs(self) -> int:
        return self.config.config.experiment.num_rounds

    def _fit(self, run: XrayRun, stream: "EventStream", prepared: Prepared, folder: Path) -> Fitted:
        from deepmed.features.xray.federated.learning import (  # noqa: PLC0415 - Flower and torch
            Learning,
        )
        from deepmed.features.xray.federated.taking_part import (  # noqa: PLC0415 - likewise
            taking_part,
        )

        config = self.config.config
        settings = federated_settings(config)
        self._begin(run, stream, 5)
        classes = len(prepared.source.classes)
        holdings = deal(prepared.plan, max(2, classes), settings, config.system.seed)
        learning = Learning(
            self._home, config, run, stream, prepared, holdings, folder, self._watcher.cancelled
        )
        self._begin(run, stream, 6)
        learning.begin()
        self._begin(run, stream, 7)
        with stopped_by_signal(), taking_part(learning.work(), holdings) as grid:
            learning.learn(grid)
        return learning.fitted()

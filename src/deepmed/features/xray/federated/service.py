"""Starting a federated training, for commands and routes; nothing heavy is loaded."""

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.orm import Session

from deepmed.core.home import Home
from deepmed.core.jobs.kinds import JobKind
from deepmed.features.xray.configuration import ConfigManager
from deepmed.features.xray.configuration.settings import federated_settings
from deepmed.features.xray.runs.repository import Line
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.kit.errors import ConfigurationError
from deepmed.learning.federated.errors import FlowerMissingError
from deepmed.learning.federated.settings import FederatedSettings, need_flower


def start_federated(  # noqa: PLR0917 - as a centralised training is started, with one more
    home: Home,
    kinds: Mapping[str, JobKind] | None,
    source: Path,
    experiment_name: str,
    config: ConfigManager,
    csv_filename: str | None = None,
    federated: FederatedSettings | None = None,
    *,
    session: Session | None = None,
) -> Line:
    """Accept a federated training; it runs as soon as a worker is free.

    Args:
        home: of the owner.
        kinds: of jobs, as the application knows them.
        source: a ZIP or a folder.
        experiment_name: for people.
        config: how to train.
        csv_filename: of the table of labels.
        federated: how clients learn together, in the place of what the configuration says.
        session: as `XrayRuns.start` takes it.

    Raises:
        ConfigurationError: Flower is not installed.
        ValidationError: there is nothing at that path, it has no name, or values do not go
            together.
    """
    try:
        need_flower()
    except FlowerMissingError as error:
        raise ConfigurationError(str(error)) from error
    wanted = config if federated is None else with_settings(config, federated)
    federated_settings(wanted.config)
    runs = XrayRuns.of(home, kinds)
    return runs.start(
        source, experiment_name, wanted, csv_filename, federated=True, session=session
    )


def with_settings(config: ConfigManager, federated: FederatedSettings) -> ConfigManager:
    """The configuration with these settings in it."""
    values = config.resolved
    values["experiment"] |= {
        "num_clients": federated.clients,
        "num_rounds": federated.rounds,
        "clients_per_round": federated.clients_per_round,
        "local_epochs": federated.local_epochs,
    }
    values["federated"] |= {
        "strategy": federated.strategy,
        "proximal_mu": federated.proximal_mu,
        "partition": federated.partition,
        "dirichlet_alpha": federated.alpha,
        "minimum_clients": federated.minimum_clients,
        "round_seconds": federated.round_seconds,
    }
    return ConfigManager(values)

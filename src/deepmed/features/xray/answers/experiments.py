"""What the routes of experiments answer (contract 1.2)."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from fastapi import UploadFile
from sqlalchemy.orm import Session

from deepmed.features.xray.answers.config import CSV_FILENAME
from deepmed.features.xray.configuration.defaults import OwnersDefaults, merged
from deepmed.features.xray.configuration.levels import level_of
from deepmed.features.xray.configuration.manager import ConfigManager
from deepmed.features.xray.errors import ConfigurationRefusedError
from deepmed.features.xray.messages.repository import heads
from deepmed.features.xray.overview import repository as overview
from deepmed.features.xray.overview.gathering import Seen, gather
from deepmed.features.xray.runs.folders import folder_of
from deepmed.features.xray.runs.repository import Line, find
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.features.xray.schemas.experiments import (
    CentralizedStarted,
    ComparisonStarted,
    ExperimentEntry,
    ExperimentList,
    ExperimentStatus,
    FederatedStarted,
    Progressing,
)
from deepmed.features.xray.uploads import Upload, Uploads
from deepmed.features.xray.uploads.received import receive_archive
from deepmed.kit.errors import DeepMedError, NotFoundError, NotOfferedError, ValidationError
from deepmed.kit.ids import LARGEST_ID

PREFIX = "run_"
PARTITIONS = {"stratified": "iid", "random": "iid", "iid": "iid", "non-iid": "dirichlet"}
"""What the contract calls dealing patients to clients, and what it is here."""


@dataclass(frozen=True)
class Asked:
    """An experiment as a form asks for it."""

    data_zip: UploadFile
    csv_filename: str = CSV_FILENAME
    level: int | None = None
    configuration: str | None = None


def start_centralized(
    runs: XrayRuns, asked: Asked, name: str, places: Mapping[str, str | None]
) -> CentralizedStarted:
    """Accept a training on all images of a ZIP.

    Raises:
        ConfigurationRefusedError: settings that do not go together.
        ValidationError: no ZIP, or one that is unsafe. Nothing was kept or started.
    """
    config = _config(runs, asked)
    run, job = _kept(runs, asked, lambda upload: _start(runs, upload, asked, name, config))
    folder = folder_of(runs.home, run).relative_to(runs.home.settings.home).as_posix()
    return CentralizedStarted(
        message=_message(run.id),
        experiment_name=run.run_description,
        experiment_id=f"{PREFIX}{run.id}",
        run_id=run.id,
        job_id=None if job is None else job.id,
        status="queued",
        checkpoint_dir=f"{folder}/checkpoints",
        logs_dir=folder,
        notes=_notes(places, folder),
    )


def start_federated(
    runs: XrayRuns, asked: Asked, name: str, rounds: int | None
) -> FederatedStarted:
    """Accept a training over several holders of images; raises as `start_centralized`."""
    chosen = {} if rounds is None else {"num_rounds": rounds}
    config = _config(runs, asked, {"experiment": chosen})
    run, job = _kept(runs, asked, lambda upload: _federate(runs, upload, asked, name, config))
    return FederatedStarted(
        message=_message(run.id),
        experiment_name=run.run_description,
        experiment_id=f"{PREFIX}{run.id}",
        run_id=run.id,
        job_id=None if job is None else job.id,
        status="queued",
        notes=[],
        num_server_rounds=config.config.experiment.num_rounds,
    )


def compare(
    runs: XrayRuns,
    asked: Asked,
    names: tuple[str, str],
    strategy: str,
    places: Mapping[str, str | None],
) -> ComparisonStarted:
    """Accept both on the same images with the same split; raises as `start_centralized`."""
    config = _config(runs, asked, {"federated": {"partition": PARTITIONS[strategy]}})

    def both(upload: Upload) -> tuple[Line, Line]:
        # The federated one first: it is the one that may not be offered here.
        with runs.home.database.write() as session:
            federated = _federate(runs, upload, asked, names[1], config, session)
            return _start(runs, upload, asked, names[0], config, session), federated

    (central, _), (federated, _) = _kept(runs, asked, both)
    folder = folder_of(runs.home, central).parent.relative_to(runs.home.settings.home).as_posix()
    return ComparisonStarted(
        message=f"Runs {central.id} and {federated.id} wait for workers; both have the same test "
        "patients.",
        base_output_dir=folder,
        partition_strategy=strategy,
        centralized_name=central.run_description,
        federated_name=federated.run_description,
        centralized_run_id=central.id,
        federated_run_id=federated.id,
        status="queued",
        notes=_notes(places, folder),
    )


def status(runs: XrayRuns, experiment_id: str) -> ExperimentStatus:
    """How far an experiment is.

    Raises:
        NotFoundError: there is none of this owner.
    """
    with runs.home.database.read() as session:
        line = _find(runs, session, experiment_id)
        (seen,) = gather(session, [line])
        events = heads(session, [seen.run.id])
    return ExperimentStatus(
        **_entry(seen).model_dump(),
        total_epochs=seen.total_epochs,
        latest_metrics=seen.last,
        total_events=events.get(seen.run.id, -1) + 1,
        reason=seen.reason,
    )


def listed(runs: XrayRuns, limit: int, offset: int) -> ExperimentList:
    """The newest first."""
    owner = runs.home.owner_id
    with runs.home.database.read() as session:
        lines = overview.page(
            session, owner, overview.Wanted(), sort_by="id", limit=limit, offset=offset
        )
        found = [_entry(seen) for seen in gather(session, lines)]
        return ExperimentList(
            experiments=found, count=overview.count(session, owner, overview.Wanted())
        )


def number_of(runs: XrayRuns, experiment_id: str) -> int:
    """The run that an experiment's name or number means; raises as `status`."""
    with runs.home.database.read() as session:
        return _find(runs, session, experiment_id)[0].id


def _entry(seen: Seen) -> ExperimentEntry:
    return ExperimentEntry(
        experiment_id=f"{PREFIX}{seen.run.id}",
        run_id=seen.run.id,
        experiment_name=seen.run.run_description,
        status=_progressing(seen),
        training_mode=seen.run.training_mode,
        progress=seen.progress,
        current_epoch=seen.current_epoch,
        start_time=seen.run.start_time,
        end_time=seen.run.end_time,
    )


def _progressing(seen: Seen) -> Progressing:
    if seen.status != "in_progress":
        return "completed" if seen.status == "completed" else "failed"
    job = seen.line[1]
    return "started" if job is not None and job.state == "queued" else "running"


def _find(runs: XrayRuns, session: Any, experiment_id: str) -> Line:
    """By `run_7` or `7`, else the newest of exactly that name."""
    owner = runs.home.owner_id
    number = experiment_id.removeprefix(PREFIX)
    found = None
    if number.isascii() and number.isdigit() and len(number) < len(str(LARGEST_ID)):
        found = find(session, owner, int(number))
    if found is None:
        wanted = overview.Wanted(name=experiment_id)
        found = next(iter(overview.page(session, owner, wanted, sort_by="id", limit=1)), None)
    if found is None:
        raise NotFoundError(f"There is no experiment {experiment_id[:80]!r}.")
    return found


def _config(
    runs: XrayRuns, asked: Asked, changes: Mapping[str, Any] | None = None
) -> ConfigManager:
    """The owner's defaults, then the level, then single settings, then what the form names."""
    values = OwnersDefaults(runs.home).values()
    if asked.level is not None:
        for place, value in level_of(asked.level).values.items():
            section, _, name = place.partition(".")
            values = merged(values, {section: {name: value}})
    try:
        return ConfigManager(merged(merged(values, _settings(asked.configuration)), changes or {}))
    except ValidationError as error:
        raise ConfigurationRefusedError.of(error, "No training was started.") from error


def _settings(text: str | None) -> Mapping[str, Any]:
    if not text:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not (isinstance(found, dict) and all(isinstance(one, dict) for one in found.values())):
        raise ConfigurationRefusedError(
            "The configuration is no JSON object of sections; no training was started. Write it "
            'as {"experiment": {"epochs": 5}}.'
        )
    return found


def _start(  # noqa: PLR0917 - what starts a training
    runs: XrayRuns,
    upload: Upload,
    asked: Asked,
    name: str,
    config: ConfigManager,
    session: Session | None = None,
) -> Line:
    return runs.start(upload.path, name, config, asked.csv_filename, session=session)


def _federate(  # noqa: PLR0917 - likewise
    runs: XrayRuns,
    upload: Upload,
    asked: Asked,
    name: str,
    config: ConfigManager,
    session: Session | None = None,
) -> Line:
    from deepmed.features.xray.federated import service  # noqa: PLC0415 - few ask for it
    from deepmed.kit.errors import ConfigurationError  # noqa: PLC0415 - with what raises it

    try:
        return service.start_federated(
            runs.home,
            runs.ledger.kinds,
            upload.path,
            name,
            config,
            asked.csv_filename,
            session=session,
        )
    except ConfigurationError as error:
        raise NotOfferedError(f"{error.message} No training was started.") from error


def _kept(runs: XrayRuns, asked: Asked, start: Any) -> Any:
    """Take the ZIP in and start; where that fails, nothing is kept of it."""
    upload = receive_archive(runs.home, asked.data_zip.filename, asked.data_zip.file)
    try:
        return start(upload)
    except BaseException:
        with suppress(DeepMedError):  # what went wrong before is what is told
            _drop(runs, upload)
        raise


def _drop(runs: XrayRuns, upload: Upload) -> None:
    """Unless a run rests on it after all: a commit may have come through without its answer."""
    with runs.home.database.read() as session:
        used = overview.rests_on(session, runs.home.owner_id, str(upload.path))
    if not used:
        Uploads(runs.home).delete(upload.uid)


def _message(run_id: int) -> str:
    return (
        f"Run {run_id} waits for a worker. /experiments/status/{PREFIX}{run_id} tells how far it "
        "is."
    )


def _notes(places: Mapping[str, str | None], folder: str) -> list[str]:
    return [
        f"{name} was not used: requests name no place on the server. The files of the run lie in "
        f"{folder} of the data folder."
        for name, value in places.items()
        if value is not None
    ]

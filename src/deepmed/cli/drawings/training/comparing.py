"""Settings compared without opening the part that is looked at once."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepmed.cli.drawings.training.workplace import (
    ConfigFile,
    Folder,
    Metadata,
    Overrides,
    open_trainings,
)
from deepmed.cli.output import JsonFlag, Output

if TYPE_CHECKING:
    from deepmed.features.drawings.training.sweeping import Sweep


def sweep(
    folder: Folder,
    overrides: Overrides = None,
    metadata: Metadata = "metadata.csv",
    config: ConfigFile = None,
    save: Annotated[
        Path | None, typer.Option("--save", help="Write the best settings as YAML for `run`.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Compare every combination of some settings.

    Give several values to what you compare: optimizer=adam,sgd optimizer.learning_rate=0.001,0.01.
    Settings are ordered by the planted anomalies that they find in drawings of children who watch.
    The test part stays closed, so that `run` with the best ones still has an honest end.
    """
    from deepmed.features.drawings.embeddings.service import EmbeddingService
    from deepmed.features.drawings.training.config import TrainingConfigManager
    from deepmed.features.drawings.training.datasets import Dataset
    from deepmed.features.drawings.training.sweeping import sweep as compare

    out, manager = Output(as_json), TrainingConfigManager()
    given = None if config is None else manager.load_config(config)
    base, compared = manager.load_sweep(overrides or [], given)
    with open_trainings() as (home, _), out.progress("Training") as progress:
        found = compare(
            EmbeddingService(home.settings, home.storage),
            base,
            compared,
            Dataset(str(folder.absolute()), metadata, by_path=True),
            progress,
        )
    _say_sweep(out, found)
    if save is not None and found.best is not None:
        best = found.best.config.model_copy(update={"job_name": base.job_name})
        out.say(f"Written: {manager.save_config(best, save)}")
    out.finish(
        {
            "rule": found.rule,
            "drawings": found.drawings,
            "planted": found.planted,
            "trials": [_trial(one.to_dict()) for one in found.trials],
        }
    )


def _trial(trial: dict[str, Any]) -> dict[str, Any]:
    """Without the whole configuration: what was chosen tells the trials apart."""
    chosen = [{"place": place, "value": value} for place, value in trial["chosen"].items()]
    return {name: value for name, value in trial.items() if name != "config"} | {"chosen": chosen}


def _say_sweep(out: Output, found: "Sweep") -> None:
    out.table(
        ["Trial", "Settings", "AUROC of planted", "Interval", "Validation error", "Best epoch"],
        [
            [
                one.number,
                ", ".join(f"{place}={value}" for place, value in one.chosen.items()),
                one.planted and one.planted["estimate"],
                f"{one.planted['low']:.2f} to {one.planted['high']:.2f}"
                if one.planted
                else one.reason,
                one.validation_error,
                one.best_epoch,
            ]
            for one in found.trials
        ],
    )
    out.say(
        f"Ordered by {found.rule}, on {found.drawings['validation']} drawings that watched and "
        f"{found.planted} planted ones. Where intervals overlap, this comparison cannot tell."
    )

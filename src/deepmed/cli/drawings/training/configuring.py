"""The settings of a training, as they are and as they can be."""

from pathlib import Path
from typing import Annotated

import typer

from deepmed.cli.drawings.training.workplace import ConfigFile, Overrides
from deepmed.cli.output import JsonFlag, Output


def config(
    overrides: Overrides = None,
    file: ConfigFile = None,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="Write it there, for --config of `run`.")
    ] = None,
    choices: Annotated[
        bool, typer.Option("--choices", help="List the packaged choices instead.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show the settings of a training as YAML: the packaged ones, with what you change.

    A packaged choice replaces a whole part (optimizer=sgd, model=small, data=half), any other
    place takes a value (epochs=50). Files may hold values only: nothing in them is run, and
    nothing is read from elsewhere.
    """
    from deepmed.features.drawings.training.config import TrainingConfigManager
    from deepmed.features.drawings.training.config.overrides import groups

    out, manager = Output(as_json), TrainingConfigManager()
    if choices:
        for name, found in groups().items():
            out.say(f"{name}: {', '.join(found)}")
        out.finish({"choices": groups()})
        return
    made = manager.load_config(file, overrides or [])
    written = None if out_file is None else manager.save_config(made, out_file)
    out.say(f"Written: {written}" if written else manager.to_yaml(made).rstrip())
    warnings = manager.validate_config(made)["warnings"]
    for warning in warnings:
        out.note(f"Note: {warning}.")
    out.finish({"config": made.model_dump(mode="json"), "warnings": warnings, "file": written})

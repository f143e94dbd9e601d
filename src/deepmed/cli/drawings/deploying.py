"""`deepmed drawings model …`: models that leave, and models that come into use."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepmed.cli.drawings.workplace import open_bench
from deepmed.cli.output import JsonFlag, Output

if TYPE_CHECKING:
    from deepmed.features.drawings.deployment.metadata import ModelExportMetadata

model = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="""Export models, and put exports into use.

    An export is a signed package of weights, calibration and card that names nobody. Here it puts
    the model that it was made from back into use; elsewhere `deepmed registry import` takes it in.
    """,
)
Name = Annotated[str, typer.Argument(metavar="EXPORT", help="Id of an export, see `exports`.")]
EXPORT_COLUMNS = ["Export", "Ages", "Detector", "Format", "Bytes", "Made"]


def register(app: typer.Typer) -> None:
    app.add_typer(model, name="model")


@model.command("export")
def export(
    model_id: Annotated[int, typer.Argument(metavar="MODEL", help="Id, see `drawings models`.")],
    form: Annotated[
        str,
        typer.Option("--format", help="pytorch (weights in safetensors), onnx or pt2."),
    ] = "pytorch",
    out_file: Annotated[
        Path | None, typer.Option("--out", help="Also write the package as this ZIP.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Write a model for use elsewhere: weights, calibration and card, and nobody's name.

    Its weights can hold vectors of the drawings that it learned from, so choose who gets it.
    """
    from deepmed.core.registry.transfer import PackageTransfer
    from deepmed.features.drawings.deployment.exporter import ModelExporter

    out = Output(as_json)
    with open_bench() as bench:
        made = ModelExporter(bench).export_model_direct(model_id, form)
        fingerprint = None
        if out_file is not None:
            transfer = PackageTransfer.of(bench.registry, bench.settings.home / "keys")
            fingerprint = transfer.export(made.model_id, out_file)
    out.say(f"Exported as {made.model_id}.")
    if fingerprint:
        out.say(f"Written to {out_file}. Whoever imports it asks you for your fingerprint:")
        out.say(fingerprint)
    out.finish({**made.to_dict(), "file": out_file, "fingerprint": fingerprint})


@model.command("exports")
def exports(as_json: JsonFlag = False) -> None:
    """List the exported models, newest first.

    The id in the first column is what `validate`, `deploy` and `deepmed registry export` take.
    """
    from deepmed.features.drawings.deployment.exporter import ModelExporter

    out = Output(as_json)
    with open_bench() as bench:
        found = ModelExporter(bench).list_exported_models()
    if not found:
        out.say("Nothing is exported yet: deepmed drawings model export MODEL")
    out.table(EXPORT_COLUMNS, [_row(one) for one in found])
    out.finish({"exports": [one.to_dict() for one in found]})


@model.command("validate")
def validate(name: Name, as_json: JsonFlag = False) -> None:
    """Check signature, fit and scores of an export.

    The golden drawings that it carries are scored again, by its weights and by the ONNX file
    beside them. Exit code 1: something is wrong, and it cannot be deployed.
    """
    from deepmed.features.drawings.deployment.validator import ModelValidator

    out = Output(as_json)
    with open_bench() as bench:
        found = ModelValidator(bench).validate_exported_model(name)
    checks = {**found.integrity_checks, **found.compatibility_checks, **found.performance_checks}
    out.table(["Check", "Result"], sorted(checks.items()))
    for problem in (*found.errors, *found.warnings):
        out.say(problem)
    out.finish(found.to_dict())
    if not found.is_valid:
        raise typer.Exit(1)


@model.command("deploy")
def deploy(
    name: Name,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take overlapping models out of use.")
    ] = False,
    unchecked: Annotated[
        bool, typer.Option("--no-validation", help="Do not score the golden drawings first.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Put an exported model into use for its ages.

    Where the model that was exported is here, it is used itself. A model of another installation
    knows no child here: every child is new to it.
    """
    from deepmed.features.drawings.deployment.service import (
        ModelDeploymentConfig,
        ModelDeploymentService,
    )

    out = Output(as_json)
    with open_bench() as bench:
        service = ModelDeploymentService(bench)
        ages = service.ages_of(name)
        made = service.deploy_model(
            ModelDeploymentConfig(
                name,
                ages.age_min,
                ages.age_max,
                replace_existing=replace,
                validate_before_deployment=not unchecked,
            )
        )
    out.say(f"Model {made.model_id} is in use for {ages.words}.")
    for replaced in made.replaced:
        out.say(f"Model {replaced} is out of use; it is kept.")
    for warning in made.warnings:
        out.note(warning)
    out.finish({**vars(made), "validation": made.validation and made.validation.to_dict()})


@model.command("undeploy")
def undeploy(
    model_id: Annotated[int, typer.Argument(metavar="MODEL", help="Id, see `deployed`.")],
    as_json: JsonFlag = False,
) -> None:
    """Take a model out of use; it, its package and all analyses are kept.

    Drawings of its ages are not analysed any more until a model is trained or deployed for them.
    """
    from deepmed.features.drawings.deployment.service import ModelDeploymentService

    out = Output(as_json)
    with open_bench() as bench:
        ModelDeploymentService(bench).undeploy_model(model_id)
    out.say(f"Model {model_id} is out of use.")
    out.finish({"model_id": model_id, "status": "undeployed"})


@model.command("deployed")
def deployed(as_json: JsonFlag = False) -> None:
    """List the models in use, and how each came there.

    A model without an export was put into use by its training. `deepmed registry lineage` shows
    where a package was in use before.
    """
    from deepmed.features.drawings.deployment.service import ModelDeploymentService

    out = Output(as_json)
    with open_bench() as bench:
        found = ModelDeploymentService(bench).list_deployed_models()
    if not found:
        out.say("No model is in use.")
    out.table(
        ["Id", "Ages", "Detector", "In use since", "From export", "Came from elsewhere"],
        [_deployed_row(one) for one in found],
    )
    out.finish({"deployed": found})


def _row(one: "ModelExportMetadata") -> list[Any]:
    from deepmed.features.drawings.words import name_in_words

    ages = f"{one.age_group_min:g}-{one.age_group_max:g}"
    return [
        one.model_id,
        ages,
        name_in_words(one.model_type),
        one.export_format,
        one.file_size_bytes,
        one.export_timestamp,
    ]


def _deployed_row(one: dict[str, Any]) -> list[Any]:
    from deepmed.features.drawings.words import name_in_words

    info = one["deployment_info"]
    return [
        one["id"],
        f"{one['age_min']:g}-{one['age_max']:g}",
        name_in_words(one["model_type"]),
        info["deployed_at"],
        info["export_id"] or "",
        info["imported"],
    ]

"""`deepmed verify RUN` and `deepmed reproduce RUN`."""

from typing import TYPE_CHECKING, Annotated

import typer

from deepmed.cli.output import JsonFlag, Output

if TYPE_CHECKING:
    from deepmed.core.registry.manifest import Package
    from deepmed.features.drawings.runs.checks import Check
    from deepmed.features.drawings.runs.reproduce import Reproduction
    from deepmed.features.drawings.workbench import Workbench
    from deepmed.features.xray.runs.reproduce import Reproduction as XrayReproduction
    from deepmed.features.xray.runs.verify import Check as XrayCheck

Run = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="Id of a run; `deepmed drawings models` and `xray show` tell it."
    ),
]


def verify(
    run: Run,
    rescore: Annotated[
        bool, typer.Option("--rescore", help="Also score 20 random items again.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Check a run's signature, and count its figures again from its stored items.

    The counting shares no code with the training. Exit code 1: something does not agree.
    """
    from deepmed.cli.drawings.workplace import open_bench

    out = Output(as_json)
    with open_bench() as bench:
        signature = bench.registry.verify(run)
        checks, forgotten = _counted(bench, run, rescore=rescore) if signature.ok else ([], [])
    for problem in signature.problems:
        out.say(f"Signature: {problem}")
    if forgotten:
        out.say(
            "Drawings of this run were deleted or given to another child. Figures that rest on "
            f"them are not counted again: {', '.join(forgotten)}."
        )
    disagreeing = [check for check in checks if not check.agrees]
    out.table(
        ["Figure", "Stored", "Counted again"],
        [[check.figure, check.stored, check.recomputed] for check in disagreeing],
    )
    agreed = signature.ok and not disagreeing
    out.say(
        f"{len(checks)} figures counted again, {len(disagreeing)} do not agree; the signature is "
        f"{'right' if signature.ok else 'wrong'}."
    )
    out.finish(
        {
            "run": run,
            "signature": signature.ok,
            "problems": list(signature.problems),
            "checks": [check.to_dict() for check in checks],
            "forgotten": forgotten,
            "agrees": agreed,
        }
    )
    if not agreed:
        raise typer.Exit(1)


def reproduce(run: Run, as_json: JsonFlag = False) -> None:
    """Train a run again from its recipe, and say how far the scores agree.

    On the same kind of processor they agree to one in a million. Nothing stored is changed; a
    second training on X-rays is kept as a run of its own.
    """
    from deepmed.cli.drawings.workplace import open_bench
    from deepmed.features.drawings.runs.reproduce import reproduce as train_again
    from deepmed.features.xray.runs.artifact import ARTIFACT_KIND as XRAY_KIND
    from deepmed.learning.reference import from_files

    out = Output(as_json)
    with open_bench() as bench:
        if bench.registry.find(run).kind == XRAY_KIND:
            found: Reproduction | XrayReproduction = _trained_again_on_xrays(bench, run)
        else:
            package = _package(bench, run)
            with bench.database.read() as session:
                found = train_again(
                    bench, session, from_files(package.files), package.manifest.lineage["recipe"]
                )
    out.say(
        f"{found.compared_scores} scores compared; the largest difference is "
        f"{found.largest_difference:.3g}. The data are "
        f"{'the same' if found.same_data else 'not the same any more'}."
    )
    out.finish({"run": run, **found.to_dict()})
    if not found.agrees:
        raise typer.Exit(1)


def _counted(
    bench: "Workbench", run: str, *, rescore: bool
) -> "tuple[list[Check | XrayCheck], list[str]]":
    """Every figure of a run beside the same counted again, and what was forgotten of it."""
    from deepmed.features.drawings.runs.verify import recompute
    from deepmed.features.drawings.runs.verify import rescore as score_again
    from deepmed.features.xray.runs.artifact import ARTIFACT_KIND

    if bench.registry.find(run).kind == ARTIFACT_KIND:
        return _counted_on_xrays(bench, run, rescore=rescore), []
    package = _package(bench, run)
    manifest = package.manifest
    checks: list[Check | XrayCheck] = [
        *recompute(package.files, manifest.metrics, manifest.lineage["recipe"])
    ]
    if rescore:
        with bench.database.read() as session:
            checks += score_again(bench, session, package.files, bench.settings.seed)
    return checks, manifest.metrics.get("forgotten", [])


def _counted_on_xrays(bench: "Workbench", run: str, *, rescore: bool) -> "list[Check | XrayCheck]":
    from deepmed.features.xray.runs.rescoring import rescore as score_again
    from deepmed.features.xray.runs.verify import recompute

    package = bench.registry.package(run)
    manifest = package.manifest
    configuration = manifest.provenance["configuration"]
    checks: list[Check | XrayCheck] = [*recompute(package.files, manifest.metrics, configuration)]
    if rescore:
        folder = bench.settings.home / "xray" / "runs" / manifest.lineage["run"]
        checks += score_again(package.files, folder, bench.settings.seed)
    return checks


def _trained_again_on_xrays(bench: "Workbench", run: str) -> "XrayReproduction":
    """The second training is a run of its own, kept beside the first."""
    from deepmed.core.home import Home
    from deepmed.features.xray.runs.reproduce import reproduce as train_again

    home = Home(bench.settings, bench.database, bench.owner_id)
    return train_again(home, bench.registry.package(run))


def _package(bench: "Workbench", run: str) -> "Package":
    from deepmed.features.drawings.deployment.formats import EXPORT_KIND
    from deepmed.features.drawings.models.config import ARTIFACT_KIND
    from deepmed.kit.errors import ValidationError

    package = bench.registry.package(run)
    if package.manifest.kind not in {ARTIFACT_KIND, EXPORT_KIND}:
        raise ValidationError(f"{run} is no training run of drawings.")
    return package

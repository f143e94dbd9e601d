"""`deepmed registry …`: signed models and their files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepmed.cli.output import JsonFlag, Output, cell

if TYPE_CHECKING:
    from deepmed.core.registry.service import ArtifactRegistry
    from deepmed.core.registry.tables import Artifact

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Signed models and their files.")
Uid = Annotated[str, typer.Argument(help="The artefact's uid, see `deepmed registry list`.")]


@contextmanager
def _registry() -> Iterator["ArtifactRegistry"]:
    from deepmed.app import open_home

    with open_home() as home:
        yield home.registry


@app.command("list")
def list_artifacts(
    kind: Annotated[str | None, typer.Option(help="Only this kind.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    before: Annotated[int | None, typer.Option(help="Older than this id.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """List artefacts, newest first."""
    out = Output(as_json)
    with _registry() as registry:
        rows = registry.list(kind, limit=limit, before=before)
    out.table(
        ["Id", "Uid", "Kind", "Stage", "Revision", "Made"],
        [(row.id, row.uid, row.kind, row.stage, row.revision, row.created_at) for row in rows],
    )
    if not rows:
        out.say("There are no artefacts here yet.")
    out.finish({"artifacts": [_summary(row) for row in rows]})


@app.command()
def show(uid: Uid, as_json: JsonFlag = False) -> None:
    """Show the card, figures, provenance and files of an artefact, checked first."""
    out = Output(as_json)
    with _registry() as registry:
        row, manifest = registry.find(uid), registry.package(uid).manifest
    out.table(["", ""], _summary(row).items())
    out.table(
        ["File", "Bytes", "SHA-256"],
        [(name, entry.size, entry.sha256) for name, entry in manifest.files.items()],
    )
    for title in ("card", "metrics", "lineage", "provenance"):
        out.table([title.capitalize(), ""], sorted(getattr(manifest, title).items()))
    out.finish({**_summary(row), "manifest": manifest})


@app.command()
def verify(
    uid: Annotated[str | None, typer.Argument(help="One artefact; all of them if unset.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check signature and checksums; exit code 1 where a byte was changed."""
    out = Output(as_json)
    with _registry() as registry:
        uids = [uid] if uid else [row.uid for row in registry.walk()]
        with out.progress("Checking", total=len(uids)) as progress:
            reports = []
            for one in uids:
                reports.append(registry.verify(one))
                progress.advance()
    for report in reports:
        for problem in report.problems:
            out.say(f"{report.uid}: {problem}")
    bad = sum(not report.ok for report in reports)
    out.say(f"{len(reports) - bad} of {len(reports)} artefacts are as they were signed.")
    out.finish({"artifacts": [{**vars(report), "ok": report.ok} for report in reports]})
    if bad:
        raise typer.Exit(1)


@app.command()
def stage(
    uid: Uid,
    stage: Annotated[str, typer.Argument(help="candidate, production or archived.")],
    as_json: JsonFlag = False,
) -> None:
    """Move an artefact to another stage."""
    out = Output(as_json)
    with _registry() as registry:
        row = registry.set_stage(uid, stage)
    out.say(f"{row.uid} is in stage {row.stage}.")
    out.finish(_summary(row))


@app.command()
def lineage(uid: Uid, as_json: JsonFlag = False) -> None:
    """Show what an artefact was made from, and what was made from it."""
    out = Output(as_json)
    with _registry() as registry:
        found = registry.lineage(uid)
    rows: list[tuple[Any, ...]] = [
        *(("dataset", f"{item['name']} v{item['version']}", "") for item in found.datasets),
        *([("run", found.run, "")] if found.run else []),
        *(("made from", item["uid"], item["stage"]) for item in found.parents),
        ("artefact", found.uid, found.stage),
        *(("used by", item["uid"], item["stage"]) for item in found.children),
        *(("in use", item["place"], _period(item)) for item in found.deployments),
    ]
    out.table(["What", "Name", "Stage"], rows)
    out.finish(vars(found))


@app.command()
def copy(uid: Uid, folder: Path, as_json: JsonFlag = False) -> None:
    """Copy an artefact, checked, into a new folder that works without the registry."""
    from deepmed.kit.settings import current

    out = Output(as_json)
    with _registry() as registry:
        target = registry.copy_to(uid, folder)
    public_key = current().home / "keys" / "signing.pub"
    out.say(f"{uid} was copied to {target}. Check it with the public key {public_key}.")
    out.finish({"uid": uid, "folder": target, "public_key": public_key})


@app.command("export")
def export_artifact(
    uid: Uid,
    out_file: Annotated[Path, typer.Option("--out", help="The ZIP to write; a new name.")],
    as_json: JsonFlag = False,
) -> None:
    """Write an artefact for another installation, as one signed file that names nobody.

    A model is written in its exported form. Tell the receiver the fingerprint by another way than
    the file goes: it is how they know that the file is yours.
    """
    from deepmed.app import open_home
    from deepmed.app.portable import portable_uid
    from deepmed.core.registry.transfer import PackageTransfer

    out = Output(as_json)
    with open_home() as home:
        travels = portable_uid(home, uid)
        transfer = PackageTransfer.of(home.registry, home.settings.home / "keys")
        fingerprint = transfer.export(travels, out_file)
    out.say(f"{travels} was written to {out_file}. Your fingerprint:")
    out.say(fingerprint)
    out.finish({"uid": travels, "file": out_file, "fingerprint": fingerprint})


@app.command("import")
def import_artifact(
    file: Annotated[Path, typer.Argument(help="A file that `registry export` wrote.")],
    trust: Annotated[
        str | None,
        typer.Option(help="The sender's fingerprint, as the sender told it; trusted from now on."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Take in an artefact of another installation, checked first.

    Nothing in it is run. It is signed anew here, and keeps where it came from.
    """
    from deepmed.app import open_home
    from deepmed.core.registry.transfer import PackageTransfer

    out = Output(as_json)
    with open_home() as home:
        transfer = PackageTransfer.of(home.registry, home.settings.home / "keys")
        row = transfer.import_file(file, trust)
    out.say(f"{row.uid} is here, of kind {row.kind}.")
    out.finish(_summary(row))


@app.command()
def sweep(as_json: JsonFlag = False) -> None:
    """Delete files that killed processes left behind and no artefact names."""
    out = Output(as_json)
    with _registry() as registry:
        swept = registry.sweep()
    out.say(f"{len(swept)} left-over files were deleted.")
    out.finish({"deleted": swept})


def _summary(row: "Artifact") -> dict[str, Any]:
    return {
        "id": row.id,
        "uid": row.uid,
        "kind": row.kind,
        "stage": row.stage,
        "revision": row.revision,
        "recipe_hash": row.recipe_hash,
        "created_at": row.created_at,
    }


def _period(deployment: dict[str, Any]) -> str:
    ended = deployment["ended_at"]
    return f"since {cell(deployment['deployed_at'])}" + (f" until {cell(ended)}" if ended else "")

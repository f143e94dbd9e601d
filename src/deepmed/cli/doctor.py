"""`deepmed doctor`: the settings as they are resolved, and what is wrong on this machine."""

import typer

from deepmed.cli.output import JsonFlag, Output

app = typer.Typer(add_completion=False)


@app.command()
def doctor(as_json: JsonFlag = False) -> None:
    """Show settings with secrets masked, and check this machine; exit code 1 on a failure.

    Nothing is changed: what does not exist yet is made at first use, not here.
    """
    from deepmed.cli.examination import examine, resolved_settings, versions
    from deepmed.kit.settings import current, settings_file

    out = Output(as_json)
    settings = current()
    shown = resolved_settings(settings)
    findings = examine(settings)
    out.table(
        ["Setting", "Value", "From", "Meaning"],
        [(item.variable, item.value, item.source, item.meaning) for item in shown],
        title=f"Settings (file: {settings_file(settings.home)})",
    )
    out.table(
        ["Check", "State", "Finding"],
        [(item.name, item.state, item.finding) for item in findings],
        title="This machine",
    )
    out.table(["Version", ""], versions().items())
    out.finish({"settings": shown, "checks": findings, "versions": versions()})
    if any(item.state == "failed" for item in findings):
        raise typer.Exit(1)

"""`deepmed xray`: chest X-rays, and any other images in classes."""

import typer

from deepmed.cli.xray import asking, deleting, export, federated, looking, report, training

app = typer.Typer(
    help="Train classifiers on chest X-rays or other images, and see what they are worth.",
    no_args_is_help=True,
    add_completion=False,
)
app.command("train")(training.train)
app.command("federate")(federated.federate)
app.command("rounds")(federated.rounds)
app.command("resume")(training.resume)
app.command("cancel")(training.cancel)
app.command("delete")(deleting.delete)
app.command("runs")(looking.runs)
app.command("show")(looking.show)
app.command("compare")(report.compare)
app.command("report")(report.report)
app.command("export")(export.export)
app.command("predict")(asking.predict)
app.command("serve")(asking.serve)
app.command("config")(training.config)

"""`deepmed drawings …`: one file for each stage of the work."""

import typer

from deepmed.cli.drawings import analysing, collecting, modelling, reporting

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=(
        "Children's drawings, scored by age.\n\n"
        "The usual way: import, train, analyze, report. Every command can be run again: it "
        "completes what is missing and repeats nothing."
    ),
)
for stage in (collecting, modelling, analysing, reporting):
    stage.register(app)

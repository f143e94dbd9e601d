"""`deepmed drawings …`: one file for each stage of the work."""

import typer

from deepmed.cli.drawings.analysing import register as register_analysing
from deepmed.cli.drawings.collecting import register as register_collecting
from deepmed.cli.drawings.deploying import register as register_deploying
from deepmed.cli.drawings.encoding import register as register_encoding
from deepmed.cli.drawings.explaining import register as register_explaining
from deepmed.cli.drawings.modelling import register as register_modelling
from deepmed.cli.drawings.noting import register as register_noting
from deepmed.cli.drawings.reporting import register as register_reporting
from deepmed.cli.drawings.searching import register as register_searching
from deepmed.cli.drawings.training import register as register_training

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=(
        "Children's drawings, scored by age.\n\n"
        "The usual way: import, train, analyze, report. Every command can be run again: it "
        "completes what is missing and repeats nothing."
    ),
)
for register in (
    register_collecting,
    register_modelling,
    register_training,
    register_deploying,
    register_analysing,
    register_searching,
    register_encoding,
    register_explaining,
    register_noting,
    register_reporting,
):
    register(app)

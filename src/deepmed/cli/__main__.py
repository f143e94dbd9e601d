"""`python -m deepmed.cli`: the same as the `deepmed` script."""

from deepmed.cli import run

run()

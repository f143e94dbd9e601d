"""A program that trains two groups in a data folder, and tells how many models it made."""

import sys
from pathlib import Path

from factories.homes import open_bench, train


def run() -> None:
    trained = train(open_bench(Path(sys.argv[1])), "3-6,6-9").trained
    sys.stdout.write(str(len(trained)))
    sys.exit(0)

"""The command line. Everything heavy is imported inside the command that needs it."""

import sys

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes of every command."""


def run() -> None:
    """Entry point of the `deepmed` script."""
    try:
        from deepmed.cli.entry import main

        code = main(sys.argv[1:])
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)

"""The command line. Everything heavy is imported inside the command that needs it."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes of every command."""
INTERRUPTION = "Interrupted; what was finished is kept, run the command again."


def run() -> None:
    """Entry point of the `deepmed` script."""
    sys.unraisablehook = interrupt_again
    try:
        from deepmed.cli.entry import main

        code = main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.stderr.write(INTERRUPTION + "\n")
        code = INTERRUPTED
    sys.exit(code)


def interrupt_again(lost: "UnraisableHookArgs") -> None:
    """Python drops a Ctrl-C that falls into a finalizer, where nothing can be raised: repeat it."""
    if lost.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(lost)
        return
    from _thread import interrupt_main
    from threading import Timer

    again = Timer(0.01, interrupt_main)
    again.daemon = True
    again.start()

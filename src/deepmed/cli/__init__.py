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
    from threading import Timer

    again = Timer(0.01, _interrupt)
    again.daemon = True
    again.start()


def _interrupt() -> None:
    """As Ctrl-C would: a signal wakes the program from what it waits for, where there are such."""
    import signal
    from threading import main_thread

    if hasattr(signal, "pthread_kill") and (main := main_thread().ident):
        signal.pthread_kill(main, signal.SIGINT)
    else:
        from _thread import interrupt_main

        interrupt_main()

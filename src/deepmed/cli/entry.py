"""From arguments to an exit code."""

import os
import sys
from collections.abc import Sequence

import click

import deepmed
from deepmed.cli import FAILED, INTERRUPTED, INTERRUPTION, USAGE
from deepmed.cli.groups import LazyGroup


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(deepmed.__version__, prog_name="deepmed")
def command_line() -> None:
    """From a folder of images to validated, explained medical models, on your own machine.

    Nothing leaves this machine unless a setting names the host. Exit codes: 0 done, 1 failed,
    2 wrong usage, 130 interrupted.
    """


def main(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; errors become one clear line."""
    try:
        result = command_line.main(list(arguments), prog_name="deepmed", standalone_mode=False)
    except click.UsageError as error:
        return _usage(error, arguments)
    except click.Abort as error:
        return _aborted(error, arguments)
    except BrokenPipeError:
        _silence_output()
        return FAILED
    except Exception as error:  # noqa: BLE001 - the edge: each error becomes a line and a code
        return _failed(error, arguments)
    return result if type(result) is int else 0


def _usage(error: click.UsageError, arguments: Sequence[str]) -> int:
    error.show()
    if "--json" in arguments:
        from deepmed.cli.failures import print_json

        print_json("usage", error.format_message(), None)
    return USAGE


def _aborted(error: click.Abort, arguments: Sequence[str]) -> int:
    # A question that Ctrl-C ends hides its cause, and keeps it as context.
    interrupted = isinstance(error.__cause__ or error.__context__, KeyboardInterrupt)
    message = INTERRUPTION if interrupted else "Stopped; nothing was changed."
    click.echo(message, err=True)
    if "--json" in arguments:
        from deepmed.cli.failures import print_json

        print_json("interrupted" if interrupted else "stopped", message, None)
    return INTERRUPTED if interrupted else FAILED


def _silence_output() -> None:
    """The reader of our output is gone: nothing to say, and Python's own flush must not fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failed(error: Exception, arguments: Sequence[str]) -> int:
    from deepmed.cli.failures import report

    report(error, as_json="--json" in arguments)
    return FAILED

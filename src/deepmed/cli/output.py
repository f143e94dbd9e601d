"""How every command speaks: text and tables for people, one JSON object for programs.

A command takes `as_json: JsonFlag = False` and makes one `Output`:

    out = Output(as_json)
    with out.progress("Embedding", total=len(images)) as progress:
        embed(images, progress=progress)          # called as progress(done, total)
    out.table(["Group", "Children"], rows)        # people only
    out.finish({"embedded": len(images)})         # programs only, exactly once, at the end

Standard output carries the result, standard error the progress and the remarks, so that
`deepmed ... --json | jq` always works. Raise a `DeepMedError` to fail (exit code 1), or
`typer.Exit(1)` after the result when the command did its work and the answer is bad news.
"""

import dataclasses
import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import PurePath
from typing import Annotated, Any, TextIO

import typer

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
WIDTH_WITHOUT_TERMINAL = 160


class Progress:
    """A counter that a long piece of work moves; shows a bar where somebody can see it."""

    def __init__(self, bar: Any = None, task: Any = None) -> None:
        self._bar = bar
        self._task = task

    def __call__(self, done: int, total: int | None = None, text: str | None = None) -> None:
        """So many are done now, of so many; of what, where that changes."""
        if self._bar is not None:
            told = None if text is None else printable(text)
            self._bar.update(self._task, completed=done, total=total, description=told)

    def note(self, text: str) -> None:
        """A remark on standard error, above the bar."""
        if self._bar is None:
            typer.echo(printable(text), err=True)
        else:
            self._bar.console.print(printable(text))

    def advance(self, count: int = 1) -> None:
        """So many more are done."""
        if self._bar is not None:
            self._bar.advance(self._task, count)


class Output:
    """One command's way of speaking, see the module's description."""

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json

    def say(self, text: str = "") -> None:
        """A line of the result, for people."""
        if not self.as_json:
            typer.echo(printable(text))

    def note(self, text: str) -> None:
        """A remark beside the result, on standard error in either mode."""
        typer.echo(printable(text), err=True)

    def table(
        self, columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None
    ) -> None:
        """A table for people; numbers stand right, nothing in a cell is taken as markup.

        Without rows nothing is printed: say in words what is not there.
        """
        rows = list(rows)
        if self.as_json or not rows:
            return
        from rich.table import Table
        from rich.text import Text

        table = Table(title=title, title_justify="left")
        for position, name in enumerate(columns):
            numeric = any(_is_number(row[position]) for row in rows)
            table.add_column(name, justify="right" if numeric else "left")
        for row in rows:
            table.add_row(*(Text(cell(value)) for value in row))
        _console(sys.stdout).print(table)

    def finish(self, data: Mapping[str, Any]) -> None:
        """The result for programs; not-a-number becomes null, as JSON has no such thing."""
        if self.as_json:
            typer.echo(json.dumps(plain(data), indent=2, ensure_ascii=False, allow_nan=False))

    @contextmanager
    def progress(self, label: str, total: int | None = None) -> Iterator[Progress]:
        """A bar on standard error; silent with `--json` and where no terminal is attached."""
        if self.as_json or not sys.stderr.isatty():
            yield Progress()
            return
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Bar(*columns, console=_console(sys.stderr)) as bar:
            yield Progress(bar, bar.add_task(printable(label), total=total))


def _console(stream: TextIO) -> Any:
    from rich.console import Console

    width = None if stream.isatty() else WIDTH_WITHOUT_TERMINAL
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def cell(value: Any) -> str:
    """A value as people read it in a table."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case float():
            return "-" if math.isnan(value) else f"{value:.4g}"
        case datetime():
            return value.isoformat(sep=" ", timespec="seconds")
        case _:
            return printable(str(value))


def printable(text: str) -> str:
    """The text without control characters, which a file's name could use to fool a terminal."""
    return "".join(
        sign if sign.isprintable() or sign in "\n\t" else f"\\x{ord(sign):02x}" for sign in text
    )


def plain(value: Any) -> Any:
    """The value in JSON's own types: dataclasses, paths, moments and NumPy's numbers included.

    Raises:
        TypeError: a type that has no obvious form in JSON.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = [plain(item) for item in value]
        return sorted(items, key=repr) if isinstance(value, (set, frozenset)) else items
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    raise TypeError(f"{type(value).__name__} has no form in JSON.")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)

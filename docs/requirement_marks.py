"""Find the `req` marks of the tests by reading their source, without running or importing them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class MarkError(ValueError):
    """A mark that can prove nothing, because of where it stands or what it says."""


@dataclass(frozen=True, order=True)
class Proof:
    """A test that proves a sentence: `test` is its name inside the file, or the file's name."""

    sentence: str
    path: str
    test: str


def marks_of_tree(folder: Path, root: Path) -> list[Proof]:
    """All marks below `folder`, with paths relative to `root`, in the order of their sentences."""
    found: set[Proof] = set()
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(root).as_posix()
        found.update(marks_of_source(path.read_text(encoding="utf-8"), name))
    return sorted(found)


def marks_of_source(source: str, path: str) -> list[Proof]:
    """The marks of one file.

    A mark in a decorator (also one inside `parametrize`) speaks for its function or class, one in
    `pytestmark` for its class or file, any other in the file for the file.

    Raises:
        MarkError: the mark is not made of plain strings, stands on something that pytest does not
            collect, or on a test that is expected to fail.
    """
    tree = ast.parse(source)
    return list(_walk(tree, path, ()))


def _walk(node: ast.AST, path: str, inside: tuple[str, ...]) -> Iterator[Proof]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition):
            yield from _definition(child, path, inside)
        else:
            for call in _calls(child):
                yield from _proofs(call, path, inside)


def _definition(node: Definition, path: str, inside: tuple[str, ...]) -> Iterator[Proof]:
    here = (*inside, node.name)
    calls = [call for decorator in node.decorator_list for call in _calls(decorator)]
    if calls:
        _refuse_what_proves_nothing(node, path)
    for call in calls:
        yield from _proofs(call, path, here)
    for statement in node.body:
        yield from _walk(ast.Module([statement], []), path, here)


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and ast.unparse(part.func) == "pytest.mark.req":
            yield part


def _proofs(call: ast.Call, path: str, inside: tuple[str, ...]) -> Iterator[Proof]:
    test = "::".join(inside) or Path(path).name
    if not call.args:
        raise MarkError(f"{path}:{call.lineno}: a req mark names no sentence")
    for argument in call.args:
        if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
            raise MarkError(f"{path}:{argument.lineno}: a req mark takes plain strings only")
        yield Proof(argument.value, path, test)


def _refuse_what_proves_nothing(node: Definition, path: str) -> None:
    prefix = "Test" if isinstance(node, ast.ClassDef) else "test"
    if not node.name.startswith(prefix):
        raise MarkError(
            f"{path}:{node.lineno}: {node.name} has a req mark, but pytest does not collect it"
        )
    if any("mark.xfail" in ast.unparse(decorator) for decorator in node.decorator_list):
        raise MarkError(
            f"{path}:{node.lineno}: {node.name} is expected to fail, so it proves nothing"
        )

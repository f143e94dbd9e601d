"""The rules of the house that no linter knows."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_LINES = 600
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "shelve", "torchvision"}
# A "|" stands in each word, so that this file does not break the rule it holds.
HOSTS = ("py|pi.org", "python|hosted.org", "py|torch.org", "npm|js.org", "deb|ian.org")
FOLDERS = ("/ro|ot/", "/work/ma|in", "/work/sha|red", "/opt/py|pi", "/opt/whe|els")
PLACES = [word.replace("|", "") for word in HOSTS + FOLDERS]


def tracked() -> list[Path]:
    """The files of the repository, or of the tree around where there is no repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607 - the developer's own git
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def texts() -> Iterator[tuple[str, str]]:
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content:
            yield path.relative_to(ROOT).as_posix(), content.decode("utf-8")


def sources(*folders: str) -> Iterator[tuple[str, str]]:
    return (
        (name, text) for name, text in texts() if name.endswith(".py") and name.startswith(folders)
    )


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_no_source_file_grows_beyond_what_can_be_read() -> None:
    long = {
        name: lines for name, text in sources("src/") if (lines := text.count("\n")) > MOST_LINES
    }
    assert not long, f"split these: {long}"


def test_a_child_takes_no_module_from_the_folder_that_it_is_started_in() -> None:
    """`-m` looks there first, and a file of anybody's may have the name of one of ours."""
    pattern = re.compile(r'sys\.executable,\s*"-m"')
    found = [
        name
        for name, text in sources("src/")
        if pattern.search(text) and not name.startswith("src/deepmed/app/bench/")
    ]
    assert not found, f'write "-P" before "-m" in {found}'


@pytest.mark.req("S-9.1")
def test_no_source_file_imports_what_unpickles() -> None:
    guilty = {
        name: found
        for name, text in sources("src/", "docs/", "bench/")
        if (found := FORBIDDEN_MODULES & set(imported(ast.parse(text))))
    }
    assert not guilty


def test_the_repository_names_no_registry_and_no_machine() -> None:
    guilty = [(name, word) for name, text in texts() for word in PLACES if word in text]
    assert not guilty


def test_each_rule_that_is_switched_off_says_why() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    ruff = text[text.index("[tool.ruff.lint]") : text.index("[tool.ruff.lint.mccabe]")]
    silent = [line for line in ruff.splitlines() if _switches_off(line) and not _reason(line)]
    assert not silent


def _switches_off(line: str) -> bool:
    return bool(re.search(r'"[A-Z]+\d*"', line)) and "select" not in line


def _reason(line: str) -> bool:
    return bool(line.partition("#")[2].strip())


def test_each_exception_in_the_code_says_why() -> None:
    unexplained = re.compile(
        r"#[ ](ruff|flake8): noqa|#[ ]noqa(?!: [A-Z]+\d+(, ?[A-Z]+\d+)* - \w)"
        r"|#[ ]type: ignore(?!\[[\w, -]+\] *# (noqa: .* - )?\w)"
    )
    silent = [
        f"{name}:{number}"
        for name, text in sources("src/", "docs/", "tests/", "bench/")
        for number, line in enumerate(text.splitlines(), 1)
        if unexplained.search(line)
    ]
    assert not silent


def test_no_mark_of_unfinished_work_is_left() -> None:
    unfinished = re.compile("TO" + "DO|FIX" + "ME|X" + r"XX\b")
    guilty = [name for name, text in texts() if unfinished.search(text)]
    assert not guilty


DECISIONS = ROOT / "docs" / "decisions"


def test_the_index_of_decisions_is_complete_and_in_order() -> None:
    files = sorted(path.name for path in DECISIONS.glob("[0-9]*.md"))
    index = (DECISIONS / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", index) == files
    assert [int(name[:4]) for name in files] == list(range(1, len(files) + 1))


@pytest.mark.parametrize("path", sorted(DECISIONS.glob("[0-9]*.md")), ids=lambda path: path.stem)
def test_each_decision_has_its_parts(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {int(path.name[:4])}. ")
    for part in ("Status: ", "## Context", "## Decision", "## Consequences"):
        assert part in text

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest
import typer

from deepmed.cli import entry, groups
from deepmed.cli.entry import main
from deepmed.cli.groups import COMMANDS, Entry
from deepmed.cli.output import JsonFlag, Output
from deepmed.kit.errors import ConflictError
from deepmed.learning.errors import InsufficientDataError

HEAVY = {
    "torch",
    "transformers",
    "sklearn",
    "sqlalchemy",
    "alembic",
    "pydantic",
    "pydantic_settings",
    "numpy",
    "PIL",
    "cryptography",
    "obstore",
    "rich",
    "typer",
}

application = typer.Typer(add_completion=False)


@application.command()
def good(*, as_json: JsonFlag = False) -> None:
    Output(as_json).finish({"fine": True})


@application.command()
def ours(*, as_json: JsonFlag = False) -> None:
    raise ConflictError("There is one\nalready. Nothing was changed.")


@application.command()
def detailed(*, as_json: JsonFlag = False) -> None:
    raise ConflictError("\x1b[2JNot these.", problems=[{"name": "a.png", "row": Path("b")}])


@application.command()
def learnings(*, as_json: JsonFlag = False) -> None:
    raise InsufficientDataError("Only 3 children; 20 are needed.")


@application.command()
def silent() -> None:
    raise InsufficientDataError


@application.command()
def unforeseen(*, as_json: JsonFlag = False) -> None:
    raise ZeroDivisionError("a secret detail")


@application.command()
def outrun(*, as_json: JsonFlag = False) -> None:
    from sqlalchemy.exc import IntegrityError

    raise IntegrityError("INSERT", {}, Exception("FOREIGN KEY constraint failed"))


@application.command()
def bad_news() -> None:
    raise typer.Exit(1)


@application.command()
def asks() -> None:
    typer.confirm("Really?", abort=True)


@application.command()
def interrupted() -> None:
    raise KeyboardInterrupt


@application.command()
def unread() -> None:
    raise BrokenPipeError


def single(name: str, count: int = 1) -> None:
    """Greet somebody."""
    typer.echo(name * count)


@pytest.fixture(autouse=True)
def _commands(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("deepmed_test_commands")
    vars(module).update(app=application, single=single)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    known = {
        "try": Entry(module.__name__, "app", "Ways to end."),
        "single": Entry(module.__name__, "single", "A plain function."),
    }
    monkeypatch.setattr(groups, "COMMANDS", known)


def test_done_is_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["try", "good", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"fine": True}


def test_a_plain_function_can_be_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["single", "Ann", "--count", "2"]) == 0
    assert capsys.readouterr().out == "AnnAnn\n"
    assert main(["single", "--help"]) == 0
    assert "Greet somebody." in capsys.readouterr().out


@pytest.mark.req("P-3.1")
@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ("ours", "conflict", "There is one already. Nothing was changed."),
        ("learnings", "insufficient_data", "Only 3 children; 20 are needed."),
    ],
)
def test_an_error_is_one_clear_line_and_an_object(
    command: str, code: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["try", command]) == 1
    printed = capsys.readouterr()
    assert printed.err == f"Error: {message}\n"
    assert printed.out == ""
    assert main(["try", command, "--json"]) == 1
    printed = capsys.readouterr()
    answer = json.loads(printed.out)
    assert answer["code"] == code
    assert " ".join(answer["message"].split()) == message
    assert len(answer["error_id"]) == 32


@pytest.mark.req("P-3.1")
def test_programs_get_every_detail_and_no_message_steers_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["try", "detailed", "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["details"] == {"problems": [{"name": "a.png", "row": "b"}]}
    assert printed.err == "Error: \\x1b[2JNot these.\n"


@pytest.mark.req("P-3.1")
@pytest.mark.parametrize("command", ["ours", "learnings", "unforeseen"])
def test_answer_and_log_carry_the_same_error_id(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEEPMED_LOG_LEVEL", "info")
    assert main(["try", command, "--json"]) == 1
    printed = capsys.readouterr()
    answer, logged = json.loads(printed.out), json.loads(printed.err.splitlines()[0])
    assert (logged["error_id"], logged["code"]) == (answer["error_id"], answer["code"])
    assert "message" not in logged


def test_an_error_without_words_speaks_with_its_class(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["try", "silent"]) == 1
    assert capsys.readouterr().err == f"Error: {InsufficientDataError.__doc__}\n"


@pytest.mark.req("P-3.1")
def test_what_nobody_foresaw_has_an_id_in_answer_and_log(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["try", "unforeseen", "--json"]) == 1
    printed = capsys.readouterr()
    answer = json.loads(printed.out)
    assert answer["code"] == "unexpected"
    assert answer["error_id"] in printed.err
    assert "a secret detail" not in printed.err
    assert "Traceback" not in printed.err
    (log,) = (home / "logs").iterdir()
    assert answer["error_id"] in log.name
    assert str(log) in printed.err
    assert "a secret detail" in log.read_text(encoding="utf-8")
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.req("P-3.1")
def test_a_row_that_another_process_outran_is_a_conflict_in_words_with_its_log(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["try", "outrun", "--json"]) == 1
    printed = capsys.readouterr()
    answer = json.loads(printed.out)
    assert answer["code"] == "conflict"
    assert "Another process" in answer["message"]
    assert "FOREIGN KEY" not in printed.err
    (log,) = (home / "logs").iterdir()
    assert answer["error_id"] in log.name


def test_what_cannot_be_logged_is_shown(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "logs").write_text("in the way", encoding="utf-8")
    assert main(["try", "unforeseen"]) == 1
    printed = capsys.readouterr().err
    assert "could not be logged" in printed
    assert "ZeroDivisionError: a secret detail" in printed


def test_wrong_settings_do_not_hide_what_nobody_foresaw(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("deepmed.kit.settings.default_home", lambda: tmp_path / "default")
    monkeypatch.setenv("DEEPMED_SEED", "many")
    assert main(["try", "unforeseen"]) == 1
    assert len(list((tmp_path / "default" / "logs").iterdir())) == 1


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["try", "nonsense"], ["try", "good", "--nonsense"], ["single"], []],
    ids=" ".join,
)
def test_wrong_usage_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert "Usage: deepmed" in printed.err
    assert printed.out == ""


def test_wrong_usage_is_an_object_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["try", "good", "extra", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["code"] == "usage"


def test_bad_news_after_the_work_is_1() -> None:
    assert main(["try", "bad-news"]) == 1


def test_a_refused_question_is_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    assert main(["try", "asks"]) == 1
    assert "nothing was changed" in capsys.readouterr().err


def test_interrupted_is_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["try", "interrupted"]) == 130
    assert "run the command again" in capsys.readouterr().err


def test_a_reader_that_left_is_no_error_to_speak_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(entry, "_silence_output", lambda: closed.append("stdout"))
    assert main(["try", "unread"]) == 1
    assert closed == ["stdout"]
    assert capsys.readouterr().err == ""


def test_every_command_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    for name, found in groups.COMMANDS.items():
        assert name in printed
        assert found.line in printed
    assert main(["--version"]) == 0
    assert main(["-h"]) == 0


def python(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.req("P-16.1")
@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["nonsense"], []])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from deepmed.cli.entry import main; main(sys.argv[1:]);"
        f"sys.exit(' '.join({HEAVY!r} & set(sys.modules)) or 0)"
    )
    done = python("-c", code, *arguments)
    assert done.returncode == 0, done.stderr


@pytest.mark.req("P-16.1")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_groups_own_help_loads_no_model_library(name: str) -> None:
    code = (
        "import sys; from deepmed.cli.entry import main; code = main(sys.argv[1:]);"
        "heavy = {'torch', 'transformers', 'sklearn', 'sqlalchemy', 'numpy'} & set(sys.modules);"
        "sys.exit(' '.join(heavy) or code)"
    )
    done = python("-c", code, name, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage: deepmed" in done.stdout


def test_the_script_and_the_module_are_the_same() -> None:
    done = python("-m", "deepmed.cli", "--version")
    assert done.returncode == 0
    script = Path(sys.executable).with_name("deepmed")
    again = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert again.stdout == done.stdout


def test_a_real_interrupt_ends_with_130() -> None:
    code = (
        "import sys, time, types, typer; from deepmed.cli import groups, run;"
        "module = types.ModuleType('waiting'); sys.modules['waiting'] = module\n"
        "def wait():\n    print('ready', flush=True); time.sleep(60)\n"
        "module.wait = wait; groups.COMMANDS['wait'] = groups.Entry('waiting', 'wait', '');"
        "sys.argv = ['deepmed', 'wait']; run()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in errors


def test_an_interrupt_that_python_drops_in_a_finalizer_is_repeated() -> None:
    code = (
        "import signal, sys, time, types; from deepmed.cli import groups, run;"
        "module = types.ModuleType('dropping'); sys.modules['dropping'] = module\n"
        "class Finalized:\n    def __del__(self):\n        signal.raise_signal(signal.SIGINT)\n"
        "def drop():\n    Finalized(); print('dropped', flush=True); time.sleep(30)\n"
        "module.drop = drop; groups.COMMANDS['drop'] = groups.Entry('dropping', 'drop', '');"
        "sys.argv = ['deepmed', 'drop']; run()"
    )
    begun = time.monotonic()
    done = python("-c", code)
    assert (done.stdout, done.returncode) == ("dropped\n", 130)
    assert time.monotonic() - begun < 20, "it woke the command"
    # click ends the line of the terminal's own ^C first
    assert done.stderr == "\nInterrupted; what was finished is kept, run the command again.\n"


def test_an_interrupt_while_the_program_loads_has_its_word_too() -> None:
    code = (
        "import sys; from deepmed.cli import run;"
        "raised = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt);"
        "sys.meta_path.insert(0, type('Stop', (), {'find_spec': raised})()); run()"
    )
    done = python("-c", code)
    assert done.returncode == 130
    assert done.stderr == "Interrupted; what was finished is kept, run the command again.\n"


def test_output_into_a_closed_pipe_ends_quietly() -> None:
    code = (
        "import sys, types; from deepmed.cli import groups, run;"
        "module = types.ModuleType('talking'); sys.modules['talking'] = module\n"
        "def talk():\n    [print('x' * 1000) for _ in range(1000)]\n"
        "module.talk = talk; groups.COMMANDS['talk'] = groups.Entry('talking', 'talk', '');"
        "sys.argv = ['deepmed', 'talk']; run()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=30) == 1

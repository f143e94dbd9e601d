"""Keeps one server running for the tests: started by its file, not imported.

    python database_keeper.py PID USER FILE COMMAND ...

The server ends when this process is told to (SIGTERM) and also when process PID, the test run, is
gone, however it went: a run that was killed leaves no server and no data behind. FILE tells this
process's id and is named like the server's folder, with `.keeper` at its end.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

POLL_SECONDS, PATIENCE_SECONDS = 0.2, 20


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def end(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT if "postgres" in str(server.args) else signal.SIGTERM)
    try:
        server.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def keep(run: int, user: str, file: Path, command: list[str]) -> None:
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
    try:
        server = subprocess.Popen(
            command, user=user or None, group=_group(user), extra_groups=[] if user else None
        )
        while server.poll() is None and not told and alive(run):
            time.sleep(POLL_SECONDS)
        if server.returncode is None:
            end(server)
    finally:
        shutil.rmtree(file.with_suffix("") if alive(run) else file.parent, ignore_errors=True)
        file.unlink(missing_ok=True)


def main(run: int, user: str, file: Path, command: list[str]) -> None:
    """Return at once; a child of nobody, outside the terminal's reach, does the keeping."""
    if keeper := os.fork():
        file.write_text(str(keeper), encoding="ascii")
        file.with_suffix(".started").touch()
        return
    os.setsid()
    while not file.with_suffix(".started").exists():
        time.sleep(0.01)
    keep(run, user, file, command)


def _group(user: str) -> int | None:
    import pwd  # not on Windows, where no server is started

    return pwd.getpwnam(user).pw_gid if user else None


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4:])

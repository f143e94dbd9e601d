import os
import subprocess
import sys
from pathlib import Path

import pytest

from deepmed.app import limit_threads, make_folder, open_home
from deepmed.kit.database import migration
from deepmed.kit.errors import ConfigurationError
from deepmed.kit.settings import Settings, load


def test_a_new_home_is_complete_and_for_this_user_alone(tmp_path: Path, home: Path) -> None:
    settings = load(home=tmp_path / "new" / "home")
    with open_home(settings) as opened:
        assert migration.check(opened.database) == []
        assert opened.settings is settings
        assert opened.owner_id == 1
        assert opened.registry.list() == []
        assert opened.registry is opened.registry
        opened.storage.put("a/b.txt", b"x")
    assert settings.home.stat().st_mode & 0o777 == 0o700
    assert (settings.home / "files" / "a" / "b.txt").read_bytes() == b"x"
    assert (settings.home / "keys" / "signing.key").stat().st_mode & 0o777 == 0o600


def test_the_environments_home_is_opened_when_nothing_is_said(home: Path) -> None:
    with open_home() as opened:
        assert opened.settings.home == home
    assert (home / "deepmed.db").exists()


def test_two_homes_share_nothing(tmp_path: Path, home: Path) -> None:
    with (
        open_home(load(home=tmp_path / "one")) as one,
        open_home(load(home=tmp_path / "two")) as two,
    ):
        one.storage.put("x", b"1")
        assert not two.storage.exists("x")
        assert one.registry.keys.public_key != two.registry.keys.public_key


def test_processes_that_open_a_new_home_at_once_do_not_collide(home: Path) -> None:
    code = (
        "from deepmed.app import open_home\n"
        "with open_home() as h: print(h.owner_id, h.registry.keys.fingerprint)"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)
    ]
    answers = [process.communicate() for process in running]
    assert all(process.returncode == 0 for process in running), answers
    assert len({out for out, _ in answers}) == 1


def test_opening_loads_neither_models_nor_migrations(home: Path) -> None:
    open_home().close()
    code = (
        "import sys; from deepmed.app import open_home; open_home().close();"
        "heavy = {'torch', 'transformers', 'sklearn', 'alembic', 'cryptography', 'obstore'};"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.req("P-2.1")
def test_a_home_that_cannot_be_made_is_told_with_the_fix(tmp_path: Path, home: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    for folder in (blocked, blocked / "below"):
        with pytest.raises(ConfigurationError, match=r"cannot be used.*DEEPMED_HOME"):
            open_home(load(home=folder))


def test_a_home_without_the_right_to_write_is_told(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ConfigurationError, match="no right to write"):
        make_folder(home)


def test_a_home_that_is_there_keeps_its_rights(home: Path) -> None:
    home.chmod(0o750)
    make_folder(home)
    assert home.stat().st_mode & 0o777 == 0o750


def test_a_failed_opening_closes_the_database(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []

    def refuse(*_: object, **__: object) -> None:
        raise ConfigurationError

    monkeypatch.setattr("deepmed.app.opening.upgrade", refuse)
    monkeypatch.setattr("deepmed.kit.database.Database.close", lambda _: closed.append(True))
    with pytest.raises(ConfigurationError):
        open_home(settings)
    assert closed == [True]


def test_threads_are_limited_here_and_in_children(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    before = torch.get_num_threads()
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "9")
    limit_threads(0)
    assert torch.get_num_threads() == before
    try:
        limit_threads(1)
        assert torch.get_num_threads() == 1
        child = "import os; print(os.environ['OMP_NUM_THREADS'])"
        assert subprocess.check_output([sys.executable, "-c", child], text=True) == "1\n"
    finally:
        torch.set_num_threads(before)

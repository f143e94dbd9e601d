"""Database servers for the tests: brought along where that is possible, missed aloud elsewhere."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "servers"
TOOLS = ("bash", "sh", "mktemp", "rm", "tail", "dirname", "chmod", "mkdir", "cp")


class Machine:
    """A machine of its own: an empty file system, and a PATH of what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.root, self.tools = folder / "root", folder / "bin"
        (self.root / "usr" / "sbin").mkdir(parents=True)
        self.tools.mkdir()
        for name in TOOLS:
            self.tool(name, f'exec {shutil.which(name)} "$@"')

    def tool(self, name: str, script: str, folder: Path | None = None) -> None:
        folder = folder or self.tools
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (folder / name).chmod(0o755)

    def run(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [shutil.which("bash") or "bash", str(SCRIPT)],
            env={"PATH": str(self.tools), "SERVERS_ROOT": str(self.root)},
            capture_output=True,
            text=True,
            check=False,
        )

    def files(self) -> set[str]:
        return {
            path.relative_to(self.root).as_posix()
            for path in self.root.rglob("*")
            if path.is_file()
        }


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.req("P-1.1")
def test_no_server_and_no_way_to_get_one_is_one_loud_line_each(machine: Machine) -> None:
    machine.tool("id", "echo 1000")
    done = machine.run()
    assert done.returncode == 0
    first, second = done.stdout.splitlines()
    assert first.startswith("NO POSTGRESQL: ")
    assert second.startswith("NO MARIADB: ")


@pytest.mark.req("P-1.1")
def test_servers_are_installed_and_none_is_started(machine: Machine) -> None:
    """Debian's packages would start a server each, and make it a cluster, unless told not to."""
    program = 'printf "#!/bin/sh\\n" > {0}; chmod 755 {0}'
    mariadbd = machine.root / "usr" / "sbin" / "mariadbd"
    initdb = machine.root / "usr" / "lib" / "postgresql" / "15" / "bin" / "initdb"
    seen = machine.root.parent / "seen"
    machine.tool("id", "echo 0")
    machine.tool(
        "apt-get",
        f"""
policy={machine.root}/usr/sbin/policy-rc.d
clusters=$(cd {machine.root}/etc/postgresql-common/createcluster.d && echo *)
echo "$DEBIAN_FRONTEND $clusters $("$policy"; echo $?) $*" >> {seen}
case "$*" in
    *mariadb-server-core*) {program.format(mariadbd)};;
    *postgresql*) mkdir -p {initdb.parent}; {program.format(initdb)};;
esac""",
    )
    done = machine.run()
    assert (done.returncode, done.stdout.count("\n")) == (0, 1), done.stdout
    told = seen.read_text(encoding="utf-8").splitlines()
    assert [line.split()[-1] for line in told] == ["update", "postgresql", "mariadb-server-core"]
    assert all(line.startswith("noninteractive deepmed-tests.conf 101 ") for line in told)
    left = {"usr/sbin/mariadbd", "usr/lib/postgresql/15/bin/initdb"}
    assert machine.files() == left
    assert machine.run().stdout == ""


@pytest.mark.req("P-1.1")
def test_a_failing_installation_is_told_and_leaves_the_machine_as_it_was(machine: Machine) -> None:
    machine.tool("policy-rc.d", "exit 0", machine.root / "usr" / "sbin")
    machine.tool("id", "echo 0")
    machine.tool("apt-get", "echo no network; exit 1")
    done = machine.run()
    assert done.returncode == 0
    assert "no network" in done.stdout
    assert "NO POSTGRESQL" in done.stdout
    assert "NO MARIADB" in done.stdout
    assert machine.files() == {"usr/sbin/policy-rc.d"}
    assert (machine.root / "usr/sbin/policy-rc.d").read_text("utf-8").endswith("exit 0\n")


@pytest.mark.req("P-1.1")
def test_the_test_command_brings_the_servers() -> None:
    makefile = (SCRIPT.parents[1] / "Makefile").read_text(encoding="utf-8")
    (test,) = (line for line in makefile.splitlines() if line.startswith("test:"))
    assert "servers" in test.split()
    assert "\nservers:\n\t@.ci/servers\n" in makefile
    assert os.access(SCRIPT, os.X_OK)

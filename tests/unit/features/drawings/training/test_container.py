import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from deepmed.features.drawings.training.errors import DockerContainerError
from deepmed.features.drawings.training.sagemaker.container import (
    SageMakerContainerBuilder,
    docker_path,
    validate_container,
)

pytestmark = pytest.mark.req("D-13.1")

REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/deepmed"


@pytest.fixture
def builder(tmp_path: Path) -> SageMakerContainerBuilder:
    return SageMakerContainerBuilder(tmp_path / "image")


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `docker` that notes what it is asked for; it fails where `tmp_path/fails` is."""
    program, log = tmp_path / "bin" / "docker", tmp_path / "asked"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {log}\n[ "$1" = info ] && exit 0\n'
        f'[ -e {tmp_path}/fails ] && echo "no space left" >&2 && exit 1\nexit 0\n',
        encoding="utf-8",
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return log


@pytest.fixture
def no_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)


def asked(log: Path) -> list[str]:
    lines = log.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line != "info"]


@pytest.mark.usefixtures("no_docker")
def test_what_is_written_is_complete_and_can_be_built_elsewhere(
    builder: SageMakerContainerBuilder,
) -> None:
    made = builder.build_training_container("mine:1")
    assert validate_container(builder.folder) == []
    assert made.built is False
    assert made.steps == [f"docker build --tag mine:1 {builder.folder}"]
    requirements = (builder.folder / "requirements.txt").read_text(encoding="utf-8")
    assert "torch==2.13.0\n" in requirements
    assert "+cpu" not in requirements
    assert not list(builder.folder.rglob("__pycache__"))


@pytest.mark.usefixtures("no_docker")
def test_the_entry_point_runs_on_the_copy_alone(
    builder: SageMakerContainerBuilder, tmp_path: Path
) -> None:
    """Without Amazon's folders it fails, and says so where Amazon looks."""
    builder.build_training_container()
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import deepmed; "
        "from pathlib import Path; assert deepmed.__file__.startswith(sys.argv[1]); "
        "from deepmed.features.drawings.training.sagemaker import entry; "
        "sys.exit(entry.main(Path(sys.argv[2])))"
    )
    root = tmp_path / "ml"
    (root / "input" / "config").mkdir(parents=True)
    (root / "input" / "config" / "hyperparameters.json").write_text("{}", encoding="utf-8")
    command = [sys.executable, "-c", program, str(builder.folder), str(root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stderr
    assert "config" in (root / "output" / "failure").read_text(encoding="utf-8")


def test_where_docker_is_it_builds_and_pushes(
    builder: SageMakerContainerBuilder, docker: Path
) -> None:
    assert builder.build_training_container("mine:1", build=True).built is True
    assert builder.push_to_ecr("mine:1", REPOSITORY) == []
    assert asked(docker) == [
        f"build --tag mine:1 {builder.folder}",
        f"tag mine:1 {REPOSITORY}:latest",
        f"push {REPOSITORY}:latest",
    ]


def test_docker_that_fails_is_told(
    builder: SageMakerContainerBuilder, docker: Path, tmp_path: Path
) -> None:
    (tmp_path / "fails").touch()
    with pytest.raises(DockerContainerError, match="no space left"):
        builder.build_training_container(build=True)
    assert len(asked(docker)) == 1


@pytest.mark.usefixtures("no_docker")
def test_without_docker_the_way_is_explained(builder: SageMakerContainerBuilder) -> None:
    assert docker_path() is None
    steps = builder.push_to_ecr("mine:1", REPOSITORY)
    assert [step.split()[1] for step in steps if step.startswith("docker")] == [
        "build",
        "tag",
        "push",
    ]
    assert any("docker login" in step for step in steps)
    with pytest.raises(DockerContainerError, match="where Docker is"):
        builder.build_training_container(build=True)


@pytest.mark.usefixtures("no_docker")
@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("Dockerfile", lambda text: "RUN true\n" + text, "begin with FROM"),
        ("Dockerfile", lambda text: text.replace("COPY train.py", "COPY gone.py"), "gone.py"),
        ("Dockerfile", lambda text: text + "USER nobody\n", "USER"),
        ("Dockerfile", lambda text: text + 'ENTRYPOINT ["sh"]\n', "one ENTRYPOINT"),
        (
            "Dockerfile",
            lambda text: text.replace('/train.py"]', '/other.py"]'),
            "not among what is copied",
        ),
        ("Dockerfile", lambda text: text.replace('["python"', "python"), "not among"),
        ("train.py", lambda _text: "def broken(:\n", "no Python"),
        ("requirements.txt", lambda text: text + "numpy>=1\n", "not pinned"),
    ],
)
def test_wrong_files_are_found_out(
    builder: SageMakerContainerBuilder, file: str, change: object, words: str
) -> None:
    builder.build_training_container()
    path = builder.folder / file
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")  # type: ignore[operator] # a function from the table above
    problems = " ".join(validate_container(builder.folder))
    assert words in problems


def test_a_folder_without_files(tmp_path: Path) -> None:
    (problem,) = validate_container(tmp_path)
    assert "cannot be read" in problem

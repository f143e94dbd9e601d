"""Builder for SageMaker training containers: files first, checked; an image where Docker is."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import deepmed
from deepmed.features.drawings.training.errors import DockerContainerError
from deepmed.kit.files import export

DOCKERFILE, ENTRY, REQUIREMENTS, SOURCES = "Dockerfile", "train.py", "requirements.txt", "deepmed"
IMAGE = "deepmed-training"
_INSTRUCTIONS = {"FROM", "COPY", "RUN", "ENV", "ENTRYPOINT", "WORKDIR"}
_PINNED = re.compile(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[0-9][0-9A-Za-z.!+_-]*")
_NAME = re.compile(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?")
_PLACE = "/opt/deepmed"
_DOCKER_SECONDS = 3600


@dataclass(frozen=True)
class ContainerBuild:
    """What was written, and what is left to do by hand."""

    folder: Path
    files: list[str]
    image: str
    built: bool
    steps: list[str]


class SageMakerContainerBuilder:
    """Writes what an image is built from into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def build_training_container(
        self, image: str = f"{IMAGE}:latest", *, build: bool = False
    ) -> ContainerBuild:
        """Build Docker container for SageMaker training.

        Dockerfile, entry point, requirements and a copy of this program are written and checked;
        an image is built only where it is asked for.

        Args:
            image: name and tag of the image.
            build: whether Docker builds it now.

        Raises:
            DockerContainerError: the files are not right, Docker is not there, or it failed.
        """
        export(self.folder / DOCKERFILE, _dockerfile().encode())
        export(self.folder / ENTRY, _entry().encode())
        export(self.folder / REQUIREMENTS, _requirements().encode())
        self._copy_sources()
        problems = validate_container(self.folder)
        if problems:
            raise DockerContainerError(
                f"The container's files are not right: {'; '.join(problems)}."
            )
        if build:
            _docker("build", "--tag", image, str(self.folder))
        return ContainerBuild(
            self.folder,
            [DOCKERFILE, ENTRY, REQUIREMENTS, SOURCES],
            image,
            build,
            [] if build else [f"docker build --tag {image} {self.folder}"],
        )

    def push_to_ecr(self, image: str, repository_uri: str) -> list[str]:
        """Push Docker image to Amazon ECR.

        Returns:
            Nothing where it was pushed; without Docker the commands that do it elsewhere.

        Raises:
            DockerContainerError: Docker failed.
        """
        target = f"{repository_uri}:latest"
        if docker_path() is None:
            return push_steps(image, repository_uri)
        _docker("tag", image, target)
        _docker("push", target)
        return []

    def _copy_sources(self) -> None:
        package = Path(deepmed.__file__).parent
        target = self.folder / SOURCES
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(package, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))


def docker_path() -> str | None:
    """Docker's command where it is installed and its daemon answers."""
    found = shutil.which("docker")
    if found is None:
        return None
    try:
        asked = subprocess.run(  # noqa: S603 - a fixed question
            [found, "info"], capture_output=True, timeout=30, check=False
        )
    except subprocess.TimeoutExpired:
        return None
    return found if asked.returncode == 0 else None


def push_steps(image: str, repository_uri: str) -> list[str]:
    """The commands that push an image, for a machine that has Docker."""
    registry = repository_uri.partition("/")[0]
    return [
        f"docker build --tag {image} FOLDER",
        f"aws ecr get-login-password | docker login --username AWS --password-stdin {registry}",
        f"docker tag {image} {repository_uri}:latest",
        f"docker push {repository_uri}:latest",
    ]


def validate_container(folder: Path) -> list[str]:
    """What is wrong with a container's files; nothing where an image can be built from them."""
    try:
        lines = _instructions((folder / DOCKERFILE).read_text(encoding="utf-8"))
        entry = (folder / ENTRY).read_text(encoding="utf-8")
        wanted = (folder / REQUIREMENTS).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        return [f"{error.filename} cannot be read"]
    return [
        *_wrong_dockerfile(folder, lines),
        *_wrong_python(entry),
        *[f"{line!r} is not pinned to a version" for line in wanted if not _PINNED.fullmatch(line)],
    ]


def _wrong_dockerfile(folder: Path, lines: Sequence[tuple[str, str]]) -> list[str]:
    problems = [
        f"{word} is no instruction of ours" for word, _ in lines if word not in _INSTRUCTIONS
    ]
    if not lines or lines[0][0] != "FROM":
        problems.append("it does not begin with FROM")
    copied = [rest.split() for word, rest in lines if word == "COPY"]
    problems += [f"{parts[0]} is not there" for parts in copied if not (folder / parts[0]).exists()]
    entries = [rest for word, rest in lines if word == "ENTRYPOINT"]
    if len(entries) != 1:
        problems.append("it has not one ENTRYPOINT")
    elif not _is_copied(entries[0], [parts[-1] for parts in copied]):
        problems.append("its ENTRYPOINT is not among what is copied")
    return problems


def _is_copied(entry: str, places: Sequence[str]) -> bool:
    try:
        command = json.loads(entry)
    except ValueError:
        return False
    return isinstance(command, list) and bool(command) and command[-1] in places


def _instructions(text: str) -> list[tuple[str, str]]:
    joined = text.replace("\\\n", " ")
    lines = [line.strip() for line in joined.splitlines()]
    return [
        (line.partition(" ")[0], line.partition(" ")[2].strip())
        for line in lines
        if line and not line.startswith("#")
    ]


def _wrong_python(source: str) -> list[str]:
    try:
        compile(source, ENTRY, "exec")
    except SyntaxError as error:
        return [f"{ENTRY} is no Python: {error.msg}"]
    return []


def _dockerfile() -> str:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"""\
# Trains DeepMed's autoencoder of drawings in Amazon SageMaker.
FROM python:{python}-slim
COPY {REQUIREMENTS} {_PLACE}/{REQUIREMENTS}
RUN pip install --no-cache-dir --requirement {_PLACE}/{REQUIREMENTS}
COPY {SOURCES} {_PLACE}/{SOURCES}
COPY {ENTRY} {_PLACE}/{ENTRY}
ENV PYTHONPATH={_PLACE} PYTHONUNBUFFERED=1
WORKDIR {_PLACE}
ENTRYPOINT ["python", "{_PLACE}/{ENTRY}"]
"""


def _entry() -> str:
    return '''\
"""Amazon SageMaker starts this with the word `train`."""

import sys

from deepmed.features.drawings.training.sagemaker.entry import main

sys.exit(main())
'''


def _requirements() -> str:
    """What the program needs, in the versions that are installed here."""
    names = sorted(
        found.group()
        for line in requires("deepmed") or []
        if "extra ==" not in line and (found := _NAME.match(line))
    )
    return "".join(f"{name}=={_installed(name)}\n" for name in names)


def _installed(name: str) -> str:
    try:
        return version(name.partition("[")[0]).partition("+")[0]
    except PackageNotFoundError as error:
        raise DockerContainerError(
            f"{name} is not installed here, so the container cannot be given its version."
        ) from error


def _docker(*arguments: str) -> None:
    found = docker_path()
    if found is None:
        raise DockerContainerError(
            "Docker is not installed here, or its daemon does not answer. The files were written; "
            f"build the image where Docker is: docker {' '.join(arguments)}"
        )
    done = subprocess.run(  # noqa: S603 - our own words and the operator's names
        [found, *arguments], capture_output=True, text=True, timeout=_DOCKER_SECONDS, check=False
    )
    if done.returncode:
        tail = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise DockerContainerError(f"docker {arguments[0]} failed: {tail[0]}")

"""One run as everybody reads it: its row, its epochs, and what its signed artefact holds."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from deepmed.core.home import Home
from deepmed.core.jobs.kinds import JobKind
from deepmed.core.jobs.tables import Job
from deepmed.core.registry.manifest import Package
from deepmed.core.registry.tables import Artifact
from deepmed.features.xray.runs import artifact, repository
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.features.xray.tables import COMPLETED, XrayRun
from deepmed.kit.errors import ConflictError

Record = dict[str, Any]


@dataclass(frozen=True)
class StoredRun:
    """A run as it was when it was looked up; another owner's does not exist here (S-3).

    What comes from the artefact is read when it is first asked for, and of a single file that file
    alone, not the weights. Signature and checksum of what was read were right; the files may lie
    in an object store, so there are no paths to them.
    """

    home: Home
    run: XrayRun
    job: Job | None
    """Its line in the ledger; a run that a program started has none."""

    @classmethod
    def of(cls, home: Home, run_id: int, kinds: Mapping[str, JobKind] | None = None) -> Self:
        """Raises NotFoundError where there is none of this owner."""
        return cls(home, *XrayRuns.of(home, kinds).get(run_id))

    @property
    def status(self) -> str:
        """`in_progress`, `completed` or `failed`."""
        return repository.status_of((self.run, self.job))

    @property
    def reason(self) -> str | None:
        """Why it failed; None where it did not."""
        return repository.reason_of((self.run, self.job))

    @property
    def is_completed(self) -> bool:
        return self.run.status == COMPLETED

    @cached_property
    def history(self) -> list[Record]:
        """The numbers of each epoch so far, in order; there also while it runs."""
        return XrayRuns.of(self.home).history(self.run.id)

    @cached_property
    def package(self) -> Package:
        """The artefact: manifest and files.

        Raises:
            ConflictError: the run is not completed, so it has none.
            IntegrityError: a file is not what was signed.
        """
        return self.home.registry.package(self._uid())

    @cached_property
    def artifact(self) -> Artifact:
        """Its row. Raises ConflictError where the run is not completed."""
        return self.home.registry.find(self._uid())

    def file(self, name: str) -> bytes:
        """A file of the artefact, by a name of `runs.artifact`. Raises as `package`."""
        if "package" in vars(self):
            return self.package.files[name]
        return self.home.registry.file(self._uid(), name)

    @cached_property
    def evaluation(self) -> Record:
        """What validation fixed, and the figures of validation and test. Raises as `package`."""
        return self._json(artifact.EVALUATION)

    @cached_property
    def model(self) -> Record:
        """Classes, network, preprocessing, threshold and calibration. Raises as `package`."""
        return self._json(artifact.MODEL)

    @cached_property
    def predictions(self) -> dict[str, list[Record]]:
        """By part, what the network said of each image. Raises as `package`."""
        return self._json(artifact.PREDICTIONS)

    @cached_property
    def split(self) -> Record:
        """Parts, with the audit of leaks and lookalikes. Raises as `package`."""
        return self._json(artifact.SPLIT)

    @cached_property
    def intake(self) -> Record:
        """What became of every file and row of the source. Raises as `package`."""
        return self._json(artifact.INTAKE)

    @property
    def card(self) -> Record:
        """What the model is, and is not, for. Raises as `package`."""
        return self.package.manifest.card

    def _json(self, name: str) -> Record:
        found: Record = json.loads(self.file(name))
        return found

    def _uid(self) -> str:
        uid: str | None = (self.run.results or {}).get("artifact")
        if not self.is_completed or uid is None:
            raise ConflictError(
                f"Run {self.run.id} is not completed ({self.status}), so it has no model and no "
                "figures yet. What it has learned so far is kept."
            )
        return uid

"""Signed packages of files: models, their cards and the predictions that their figures rest on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace as changed
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy.exc import IntegrityError as ConstraintError

from deepmed.core.audit.repository import record
from deepmed.core.registry import repository
from deepmed.core.registry.cache import PackageCache
from deepmed.core.registry.contents import MANIFEST, SIGNATURE, check_files
from deepmed.core.registry.folders import write_folder
from deepmed.core.registry.keys import SigningKeys
from deepmed.core.registry.manifest import Manifest, Package, sums
from deepmed.core.registry.packages import find_problems, read_file, read_package, write_package
from deepmed.core.registry.places import Places
from deepmed.core.registry.provenance import provenance
from deepmed.core.registry.reports import Lineage, VerifyReport, trace
from deepmed.core.registry.tables import STAGES, Artifact
from deepmed.kit import clock
from deepmed.kit.database import Database
from deepmed.kit.errors import ConflictError, IntegrityError, NotFoundError, ValidationError
from deepmed.kit.storage import FileStorageService


class ArtifactRegistry:
    """One owner's artefacts. Another owner's do not exist here (S-3).

    Every method that changes something commits by itself: files first, then the row that names
    them, then the removal of what is no longer named. A process killed in between leaves no half
    artefact, and the next call with the same recipe completes the work. Do not call one inside a
    block of `Database.write`: on SQLite it would wait for that block to end.
    """

    def __init__(
        self,
        database: Database,
        storage: FileStorageService,
        keys: SigningKeys,
        owner_id: int,
        packages: PackageCache | None = None,
    ) -> None:
        self.database = database
        self.keys = keys
        self.owner_id = owner_id
        self._places = Places(storage)
        self._cache = packages or PackageCache()

    def publish(
        self,
        kind: str,
        files: Mapping[str, bytes],
        *,
        metrics: Mapping[str, Any],
        card: Mapping[str, Any],
        lineage: Mapping[str, Any],
        recipe_hash: str,
        configuration: Mapping[str, Any],
        seed: int,
        data_hash: str,
        dataset_id: int | None = None,
        stage: str = "candidate",
        leaving: bool = False,
    ) -> Artifact:
        """Sign and store an artefact; the same recipe a second time gives the one that is there.

        Args:
            kind: what it is, for example `age-group-model`.
            files: content by name, see `deepmed.core.registry.contents`.
            metrics: figures with interval, sample size and unit, as plain JSON.
            card: the model card.
            lineage: where it comes from; `datasets` (ids), `run` and `parents` (uids of
                artefacts) are followed by `lineage`, anything else is kept as it is.
            recipe_hash: names all inputs that determine the artefact.
            configuration: of the training, in full; with seed, data hash and this process's
                environment it becomes the provenance (V-6).
            seed: from which every random stream of the training was derived.
            data_hash: names the training data.
            dataset_id: the dataset that it was made from, if there is one.
            stage: `candidate`, `production` or `archived`.
            leaving: the files are for use elsewhere, see `contents.check_files`.

        Raises:
            ValidationError: a file, stage or description that is not allowed; nothing was stored.
            ConflictError: the recipe belongs to an artefact of another kind.
        """
        there = self._by_recipe(recipe_hash, kind)
        if there is not None:
            return there
        check_files(files, leaving=leaving)
        _check_stage(stage)
        manifest = Manifest(
            uid=self._uid(recipe_hash),
            kind=kind,
            revision=1,
            recipe_hash=recipe_hash,
            created_at=clock.now().isoformat(),
            reason="",
            files=sums(files),
            metrics=dict(metrics),
            card=dict(card),
            lineage=dict(lineage),
            provenance=provenance(seed, data_hash, configuration),
            signed_by=self.keys.fingerprint,
        )
        return self._enter(Package(manifest, dict(files)), dataset_id, stage)

    def adopt(self, package: Package, origin: Mapping[str, Any]) -> Artifact:
        """Take in an artefact of another installation; the same one a second time is there already.

        It is signed anew, by this installation. Card, figures and provenance stay as they were;
        its datasets are others here, so the lineage names `origin` instead.

        Args:
            package: read and checked against the key of who signed it.
            origin: whose it was, as plain JSON; kept in the lineage under `imported`.

        Raises:
            ValidationError: a file that is not allowed here; nothing was stored.
        """
        given = package.manifest
        recipe_hash = sha256(b"imported/" + given.to_bytes()).hexdigest()
        there = self._by_recipe(recipe_hash, given.kind)
        if there is not None:
            return there
        check_files(package.files)
        lineage = {**given.lineage, "datasets": [], "imported": dict(origin)}
        manifest = changed(
            given,
            uid=self._uid(recipe_hash),
            recipe_hash=recipe_hash,
            revision=1,
            created_at=clock.now().isoformat(),
            reason="",
            files=sums(package.files),
            lineage=lineage,
            signed_by=self.keys.fingerprint,
        )
        package = Package(manifest, package.files)
        return self._enter(package, None, "candidate", "artifact.import", imported=dict(origin))

    def find(self, uid: str) -> Artifact:
        """The row of an artefact.

        Raises:
            NotFoundError: there is none, or it is another owner's.
        """
        with self.database.read() as session:
            found = repository.by_uid(session, self.owner_id, uid)
        if found is None:
            raise NotFoundError(f"There is no artefact {uid!r}.")
        return found

    def list(
        self, kind: str | None = None, *, limit: int = 100, before: int | None = None
    ) -> Sequence[Artifact]:
        """Newest first; `before` is the last id of the page before."""
        with self.database.read() as session:
            return repository.page(session, self.owner_id, kind, before, limit)

    def walk(self) -> Iterator[Artifact]:
        """All artefacts, newest first, a page at a time."""
        before = None
        while page := self.list(before=before):
            yield from page
            before = page[-1].id

    def load(self, uid: str) -> dict[str, bytes]:
        """The files of an artefact; signature and every checksum were right.

        Raises:
            NotFoundError: there is none, or it is another owner's.
            IntegrityError: names the file that is missing or not what was signed.
        """
        return dict(self.package(uid).files)

    def package(self, uid: str) -> Package:
        """Like `load`, with the manifest: card, metrics, lineage and provenance as signed."""
        row = self.find(uid)
        try:
            return self._read(row)
        except IntegrityError:
            if self.find(uid).manifest_hash == row.manifest_hash:
                raise
            return self.package(uid)  # it was revised, and its old files went, while we read

    def file(self, uid: str, name: str) -> bytes:
        """One file of an artefact; signature and its checksum were right, others are not read.

        Raises:
            NotFoundError: there is no such artefact of this owner.
            IntegrityError: the file is missing or not what was signed.
        """
        row = self.find(uid)
        held = self._cache.get(row.manifest_hash)
        if held is not None and name in held.files:
            return held.files[name]
        try:
            read = self._places.reader(row.uid, row.revision, row.manifest_hash)
            return read_file(read, name, self.keys.public_key, row.manifest_hash)
        except IntegrityError:
            if self.find(uid).manifest_hash == row.manifest_hash:
                raise
            return self.file(uid, name)  # revised meanwhile, see `package`

    def verify(self, uid: str) -> VerifyReport:
        """Check signature and checksums anew, whatever was read before; lists every problem."""
        row = self.find(uid)
        read = self._places.reader(row.uid, row.revision, row.manifest_hash)
        problems = find_problems(read, self.keys.public_key, row.manifest_hash)
        if problems:
            self._cache.drop(row.manifest_hash)
        return VerifyReport(row.uid, row.kind, row.revision, tuple(problems))

    def revise(
        self,
        uid: str,
        files: Mapping[str, bytes | None],
        *,
        reason: str,
        metrics: Mapping[str, Any] | None = None,
        card: Mapping[str, Any] | None = None,
    ) -> Artifact:
        """Sign a new revision and delete the files of the old one.

        Args:
            uid: the artefact, which keeps its uid, id and provenance.
            files: new content by name; None removes a file, those not named stay.
            reason: kept in the manifest and the audit trail.
            metrics: the new figures; the old ones stay when unset.
            card: the new card; the old one stays when unset.

        Raises:
            IntegrityError: the present revision is damaged, so it is not signed again.
            ConflictError: another process revised it at the same time; that revision stays.
        """
        row = self.find(uid)
        old = self._read(row)
        merged = {**old.files, **files}
        kept = {name: content for name, content in merged.items() if content is not None}
        check_files(kept)
        manifest = changed(
            old.manifest,
            revision=row.revision + 1,
            created_at=clock.now().isoformat(),
            reason=reason,
            files=sums(kept),
            metrics=old.manifest.metrics if metrics is None else dict(metrics),
            card=old.manifest.card if card is None else dict(card),
            signed_by=self.keys.fingerprint,
        )
        self._supersede(row, Package(manifest, kept))
        self._cache.drop(row.manifest_hash)
        self.sweep(uid)
        return self.find(uid)

    def set_stage(self, uid: str, stage: str) -> Artifact:
        """Move an artefact to `candidate`, `production` or `archived`.

        Raises:
            ValidationError: there is no such stage.
        """
        _check_stage(stage)
        row = self.find(uid)
        with self.database.write() as session:
            repository.replace(session, row, stage=stage)
            self._record(session, "artifact.stage", uid, before=row.stage, after=stage)
        return self.find(uid)

    def lineage(self, uid: str) -> Lineage:
        """What the artefact was made from, and what was made from it."""
        return trace(self, self.find(uid))

    def delete(self, uid: str) -> None:
        """Remove an artefact with all its files.

        Raises:
            ConflictError: something else, such as a model, still rests on it.
        """
        row = self.find(uid)
        try:
            with self.database.write() as session:
                repository.remove(session, row.id)
                self._record(session, "artifact.delete", uid, kind=row.kind)
        except ConstraintError as error:
            raise ConflictError(
                f"The artefact {uid} is still in use and was kept. Delete what uses it first."
            ) from error
        self._cache.drop(row.manifest_hash)
        self._places.remove(uid)

    def copy_to(self, uid: str, folder: Path) -> Path:
        """Copy an artefact, checked, into a new folder that `load_folder` reads.

        Raises:
            ConflictError: the folder exists already.
        """
        write_folder(folder, self.signed(uid))
        return folder

    def sweep(self, uid: str | None = None) -> Sequence[str]:
        """Delete files that killed processes left: of old revisions, and of no artefact at all.

        Returns the deleted keys. A file that no row names yet is left alone for its first hour,
        because its row may be about to be written.
        """
        found = self._places.uids(uid)
        with self.database.read() as session:
            current = repository.revisions(session, found)
        return self._places.sweep(uid, current)

    def signed(self, uid: str) -> dict[str, bytes]:
        """All files of an artefact, checked, with its manifest and the manifest's signature."""
        row = self.find(uid)
        package = self._read(row)
        read = self._places.reader(row.uid, row.revision, row.manifest_hash)
        return {**package.files, **{name: read(name) for name in (MANIFEST, SIGNATURE)}}

    def _uid(self, recipe_hash: str) -> str:
        return sha256(f"{self.owner_id}/{recipe_hash}".encode()).hexdigest()[:32]

    def _enter(
        self,
        package: Package,
        dataset_id: int | None,
        stage: str,
        action: str = "artifact.publish",
        **details: Any,
    ) -> Artifact:
        manifest = package.manifest
        self._check_dataset(dataset_id)
        manifest_hash = self._write(package)
        row = Artifact(
            owner_id=self.owner_id,
            uid=manifest.uid,
            kind=manifest.kind,
            stage=stage,
            recipe_hash=manifest.recipe_hash,
            revision=manifest.revision,
            manifest_hash=manifest_hash,
            dataset_id=dataset_id,
            lineage=manifest.lineage,
            metrics=manifest.metrics,
        )
        try:
            with self.database.write() as session:
                session.add(row)
                session.flush()
                self._record(session, action, row.uid, kind=row.kind, **details)
        except ConstraintError:
            # Another process published the same recipe meanwhile: its artefact counts.
            there = self._by_recipe(manifest.recipe_hash, manifest.kind)
            if there is None:
                raise
            row = there
        self.sweep(row.uid)
        return row

    def _supersede(self, row: Artifact, package: Package) -> None:
        manifest_hash = self._write(package)
        manifest = package.manifest
        with self.database.write() as session:
            if not repository.replace(
                session,
                row,
                revision=manifest.revision,
                manifest_hash=manifest_hash,
                metrics=manifest.metrics,
            ):
                raise ConflictError(
                    f"Another process revised the artefact {row.uid} at the same time, and that "
                    "revision stays. Look at it, then try again."
                )
            self._record(
                session,
                "artifact.revise",
                row.uid,
                revision=manifest.revision,
                reason=manifest.reason,
            )

    def _write(self, package: Package) -> str:
        manifest = package.manifest
        manifest_hash = sha256(manifest.to_bytes()).hexdigest()
        write = self._places.writer(manifest.uid, manifest.revision, manifest_hash)
        return write_package(package, self.keys, write)

    def _read(self, row: Artifact) -> Package:
        package = self._cache.get(row.manifest_hash)
        if package is None:
            read = self._places.reader(row.uid, row.revision, row.manifest_hash)
            package = read_package(read, self.keys.public_key, row.manifest_hash)
            self._cache.put(row.manifest_hash, package)
            self._drop_if_deleted(row)
        return package

    def _drop_if_deleted(self, row: Artifact) -> None:
        """What was deleted while it was read does not stay in memory."""
        try:
            self.find(row.uid)
        except NotFoundError:
            self._cache.drop(row.manifest_hash)
            raise

    def _by_recipe(self, recipe_hash: str, kind: str) -> Artifact | None:
        with self.database.read() as session:
            found = repository.by_recipe(session, self.owner_id, recipe_hash)
        if found is not None and found.kind != kind:
            raise ConflictError(
                f"The recipe belongs to the artefact {found.uid} of kind {found.kind!r}, not "
                f"{kind!r}. Nothing was stored."
            )
        return found

    def _check_dataset(self, dataset_id: int | None) -> None:
        if dataset_id is None:
            return
        with self.database.read() as session:
            if not repository.datasets(session, self.owner_id, [dataset_id]):
                raise NotFoundError(f"There is no dataset {dataset_id}. Nothing was stored.")

    def _record(self, session: Any, action: str, uid: str, **details: Any) -> None:
        record(session, self.owner_id, action, "artifact", uid, **details)


def _check_stage(stage: str) -> None:
    if stage not in STAGES:
        raise ValidationError(
            f"{stage!r} is not a stage. Choose one of {', '.join(STAGES)}. Nothing was changed."
        )

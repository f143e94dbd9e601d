"""Collections of files by content: the same files are the same version, wherever they came from.

A feature registers what it imported and keeps the files itself; a training names the version.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from deepmed.core.datasets import repository
from deepmed.core.datasets.tables import Dataset, DatasetItem
from deepmed.kit.errors import ConflictError, NotFoundError, ValidationError

MAX_NAME = 200
MAX_ITEM_NAME = 500
_ATTEMPTS = 3


@dataclass(frozen=True)
class Item:
    """A file of a dataset: its name, the SHA-256 of its bytes, and what is known about it.

    `details` (an age, a label) belong to the content: a corrected age makes another version.
    """

    name: str
    content_hash: str
    details: Mapping[str, Any] = field(default_factory=dict)


def content_hash(items: Sequence[Item]) -> str:
    """One hash for all items, whatever their order."""
    listed = sorted((item.name, item.content_hash, dict(item.details)) for item in items)
    text = json.dumps(listed, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


class DatasetService:
    """The datasets of one owner, in the session (and so the transaction) of the caller."""

    def __init__(self, session: Session, owner_id: int) -> None:
        self._session = session
        self._owner_id = owner_id

    def register(
        self,
        name: str,
        kind: str,
        items: Sequence[Item],
        *,
        card: dict[str, Any],
        provenance: str,
        licence_note: str = "",
    ) -> Dataset:
        """The version of `name` that holds exactly these items, made where there is none yet.

        A version is never changed: card, provenance and licence note are those of its first
        registration.

        Raises:
            ValidationError: no items, a name given twice, or a name that is too long or empty.
            ConflictError: other processes register the same name all the time.
        """
        _check(name, items)
        wanted = content_hash(items)
        for _ in range(_ATTEMPTS):
            known = repository.by_content(self._session, self._owner_id, name, wanted)
            if known is not None:
                self._make_whole(known, items)
                return known
            version = repository.latest_version(self._session, self._owner_id, name) + 1
            dataset = Dataset(
                owner_id=self._owner_id,
                name=name,
                version=version,
                content_hash=wanted,
                kind=kind,
                card=card,
                provenance=provenance,
                licence_note=licence_note,
            )
            if self._added(dataset, items):
                return dataset
        raise ConflictError(f"The dataset {name!r} is being registered by others; try again.")

    def get(self, dataset_id: int) -> Dataset:
        """Raises NotFoundError where there is none, or it is another owner's."""
        dataset = repository.find(self._session, self._owner_id, dataset_id)
        if dataset is None:
            raise NotFoundError(f"There is no dataset {dataset_id}.")
        return dataset

    def list_datasets(self, name: str | None = None) -> list[Dataset]:
        """All versions, or those of a name, oldest version first."""
        return repository.listed(self._session, self._owner_id, name)

    def items(self, dataset_id: int) -> list[DatasetItem]:
        return repository.items(self._session, self.get(dataset_id).id)

    def count(self, content_hashes: Sequence[str]) -> int:
        """How many items of all versions have these contents."""
        return repository.count_items(self._session, self._owner_id, content_hashes)

    def forget(self, content_hashes: Sequence[str]) -> int:
        """Take files out of every version, because a person's data must go.

        The version keeps its content hash, which then names what it once held; its card says
        how many items were removed. Returns how many items went.
        """
        lost = repository.remove_items(self._session, self._owner_id, content_hashes)
        for dataset_id, count in lost.items():
            card = self.get(dataset_id).card
            card = card | {"removed": card.get("removed", 0) + count}
            repository.set_card(self._session, dataset_id, card)
        return sum(lost.values())

    def _added(self, dataset: Dataset, items: Sequence[Item]) -> bool:
        """False where another process took the version number, or registered the same items."""
        try:
            with self._session.begin_nested():
                repository.add(self._session, dataset)
                repository.set_items(self._session, dataset.id, _rows(items))
        except IntegrityError:
            return False
        return True

    def _make_whole(self, dataset: Dataset, items: Sequence[Item]) -> None:
        """Files that were forgotten and have come back are named again."""
        if "removed" in dataset.card:
            repository.set_items(self._session, dataset.id, _rows(items))
            card = {name: value for name, value in dataset.card.items() if name != "removed"}
            repository.set_card(self._session, dataset.id, card)


def _rows(items: Sequence[Item]) -> list[tuple[str, str]]:
    return [(item.name, item.content_hash) for item in items]


def _check(name: str, items: Sequence[Item]) -> None:
    if not name or len(name) > MAX_NAME:
        raise ValidationError(f"A dataset's name has 1 to {MAX_NAME} characters.")
    if not items:
        raise ValidationError(f"The dataset {name!r} would be empty; it was not registered.")
    names = [item.name for item in items]
    if len(set(names)) < len(names):
        raise ValidationError(f"The dataset {name!r} names a file twice; it was not registered.")
    if any(not each or len(each) > MAX_ITEM_NAME for each in names):
        raise ValidationError(f"The name of a dataset's file has 1 to {MAX_ITEM_NAME} characters.")

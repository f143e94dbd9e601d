from collections.abc import Iterable, Sequence

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from deepmed.core.datasets.tables import Dataset, DatasetItem
from deepmed.kit.database.batches import in_batches


def by_content(session: Session, owner_id: int, name: str, content_hash: str) -> Dataset | None:
    query = select(Dataset).where(
        Dataset.owner_id == owner_id, Dataset.name == name, Dataset.content_hash == content_hash
    )
    return session.scalars(query).one_or_none()


def latest_version(session: Session, owner_id: int, name: str) -> int:
    query = select(func.max(Dataset.version)).where(
        Dataset.owner_id == owner_id, Dataset.name == name
    )
    return session.scalar(query) or 0


def add(session: Session, dataset: Dataset) -> None:
    session.add(dataset)
    session.flush()


def set_items(session: Session, dataset_id: int, files: Iterable[tuple[str, str]]) -> None:
    """Make these the items of a dataset: names and hashes."""
    session.execute(delete(DatasetItem).where(DatasetItem.dataset_id == dataset_id))
    session.execute(
        insert(DatasetItem),
        [
            {"dataset_id": dataset_id, "name": name, "content_hash": content_hash}
            for name, content_hash in files
        ],
    )


def find(session: Session, owner_id: int, dataset_id: int) -> Dataset | None:
    query = select(Dataset).where(Dataset.owner_id == owner_id, Dataset.id == dataset_id)
    return session.scalars(query).one_or_none()


def listed(session: Session, owner_id: int, name: str | None) -> list[Dataset]:
    query = select(Dataset).where(Dataset.owner_id == owner_id)
    if name is not None:
        query = query.where(Dataset.name == name)
    return list(session.scalars(query.order_by(Dataset.name, Dataset.version)))


def items(session: Session, dataset_id: int) -> list[DatasetItem]:
    query = select(DatasetItem).where(DatasetItem.dataset_id == dataset_id)
    return list(session.scalars(query.order_by(DatasetItem.name)))


def count_items(session: Session, owner_id: int, content_hashes: Sequence[str]) -> int:
    query = (
        select(func.count())
        .select_from(DatasetItem)
        .join(Dataset, Dataset.id == DatasetItem.dataset_id)
        .where(Dataset.owner_id == owner_id, DatasetItem.content_hash.in_(content_hashes))
    )
    return session.scalars(query).one()


def remove_items(session: Session, owner_id: int, content_hashes: Sequence[str]) -> dict[int, int]:
    """Delete the items of these contents; returns how many each dataset lost, by id."""
    lost: dict[int, int] = {}
    for batch in in_batches(content_hashes):
        owned = select(Dataset.id).where(Dataset.owner_id == owner_id)
        chosen = DatasetItem.content_hash.in_(batch) & DatasetItem.dataset_id.in_(owned)
        counts = (
            select(DatasetItem.dataset_id, func.count())
            .where(chosen)
            .group_by(DatasetItem.dataset_id)
        )
        for dataset_id, count in session.execute(counts):
            lost[dataset_id] = lost.get(dataset_id, 0) + count
        session.execute(delete(DatasetItem).where(chosen))
    return lost


def set_card(session: Session, dataset_id: int, card: dict[str, object]) -> None:
    session.execute(update(Dataset).where(Dataset.id == dataset_id).values(card=card))

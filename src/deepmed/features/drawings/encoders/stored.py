"""Whose vectors are stored: of the present encoder, and of earlier ones until they are deleted."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from deepmed.features.drawings.embeddings import repository
from deepmed.features.drawings.models import repository as models
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ConflictError, NotFoundError


@dataclass(frozen=True)
class StoredVectors:
    """The vectors of one encoder.

    Attributes:
        encoder: its identity key.
        drawings: how many it has embedded.
        is_present: whether the settings name this encoder.
        model_ids: models in use that take its vectors.
    """

    encoder: str
    drawings: int
    is_present: bool
    model_ids: Sequence[int]


def stored(bench: Workbench, session: Session) -> list[StoredVectors]:
    """The present encoder first, with 0 drawings where it has embedded none yet."""
    present = bench.encoding.identity.key
    counts = {present: 0, **repository.counts(session, bench.owner_id)}
    users: dict[str, list[int]] = {}
    for row in models.in_use(session, bench.owner_id):
        users.setdefault(row.vision_model, []).append(row.id)
    found = [
        StoredVectors(key, count, key == present, users.get(key, []))
        for key, count in counts.items()
    ]
    return sorted(found, key=lambda one: (not one.is_present, one.encoder))


def missing(bench: Workbench, session: Session) -> int:
    """Drawings that the present encoder has still to embed; blank pages never are."""
    return repository.count_missing(session, bench.owner_id, bench.encoding.identity.key)


def delete(bench: Workbench, encoder: str) -> int:
    """Delete the vectors of an earlier encoder; the drawings stay. Returns how many there were.

    Raises:
        NotFoundError: it has none.
        ConflictError: it is the present one, or models in use take its vectors.
    """
    with bench.database.write() as session:
        named = {one.encoder: one for one in stored(bench, session)}.get(encoder)
        if named is None:
            raise NotFoundError("There are no vectors of that encoder, so nothing was deleted.")
        if named.is_present:
            raise ConflictError(
                f"{encoder} is the present encoder, so its vectors were kept. Set DEEPMED_ENCODER "
                "to another one first, or compute them anew with `deepmed drawings embed --again`."
            )
        if named.model_ids:
            raise ConflictError(
                f"Models in use take the vectors of {encoder} (ids "
                f"{', '.join(map(str, named.model_ids))}), so they were kept. Train models on the "
                "present encoder with `deepmed drawings train --replace` first."
            )
        number = repository.forget(session, encoder, bench.owner_id)
    bench.embeddings.clear_cache()
    return number

"""All SQL of federated trainings, in the caller's session.

Who asks has looked already whether the run is the owner's, see `runs.repository.run_of`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from deepmed.features.xray.tables import XrayClient, XrayRound, XrayServerEvaluation


@dataclass(frozen=True)
class ClientRound:
    """What a client did in a round; `metrics` is empty where it did not answer."""

    client: str
    number: int
    start_time: datetime
    end_time: datetime | None
    status: str
    reason: str | None
    examples: int | None
    metrics: Mapping[str, float | None]
    evaluation: Mapping[str, float | None]
    """Of the common model on this client's validation images."""


def clients(session: Session, run_id: int) -> Sequence[XrayClient]:
    """In the order of their numbers; none of a centralised run."""
    query = select(XrayClient).where(XrayClient.run_id == run_id).order_by(XrayClient.id)
    return session.scalars(query).all()


def rounds(session: Session, run_id: int) -> list[ClientRound]:
    """Every client's part in every round, by round and client."""
    query = (
        select(XrayRound, XrayClient.client_identifier)
        .join(XrayClient, XrayClient.id == XrayRound.client_id)
        .where(XrayClient.run_id == run_id)
        .order_by(XrayRound.round_number, XrayClient.id)
    )
    return [_told(row, name) for row, name in session.execute(query)]


def server_evaluations(session: Session, run_id: int) -> Sequence[XrayServerEvaluation]:
    """The common model after each round, from round 0 on."""
    query = select(XrayServerEvaluation).where(XrayServerEvaluation.run_id == run_id)
    return session.scalars(query.order_by(XrayServerEvaluation.round_number)).all()


def replace_clients(
    session: Session, run_id: int, configs: Mapping[str, Mapping[str, Any]]
) -> None:
    """Those of a run that begins: what an earlier attempt wrote of rounds goes with its clients."""
    session.execute(delete(XrayClient).where(XrayClient.run_id == run_id))
    session.execute(delete(XrayServerEvaluation).where(XrayServerEvaluation.run_id == run_id))
    for name, config in configs.items():
        session.add(XrayClient(run_id=run_id, client_identifier=name, client_config=dict(config)))
        session.flush()


def put_round(
    session: Session,
    client_id: int,
    number: int,
    span: tuple[datetime, datetime],
    metadata: Mapping[str, Any],
) -> None:
    """In the place of what the same round said before."""
    session.execute(
        delete(XrayRound).where(XrayRound.client_id == client_id, XrayRound.round_number == number)
    )
    session.add(
        XrayRound(
            client_id=client_id,
            round_number=number,
            start_time=span[0],
            end_time=span[1],
            round_metadata=dict(metadata),
        )
    )


def put_server_evaluation(session: Session, row: XrayServerEvaluation) -> None:
    """In the place of what the same round said before."""
    session.execute(
        delete(XrayServerEvaluation).where(
            XrayServerEvaluation.run_id == row.run_id,
            XrayServerEvaluation.round_number == row.round_number,
        )
    )
    session.add(row)


def _told(row: XrayRound, name: str) -> ClientRound:
    said = row.round_metadata
    return ClientRound(
        name,
        row.round_number,
        row.start_time,
        row.end_time,
        said["status"],
        said.get("reason"),
        said.get("examples"),
        said.get("metrics") or {},
        said.get("evaluation") or {},
    )

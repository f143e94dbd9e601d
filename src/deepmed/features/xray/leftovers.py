"""SQL of what deleted runs left behind, whoever owned them."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from deepmed.core.registry.tables import Artifact
from deepmed.features.xray.tables import XrayRun


def known_uids(session: Session, uids: Collection[str]) -> set[str]:
    """Which of these are runs."""
    return set(session.scalars(select(XrayRun.uid).where(XrayRun.uid.in_(uids))))


def artifacts_without_run(session: Session, before: datetime) -> list[tuple[int, str]]:
    """Owner and uid of each model of a deleted run that was made before a moment.

    One of a run that is in progress is not yet named by its row; one of another installation never
    had a run here.
    """
    from deepmed.features.xray.runs.artifact import ARTIFACT_KIND  # noqa: PLC0415 - with numpy

    unnamed = select(Artifact).where(
        Artifact.kind == ARTIFACT_KIND,
        Artifact.created_at <= before,
        ~exists().where(XrayRun.artifact_id == Artifact.id),
    )
    found = [each for each in session.scalars(unnamed) if "imported" not in each.lineage]
    known = known_uids(session, [str(each.lineage.get("run")) for each in found])
    return [(each.owner_id, each.uid) for each in found if each.lineage.get("run") not in known]

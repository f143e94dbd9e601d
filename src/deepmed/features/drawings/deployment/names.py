"""Which artefact a name means that somebody sent: ours alone, never a path (S-16)."""

import re

from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.deployment import repository
from deepmed.features.drawings.deployment.formats import EXPORT_KIND, ModelExportFormat
from deepmed.features.drawings.models.config import ARTIFACT_KIND
from deepmed.features.drawings.training.storing import ARTIFACT_KIND as TRAINING_KIND
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import NotFoundError
from deepmed.kit.storage import check_key

EXPORTS, ARTIFACTS = "exports/models", "artifacts"
KINDS = {EXPORT_KIND, ARTIFACT_KIND, TRAINING_KIND}
_FORMS = "|".join(ModelExportFormat)
_NAME = re.compile(rf"(?:{EXPORTS}/|{ARTIFACTS}/)?([0-9a-f]{{32}})(?:\.(?:{_FORMS}))?")


def export_path(uid: str, export_format: str) -> str:
    """The name that the contract gives an export; nothing lies in the store under it."""
    return f"{EXPORTS}/{uid}.{export_format}"


def artifact_path(uid: str) -> str:
    return f"{ARTIFACTS}/{uid}"


def find(bench: Workbench, name: str) -> Artifact:
    """An export, a model's package or a training's, by its id or by a name of the two above.

    Raises:
        PathRefusedError: a path that leads elsewhere.
        NotFoundError: there is none of that name, or it is another owner's.
    """
    check_key(name)
    known = _NAME.fullmatch(name)
    if known:
        with bench.database.read() as session:
            found = repository.artifact(session, bench.owner_id, known[1])
        if found is not None and found.kind in KINDS:
            return found
    raise NotFoundError(
        f"There is no exported model {name!r}. `deepmed drawings model exports` lists them."
    )


def find_export(bench: Workbench, name: str) -> Artifact:
    """An export alone; a model's own package names children and does not leave.

    Raises:
        NotFoundError: there is none of that name.
    """
    found = find(bench, name)
    if found.kind != EXPORT_KIND:
        raise NotFoundError(f"{name!r} is no exported model.")
    return found

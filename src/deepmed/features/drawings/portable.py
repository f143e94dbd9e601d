"""Which of the drawings' artefacts travel to other installations, and in which form."""

from collections.abc import Callable, Mapping

from deepmed.core.home import Home
from deepmed.features.drawings.deployment.formats import EXPORT_KIND
from deepmed.features.drawings.models.config import ARTIFACT_KIND


def export_of(home: Home, uid: str) -> str:
    """The export of a model's package; the package itself names children and drawings.

    Raises:
        ModelExportError: it belongs to no model, or that model cannot be exported.
    """
    from deepmed.features.drawings.deployment.exporter import ModelExporter  # noqa: PLC0415 - torch
    from deepmed.features.drawings.workbench import Workbench  # noqa: PLC0415 - likewise

    return ModelExporter(Workbench.of(home)).export_package(uid).model_id


PORTABLE: Mapping[str, Callable[[Home, str], str]] = {
    ARTIFACT_KIND: export_of,
    EXPORT_KIND: lambda _home, uid: uid,
}
"""By kind: gives the uid of the artefact that travels in the place of one of that kind."""

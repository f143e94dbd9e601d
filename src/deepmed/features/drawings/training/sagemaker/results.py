"""What a container left behind, read as what it is: a stranger's archive."""

import io
import tarfile

from deepmed.features.drawings.training.errors import SageMakerJobError, TrainingReportError
from deepmed.features.drawings.training.reports.document import (
    REPORT_FILE,
    TrainingReportDocument,
)
from deepmed.features.drawings.training.reports.generator import CURVES_FILE
from deepmed.features.drawings.training.running import ITEMS_FILE
from deepmed.learning.errors import ModelLoadingError
from deepmed.learning.reference import from_files

MODEL_FILES = ("reference.json", "model.weights.safetensors", "model.detector.json")
NAMES = {*MODEL_FILES, REPORT_FILE, CURVES_FILE, ITEMS_FILE}
MOST_BYTES = 512 << 20


def read_results(archive: bytes) -> tuple[dict[str, bytes], TrainingReportDocument]:
    """The files of a training, each looked at, and its report.

    Raises:
        SageMakerJobError: the archive is damaged, or holds anything else.
    """
    files = _unpacked(archive)
    missing = NAMES - set(files)
    if missing:
        raise SageMakerJobError(
            f"The training's result lacks {', '.join(sorted(missing))}. Nothing was kept of it."
        )
    try:
        model = from_files(files)
        document = TrainingReportDocument.read(files[REPORT_FILE])
    except (ModelLoadingError, TrainingReportError) as error:
        raise SageMakerJobError(
            f"The training's result cannot be used: {error}. Nothing was kept of it."
        ) from error
    if model.encoder != document.configuration.encoder:
        raise SageMakerJobError("The training's model and report are of different encoders.")
    return files, document


def _unpacked(archive: bytes) -> dict[str, bytes]:
    """Plain files of known names alone; nothing is written to disk."""
    found: dict[str, bytes] = {}
    left = MOST_BYTES
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            for member in tar:
                name = member.name.removeprefix("./")
                if not member.isfile() or name not in NAMES:
                    continue
                left -= member.size
                content = tar.extractfile(member)
                if left < 0 or content is None:
                    raise SageMakerJobError("The training's result is larger than any of ours.")
                found[name] = content.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise SageMakerJobError(
            "The training's result is no archive that can be read. Nothing was kept of it."
        ) from error
    return found

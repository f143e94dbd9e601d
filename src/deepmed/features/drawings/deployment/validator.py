"""Whether an exported model is whole, fits this installation, and still gives its own scores."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from deepmed.core.registry.manifest import Package
from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.deployment import names
from deepmed.features.drawings.deployment.exporter import ONNX_FILE, PT2_FILE
from deepmed.features.drawings.deployment.formats import EXPORT_KIND
from deepmed.features.drawings.deployment.golden import GOLDEN_FILE, Golden
from deepmed.features.drawings.deployment.identities import names_somebody
from deepmed.features.drawings.deployment.metadata import COMPATIBILITY, EXPORT_FILE, ages_of
from deepmed.features.drawings.workbench import Workbench
from deepmed.learning.errors import LearningError
from deepmed.learning.reference import ReferenceModel, from_files
from deepmed.learning.reference.files import HEADER
from deepmed.learning.reference.rows import Floats

SAME, ALMOST = 1e-9, 1e-4
"""Largest relative differences: of our own score, and of what another runtime or machine makes."""
WEIGHTS = "model.weights.safetensors"


@dataclass(frozen=True)
class ValidationResult:
    """What a check found; each named check is true where it was passed."""

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    compatibility_checks: dict[str, bool] = field(default_factory=dict)
    integrity_checks: dict[str, bool] = field(default_factory=dict)
    performance_checks: dict[str, float] = field(default_factory=dict)

    @property
    def is_valid(self) -> bool:
        return not self.errors

    def to_dict(self) -> dict[str, Any]:
        return {"is_valid": self.is_valid, **asdict(self)}


class ModelValidator:
    """Service for validating model compatibility and integrity."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench

    def validate_exported_model(self, model_id: str) -> ValidationResult:
        """Check an export by its id or name.

        Raises:
            NotFoundError: there is none.
            PathRefusedError: the name is a path that leads elsewhere.
        """
        return self.validate(names.find(self.bench, model_id))

    def validate(self, artifact: Artifact) -> ValidationResult:
        """Check an export, or the package of a model of this installation."""
        found = ValidationResult()
        problems = self.bench.registry.verify(artifact.uid).problems
        _note(found, found.integrity_checks, "signature_and_checksums", problems)
        if problems:
            return found
        package = self.bench.registry.package(artifact.uid)
        _note(found, found.integrity_checks, "fitted_weights", _unfitted(package.files))
        if found.errors:
            return found
        try:
            model = from_files(package.files)
        except LearningError as error:
            _note(found, found.integrity_checks, "loadable", [str(error)])
            return found
        _note(found, found.integrity_checks, "loadable", [])
        _note(found, found.compatibility_checks, "encoder", self._foreign_encoder(model))
        if artifact.kind == EXPORT_KIND:
            self._check_export(found, package, model)
        return found

    def _check_export(
        self, found: ValidationResult, package: Package, model: ReferenceModel
    ) -> None:
        named = names_somebody(package.files)
        _note(found, found.integrity_checks, "names_nobody", [named] if named else [])
        _note(found, found.compatibility_checks, "package_version", _unknown_layout(package.files))
        if not found.errors:
            self._measure(found, package, model)

    def _measure(self, found: ValidationResult, package: Package, model: ReferenceModel) -> None:
        """Score the golden drawings again, by our own weights and by the program beside them."""
        try:
            golden = Golden.from_bytes(package.files[GOLDEN_FILE])
            difference = _apart(model.score(golden.rows, model.encoder), golden.scores)
            self._measure_program(found, package, model, golden)
        except (LearningError, KeyError, ValueError) as error:
            found.errors.append(f"The golden drawings cannot be scored: {error}")
            return
        found.performance_checks.update(
            golden_drawings=len(golden.scores), largest_difference=difference, tolerance=SAME
        )
        if difference > SAME:
            found.errors.append("The package does not give its own scores of the golden drawings.")
        self._draw_again(found, package, model, golden)

    def _measure_program(
        self, found: ValidationResult, package: Package, model: ReferenceModel, golden: Golden
    ) -> None:
        if PT2_FILE in package.files:
            found.warnings.append(
                f"{PT2_FILE} is for use elsewhere and is not loaded here; the weights beside it "
                "were checked."
            )
        if ONNX_FILE not in package.files:
            return
        from deepmed.learning.export import ScoreInputs  # noqa: PLC0415 - for ONNX alone
        from deepmed.learning.onnx_files import OnnxUnavailableError, run_onnx  # noqa: PLC0415 - likewise

        inputs = ScoreInputs.of(golden.rows, model.layout).named()
        try:
            scores = run_onnx(package.files[ONNX_FILE], inputs)
        except OnnxUnavailableError as error:
            found.warnings.append(f"{ONNX_FILE} was not checked. {error}")
            return
        difference = _apart(scores, golden.scores)
        found.performance_checks.update(onnx_largest_difference=difference, onnx_tolerance=ALMOST)
        if difference > ALMOST:
            found.errors.append("The ONNX file does not give the model's scores.")

    def _draw_again(
        self, found: ValidationResult, package: Package, model: ReferenceModel, golden: Golden
    ) -> None:
        """The whole way from the picture to the score, as this machine goes it."""
        again = Golden.make(model, ages_of(package.manifest), self.bench.encoding)
        if again.rows.vectors.shape != golden.rows.vectors.shape:
            found.warnings.append("The golden drawings are others in this version of DeepMed.")
            return
        lengths = np.linalg.norm(golden.rows.vectors, axis=1)
        moved = np.linalg.norm(again.rows.vectors - golden.rows.vectors, axis=1)
        difference = float((moved / np.maximum(lengths, np.finfo(np.float32).tiny)).max())
        found.performance_checks["embedding_difference"] = difference
        if difference > ALMOST:
            found.warnings.append(
                "The golden drawings have other vectors here than where the model comes from: "
                "scores of drawings may differ too."
            )

    def _foreign_encoder(self, model: ReferenceModel) -> list[str]:
        present = self.bench.encoding.identity.key
        if model.encoder == present:
            return []
        return [
            f"The model takes vectors of the encoder {model.encoder}, and the present one is "
            f"{present}. Set DEEPMED_ENCODER to use the model."
        ]


def _unfitted(files: Mapping[str, bytes]) -> list[str]:
    missing = [name for name in (HEADER, WEIGHTS) if name not in files]
    return [f"The package has no {name}: nothing was ever fitted." for name in missing]


def _unknown_layout(files: Mapping[str, bytes]) -> list[str]:
    try:
        version = json.loads(files[EXPORT_FILE])["compatibility_version"]
    except (KeyError, TypeError, ValueError):
        return [f"The package does not describe itself in {EXPORT_FILE}."]
    if version == COMPATIBILITY:
        return []
    return [f"The package is of version {version}; this installation knows {COMPATIBILITY}."]


def _apart(found: Floats, expected: Floats) -> float:
    """Largest relative difference; infinite where a score is not a number."""
    scale = np.maximum(np.abs(expected), np.finfo(np.float64).tiny)
    difference = np.abs(found - expected) / scale
    return float(np.where(np.isfinite(difference), difference, np.inf).max())


def _note(found: ValidationResult, checks: dict[str, bool], name: str, problems: Any) -> None:
    checks[name] = not problems
    found.errors.extend(problems)

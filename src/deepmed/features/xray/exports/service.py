"""A completed run's model is written for use elsewhere, and checked before it leaves (X-20)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deepmed.core.audit import repository as audit
from deepmed.core.home import Home
from deepmed.features.xray.exports.facts import facts_of
from deepmed.features.xray.exports.formats import ExportFormat
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.kit.errors import ModelError

if TYPE_CHECKING:
    from deepmed.features.xray.exports.samples import Samples
    from deepmed.features.xray.runs.loading import LoadedModel

MOST_COMPARED, MOST_MEASURED = 200, 1000
_GONE = (
    "The run's images are not on this machine, so what whole numbers cost could not be measured."
)


@dataclass(frozen=True)
class Exported:
    """A file as it may leave, and what it was checked with."""

    content: bytes
    facts: dict[str, Any]
    """What stands in the file itself."""


def export_run(home: Home, run_id: int, form: ExportFormat) -> Exported:
    """Write a run's model in a form, and compare it with what was tested.

    Raises:
        NotFoundError: there is no such run of this owner.
        ConflictError: it is not completed.
        ModelError: the file does not give the model's probabilities, or cannot be written.
    """
    from deepmed.features.xray.exports import checking, programs, samples  # noqa: PLC0415 - torch
    from deepmed.features.xray.runs.loading import LoadedModel  # noqa: PLC0415 - likewise
    from deepmed.learning.errors import LearningError  # noqa: PLC0415 - likewise

    run = StoredRun.of(home, run_id)
    facts = facts_of(run, form)
    model = LoadedModel.of(run.package.files)
    try:
        program = programs.program_of(model, form)
    except LearningError as error:
        raise ModelError(f"{error} Nothing was written.") from error
    chosen = _compared(run, model, form)
    used = chosen or samples.made_up(model)
    found = checking.answers(program.ask(), used)
    compared = checking.parity(found, used, form)
    if not compared.holds:
        raise ModelError(
            f"The exported file gives probabilities that differ by {compared.largest_difference:g} "
            f"from those of the model ({compared.compared_with}), and {compared.tolerance:g} is "
            "the most. Nothing was written; the run is as it was. Export it in another format."
        )
    facts |= {"parity": compared.to_dict(), "cost": None, "cost_reason": None}
    if form is ExportFormat.INT8:
        facts["cost"] = checking.cost(run, found, chosen) if chosen else None
        facts["cost_reason"] = None if chosen else _GONE
    _note(home, run, form)
    return Exported(program.content(facts), facts)


def _compared(run: StoredRun, model: "LoadedModel", form: ExportFormat) -> "Samples | None":
    """Images with stored probabilities; whole numbers are judged on validation alone."""
    from deepmed.features.xray.exports import samples  # noqa: PLC0415 - torch

    if form is ExportFormat.INT8:
        return samples.stored(run, model, (samples.VALIDATION,), MOST_MEASURED)
    return samples.stored(run, model, ("validation", "test"), MOST_COMPARED)


def _note(home: Home, run: StoredRun, form: ExportFormat) -> None:
    with home.database.write() as session:
        audit.record(
            session, home.owner_id, "xray.export", "xray_run", run.run.id, format=form.value
        )

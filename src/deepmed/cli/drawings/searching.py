"""cohort."""

from typing import TYPE_CHECKING, Annotated

import typer

from deepmed.cli.drawings.workplace import open_bench
from deepmed.cli.output import JsonFlag, Output

if TYPE_CHECKING:
    from deepmed.features.drawings.analysis.cohort import Cohort

SHOWN = 40


def register(app: typer.Typer) -> None:
    app.command("cohort")(cohort)


def cohort(
    batch: Annotated[
        str | None, typer.Argument(help="Id of a batch; the newest one by default.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show a batch's new children together: one p each, and which of them stay selected.

    Who looks at many children at once finds unusual ones by chance. q is the share of the selected
    children that may be there by chance; it changes no flag.
    """
    from deepmed.features.drawings.analysis import overviews
    from deepmed.features.drawings.analysis.service import AnalysisService
    from deepmed.features.drawings.schemas.cohorts import CohortResponse
    from deepmed.kit.errors import NotFoundError

    out = Output(as_json)
    with open_bench() as bench:
        if batch is None:
            with bench.database.read() as session:
                newest = overviews.batches(session, bench.owner_id, 1)
            if not newest:
                raise NotFoundError(
                    "No batch of several drawings was analysed yet. `deepmed drawings analyze "
                    "--all` does."
                )
            batch = newest[0].uid
        found = AnalysisService(bench).cohort(batch)
    _say(out, found)
    out.finish(CohortResponse.of(found).model_dump())


def _say(out: Output, found: "Cohort") -> None:
    out.table(
        ["Child", "Drawings", "Flagged", "p", "q", "Selected"],
        [
            [
                each.code or f"unnamed ({each.id})",
                ", ".join(map(str, each.drawing_ids)),
                ", ".join(map(str, each.flagged)) or None,
                each.p_value,
                each.q_value,
                each.selected,
            ]
            for each in found.children[:SHOWN]
        ],
    )
    selected = sum(each.selected for each in found.children)
    out.say(
        f"{len(found.children)} new children in batch {found.batch.uid}, {selected} selected at "
        f"the level {found.outlook['level']:g}."
    )
    if found.outlook["statement"]:
        out.note(found.outlook["statement"])

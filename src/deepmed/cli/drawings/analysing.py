"""analyze."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepmed.cli.drawings.workplace import open_bench
from deepmed.cli.output import JsonFlag, Output, Progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deepmed.features.drawings.analysis.rates import Use
    from deepmed.features.drawings.analysis.service import BatchAnalysis
    from deepmed.features.drawings.tables import AnomalyAnalysis

Ids = Annotated[list[int] | None, typer.Argument(help="Ids of drawings.", show_default=False)]
SHOWN = 40


def register(app: typer.Typer) -> None:
    app.command("analyze")(analyze)


def analyze(
    drawings: Ids = None,
    everything: Annotated[bool, typer.Option("--all", help="Analyse every drawing.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Rank drawings among the typical drawings of their age group.

    A flag means: of so many typical drawings, few are as unusual. It is a prompt to look. Drawings
    of children who took part in training are ranked against the other children.
    """
    from deepmed.features.drawings.analysis.service import AnalysisService

    if bool(drawings) == everything:
        raise typer.BadParameter("Name drawings by their ids, or say --all.")
    out = Output(as_json)
    with open_bench() as bench:
        service = AnalysisService(bench)
        service.refuse_foreign_models()
        with out.progress("Embedding") as progress:
            bench.pipeline.process_batch(progress)
        with out.progress("Analysing") as progress:
            batch = service.analyze(
                None if everything else drawings, progress, foretold=partial(_foretell, progress)
            )
        with bench.database.read() as session:
            statistics = service.statistics(session)
            uses = service.uses(session, batch.analyses)
    _say_analyses(out, batch)
    _say_rates(out, batch, uses)
    _say_unanswered(out, batch.analyses)
    out.finish(
        {
            "batch": batch.uid,
            "computed": batch.computed,
            "outlook": batch.outlook,
            "analyses": [to_dict(row, batch.q_values) for row in batch.analyses],
            "statistics": statistics,
        }
    )


def _foretell(progress: Progress, outlook: "Mapping[str, Any]") -> None:
    """Before anyone has seen a score."""
    if outlook["statement"]:
        progress.note(outlook["statement"])


def to_dict(row: Any, q_values: dict[str, Any]) -> dict[str, Any]:
    """An analysis as JSON; every number is defined in docs/numbers.md."""
    return {
        "id": row.id,
        "drawing_id": row.drawing_id,
        "age_group_model_id": row.age_group_model_id,
        "decision": row.decision,
        "reason": row.reason,
        "role": row.role,
        "anomaly_score": row.anomaly_score,
        "p_value": row.p_value,
        "normalized_score": row.normalized_score,
        "is_anomaly": row.is_anomaly,
        "confidence": row.confidence,
        "q_value": q_values.get(str(row.drawing_id)),
        "results": row.results,
        "analysis_timestamp": row.analysis_timestamp.isoformat(),
    }


def _say_analyses(out: Output, batch: "BatchAnalysis") -> None:
    from deepmed.features.drawings.explanation.texts import chip

    rows = batch.analyses
    flagged = [row for row in rows if row.is_anomaly]
    shown = rows if len(rows) <= SHOWN else flagged[:SHOWN]
    out.table(
        ["Drawing", "Role", "Place of 100", "p", "q", "Sure", "Answer"],
        [
            [
                row.drawing_id,
                row.role,
                row.normalized_score,
                row.p_value,
                batch.q_values.get(str(row.drawing_id)),
                row.confidence,
                chip(
                    row.decision,
                    is_anomaly=row.is_anomaly,
                    normalized_score=row.normalized_score,
                ),
            ]
            for row in shown
        ],
    )
    out.say(f"{len(rows)} drawings analysed, {len(flagged)} flagged.")


def _say_rates(
    out: Output, batch: "BatchAnalysis", uses: "Mapping[Use, Sequence[AnomalyAnalysis]]"
) -> None:
    from deepmed.features.drawings.analysis.rates import Use

    new, labelled = uses[Use.NEW], uses[Use.LABELLED]
    if new:
        out.say(
            f"Of {len(new)} typical drawings by new children {_flagged(new)} are flagged. The "
            "share among children who took part in training is fixed by construction."
        )
    elif batch.analyses:
        out.say(
            "No typical drawing is by a child who is new to the models, so how many are flagged "
            "is fixed by construction."
        )
    if labelled:
        out.say(
            f"Of {len(labelled)} drawings that were labelled other than normal, and trained "
            f"nothing, {_flagged(labelled)} are flagged."
        )


def _flagged(rows: "Sequence[AnomalyAnalysis]") -> int:
    return sum(row.is_anomaly for row in rows)


def _say_unanswered(out: Output, rows: list[Any]) -> None:
    from collections import Counter

    from deepmed.features.drawings.explanation.texts import shared_reason

    reasons = Counter(shared_reason(row.reason) for row in rows if row.reason)
    for reason, count in reasons.most_common():
        out.say(f"No answer for {count}: {reason}")

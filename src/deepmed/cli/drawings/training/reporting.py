"""What a training came to, shown and written."""

from pathlib import Path
from typing import Annotated

import typer

from deepmed.cli.drawings.training.workplace import Id, open_trainings
from deepmed.cli.output import JsonFlag, Output

FORMS = ("html", "pdf", "json", "csv")


def report(
    job: Id,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="Write HTML, PDF, JSON and CSV into this folder.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show a training's figures, and write its report.

    Beside each figure stands what it means. With --out the same is written as HTML, PDF, JSON and
    CSV, named `training-JOB`, with the course of the training and advice for the next one.
    """
    from deepmed.features.drawings.training.reports.content import figures
    from deepmed.features.drawings.training.reports.download import document_of
    from deepmed.features.drawings.training.reports.generator import TrainingReportGenerator
    from deepmed.kit.errors import NotFoundError
    from deepmed.kit.files import export

    out, files = Output(as_json), []
    with open_trainings() as (home, environment):
        rows = environment.reports(job)
        if not rows:
            raise NotFoundError(f"Training {job} has no report: it is not completed.")
        document = document_of(home, rows[0])
    for form in FORMS if out_folder is not None else ():
        path = Path(out_folder or ".") / f"training-{job}.{form}"
        files.append(str(export(path, TrainingReportGenerator().render(document, form))))
    out.table(
        ["Figure", "Value", "Meaning"],
        [[one.name, one.value, one.meaning] for one in figures(document)],
    )
    for line in (*document.advice, *document.notes):
        out.say(line)
    for file in files:
        out.say(f"Written: {file}")
    out.finish({"training_job_id": job, "files": files, "metrics": document.metrics.to_dict()})

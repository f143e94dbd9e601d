"""groups, train, models, threshold."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepmed.cli.drawings.workplace import open_bench
from deepmed.cli.output import JsonFlag, Output, cell

if TYPE_CHECKING:
    from deepmed.features.drawings.models.training import GroupTraining, TrainingRun
    from deepmed.features.drawings.workbench import Workbench

Groups = Annotated[
    str,
    typer.Option(
        "--groups",
        help="Age groups in years, as 3-6,6-9,9-12. A group reaches up to, not including, its "
        "upper end; the last one includes it.",
    ),
]


def register(app: typer.Typer) -> None:
    for command in (groups, train, models, status, threshold):
        app.command(command.__name__)(command)
    app.command("train-models")(train_models)


def groups(
    plan: Annotated[
        str | None, typer.Option("--groups", help="Judge this plan, as 3-6,6-9,9-12.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show the ages at hand, suggest age groups, and say what each could train.

    Without --groups the suggestion is judged: yearly bins, merged upwards until each holds 50
    drawings.
    """
    from deepmed.features.drawings.models.overview import overview

    out = Output(as_json)
    with open_bench() as bench, bench.database.read() as session:
        found = overview(bench, session, plan)
    if not found["groups"]:
        out.say("There are no drawings to learn from yet: deepmed drawings import FOLDER")
    out.table(
        ["Ages", "Drawings", "Children", "Would calibrate", "False-alarm rate of one calibration"],
        [
            [
                info["age_group"],
                info["sample_count"],
                info["children"],
                info["calibration_children"],
                _spread(info),
            ]
            for info in found["groups"]
        ],
    )
    for warning in found["warnings"]:
        out.say(f"{warning['age_group']}: {warning['message']} {' '.join(warning['suggestions'])}")
    for merge in found["merging_suggestions"]:
        out.say(f"Merge {' and '.join(merge['original_groups'])}: {merge['rationale']}")
    out.finish(found)


def train(
    groups: Groups = "3-6,6-9,9-12",
    detector: Annotated[
        str,
        typer.Option(
            help="auto, autoencoder, knn, mahalanobis, pca or isolation_forest. With auto, "
            "anomalies planted into your own fitting drawings decide."
        ),
    ] = "auto",
    layout: Annotated[
        str,
        typer.Option(
            help="Columns beside the vector: visual, visual+age or visual+subject. Models of the "
            "last kind stand beside the others and answer where a drawing's subject is given."
        ),
    ] = "visual+age",
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the run.")] = None,
    candidate: Annotated[
        bool, typer.Option("--candidate", help="Leave the new models inactive.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take overlapping active models out of use.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Learn what is typical in each age group.

    Half of the children, at least 20, are never fitted on: they calibrate the model, so that the
    share of typical drawings that it flags is known. Interrupted training goes on where it
    stopped when the command is run again; unchanged groups are not trained twice.
    """
    from deepmed.features.drawings.models.ranges import parse_groups
    from deepmed.features.drawings.models.training import Use

    out = Output(as_json)
    if candidate and replace:
        raise typer.BadParameter("Choose one of --candidate and --replace.")
    use = Use.CANDIDATE if candidate else Use.REPLACE if replace else Use.REFUSE
    plan = parse_groups(groups)
    with open_bench() as bench:
        with out.progress("Embedding") as progress:
            bench.pipeline.process_batch(progress)
        training = _training(bench, detector, layout, seed)
        with out.progress("Training") as progress:
            run = training.train(plan, use, lambda _stage, done, total: progress(done, total))
        _say_trained(out, bench, run)
    if not run.models:
        raise typer.Exit(1)


def models(as_json: JsonFlag = False) -> None:
    """List the trained models with what they rest on.

    Fit: children whose drawings a model learned from. Calibrate: children whom it never saw and
    ranks against. Attained level: the share of typical drawings that it really flags, at the
    percentile of its training; `threshold` shows the rule in force. Run: the id that
    `deepmed verify` and `deepmed reproduce` take.
    """
    from deepmed.features.drawings.models.manager import ModelManager

    out = Output(as_json)
    with open_bench() as bench, bench.database.read() as session:
        found = ModelManager(bench).list_models(session)
    if not found:
        out.say("There are no models yet. Train some: deepmed drawings train --groups 3-6,6-9,9-12")
    out.table(
        MODEL_COLUMNS,
        [_model_row(info) for info in found],
    )
    out.finish({"models": found})


def status(as_json: JsonFlag = False) -> None:
    """Show how many models, drawings and analyses there are, and whether all is ready.

    `no_models`: none is in use, so run `train`. `insufficient_data`: a model has too few children
    to flag anything. `ready`: drawings can be analysed.
    """
    from deepmed.features.drawings.models.status import model_status

    out = Output(as_json)
    with open_bench() as bench, bench.database.read() as session:
        found = model_status(bench, session)
    for name, value in found.items():
        out.say(f"{name}: {value}")
    out.finish(found)


def train_models(
    skip_embeddings: Annotated[
        bool, typer.Option("--skip-embeddings", help="Take the vectors that are there.")
    ] = False,
    skip_training: Annotated[
        bool, typer.Option("--skip-training", help="Embed and report, train nothing.")
    ] = False,
    models_only: Annotated[
        bool, typer.Option("--models-only", help="Do not analyse a drawing at the end.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Embed every drawing, train 3-6, 6-9 and 9-12, and analyse the first drawing as a test.

    The training guide's script as one command: it ends with the status that the guide shows. Use
    `train` for other groups and options.
    """
    from deepmed.cli.drawings.analysing import to_dict
    from deepmed.features.drawings.analysis.service import AnalysisService
    from deepmed.features.drawings.models.ranges import DEFAULT_PLAN, parse_groups
    from deepmed.features.drawings.models.status import model_status

    out = Output(as_json)
    with open_bench() as bench:
        if not skip_embeddings:
            with out.progress("Embedding") as progress:
                bench.pipeline.process_batch(progress)
        skipped: list[dict[str, str]] = []
        if not skip_training:
            with out.progress("Training") as progress:
                training = _training(bench, "auto", "visual+age", None)
                run = training.train(
                    parse_groups(DEFAULT_PLAN), progress=lambda _, done, of: progress(done, of)
                )
            skipped = run.skipped
        service = AnalysisService(bench)
        first = None if models_only else service.first_drawing()
        analysis = None if first is None else to_dict(service.analyze([first]).analyses[0], {})
        with bench.database.read() as session:
            found = model_status(bench, session)
    for left in skipped:
        out.note(f"{left['age_group']} was not trained. {left['reason']}")
    for name, value in found.items():
        out.say(f"{name}: {value}")
    if analysis is not None:
        out.say(
            f"Drawing {analysis['drawing_id']}: {analysis['decision']}, place of 100: "
            f"{analysis['normalized_score']}"
        )
    out.finish({**found, "skipped": skipped, "analysis": analysis})
    if not skip_training and found["active_models"] == 0:
        raise typer.Exit(1)


def threshold(
    percentile: Annotated[
        float | None,
        typer.Option(help="Flag drawings from this percentile of typical ones, 50 to 99.9."),
    ] = None,
    value: Annotated[
        float | None, typer.Option("--value", help="Flag scores above this one (with --model).")
    ] = None,
    model: Annotated[
        int | None, typer.Option("--model", help="Change one model only, by its id.")
    ] = None,
    save: Annotated[bool, typer.Option("--save", help="Put the change into force.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show, preview and change from where on a drawing is flagged.

    Without a new value it shows the rule in force. With one it shows the effect on every model
    and on the drawings analysed so far; only --save changes anything. No model is trained anew.
    """
    from deepmed.features.drawings.analysis.service import AnalysisService

    out = Output(as_json)
    with open_bench() as bench:
        service = AnalysisService(bench).thresholds
        with bench.database.read() as session:
            rule = service.rule(session, model)
            if percentile is None and value is None:
                percentile = rule.percentile
                value = rule.threshold
                save = False
            effects = service.preview(session, percentile, value, model)
            history = service.history(session)
        if save:
            with bench.database.write() as session:
                rule = service.set_rule(session, percentile, value, model)
    _say_threshold(out, effects, saved=save)
    out.finish(
        {
            "saved": save,
            "version": rule.version,
            "percentile": rule.percentile,
            "threshold": rule.threshold,
            "effects": effects,
            "history": history,
        }
    )


KIND_WORDS = {"pooled": " (all groups)", "subject": " (by subject)"}
MODEL_COLUMNS = [
    "Id",
    "Ages",
    "Detector",
    "Active",
    "Fit",
    "Calibrate",
    "Attained level",
    "Run",
]


def _training(bench: "Workbench", detector: str, layout: str, seed: int | None) -> "GroupTraining":
    from deepmed.features.drawings.models.config import GroupTrainingConfig
    from deepmed.features.drawings.models.training import GroupTraining
    from deepmed.kit.errors import ValidationError
    from deepmed.learning.detectors import detector_names
    from deepmed.learning.reference import Layout

    if detector not in {"auto", *detector_names()}:
        raise ValidationError(
            f"There is no detector {detector!r}. Choose auto or one of "
            f"{', '.join(detector_names())}. Nothing was trained."
        )
    if layout not in list(Layout):
        raise ValidationError(
            f"There is no layout {layout!r}. Choose one of {', '.join(Layout)}. "
            "Nothing was trained."
        )
    config = GroupTrainingConfig(
        detector=detector,
        layout=Layout(layout),
        seed=bench.settings.seed if seed is None else seed,
        percentile=bench.settings.threshold_percentile,
    )
    return GroupTraining(bench, config)


def _say_trained(out: Output, bench: "Workbench", run: "TrainingRun") -> None:
    from deepmed.features.drawings.models.manager import ModelManager

    manager = ModelManager(bench)
    with bench.database.read() as session:
        infos = [manager.get_model_info(session, row) for row in run.models]
    out.table(
        MODEL_COLUMNS,
        [_model_row(info) for info in infos],
    )
    for left in run.skipped:
        out.note(f"{left['age_group']} was not trained. {left['reason']}")
    for note in run.notes:
        out.note(note)
    for info in infos:
        for left in info["metrics"].get("left_out", []):
            out.say(f"{info['age_group']}: {left['count']} left out, {left['meaning']}.")
    out.finish({**run.to_dict(), "details": infos})


def _model_row(info: dict[str, Any]) -> list[Any]:
    from deepmed.features.drawings.words import name_in_words

    metrics = info["metrics"]
    borrowed = metrics["children"]["borrowed"]
    fit = f"{metrics['children']['fit']}" + (f" + {borrowed} borrowed" if borrowed else "")
    return [
        info["id"],
        info["age_group"] + KIND_WORDS.get(info["kind"], ""),
        name_in_words(info["model_type"]),
        info["is_active"],
        fit,
        metrics["children"]["calibration"],
        f"{cell(metrics['attained_level'])} at {metrics['percentile']:g}",
        info["artifact"],
    ]


def _say_threshold(out: Output, effects: list[dict[str, Any]], *, saved: bool) -> None:
    out.table(
        ["Ages", "Percentile", "Threshold", "Flagged now", "Flagged then", "Supported"],
        [
            [
                effect["age_group"],
                effect["then"]["percentile"],
                effect["then"]["threshold"],
                f"{effect['now']['flagged_drawings']} of {effect['now']['analysed_drawings']}",
                f"{effect['then']['flagged_drawings']} of {effect['then']['analysed_drawings']}",
                effect["then"]["supported"],
            ]
            for effect in effects
        ],
    )
    out.say(
        "Saved. Run `deepmed drawings analyze --all` to read all drawings by the new rule."
        if saved
        else "Nothing was changed; add --save to put a new rule into force."
    )


def _spread(info: dict[str, Any]) -> str:
    spread = info["false_alarm_spread"]
    if spread["estimate"] is None:
        return "too few children to flag"
    if info["sample_count"] > info["children"]:  # by how much less is not known
        return f"at most {spread['estimate']:.1%}"
    return f"{spread['estimate']:.1%} ({spread['low']:.1%} to {spread['high']:.1%})"

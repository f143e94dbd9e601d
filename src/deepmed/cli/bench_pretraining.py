"""bench encoder-pretraining: does an encoder learned from procedural drawings beat the default?"""

from pathlib import Path
from typing import Annotated

import typer

from deepmed.cli.output import Output

STEPS = 240


def measure_pretraining(
    data: Annotated[
        Path, typer.Option(help="ZIP of real drawings.", envvar="DEEPMED_BENCH_DRAWINGS")
    ],
    file: Annotated[
        Path | None, typer.Option("--json", help="Write the whole result into this file.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings, seeds 0, 1 and so on.")] = 3,
    steps: Annotated[int, typer.Option(min=1, help="Batches that each training sees.")] = STEPS,
    weights: Annotated[
        Path | None,
        typer.Option(help="Keep weights in this folder, and take those that it has."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of planting, folds and resamples.")] = 0,
    note: Annotated[str, typer.Option(help="What a reader should know of this run.")] = "",
) -> None:
    """Train a small encoder on procedural drawings, and set it beside the default on real ones.

    It takes some minutes a training. No real drawing is trained on. Set DEEPMED_WEIGHTS_DIR to one
    seed's folder of the weights, and the encoder can be asked for as stroke-net.
    """
    from deepmed.app import limit_threads
    from deepmed.features.drawings.bench.json_file import write_result
    from deepmed.features.drawings.bench.pretraining.run import run
    from deepmed.kit import settings as kit_settings
    from deepmed.learning.pretraining.lessons import Recipe

    settings = kit_settings.current()
    limit_threads(settings.threads)
    out = Output()
    result = run(
        settings,
        data,
        Recipe(steps=steps),
        range(seeds),
        seed=seed,
        step=out.note,
        folder=weights,
        note=note,
    )
    if file is not None:
        write_result(file, result)
    for task in result["tasks"]:
        out.table(
            ["Encoder", "Figure", "95 %", "Beside hog-pyramid", "95 %"],
            [
                [row["name"], *_interval(row["figure"], ""), *_interval(row["beside"], "+")]
                for row in task["rows"]
            ],
            title=f"{task['task']}: {task['measure']}",
        )
    out.say(result["verdict"]["words"])


def _interval(figure: dict[str, float | None] | None, sign: str) -> list[str]:
    if figure is None or figure["estimate"] is None:
        return ["-", "-"]
    form = f"{{:{sign}.3f}}"
    estimate, low, high = (form.format(figure[name]) for name in ("estimate", "low", "high"))
    return [estimate, f"{low} to {high}"]

"""A model leaves for use elsewhere."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from deepmed.cli.output import JsonFlag, Output
from deepmed.cli.xray.telling import of_whom
from deepmed.cli.xray.workplace import Id


def export(
    run: Id,
    to: Annotated[Path, typer.Option(help="The file, usually *.onnx or, for exported, *.pt2.")],
    form: Annotated[
        str, typer.Option("--format", help="onnx, exported (PyTorch) or int8 (ONNX).")
    ] = "onnx",
    as_json: JsonFlag = False,
) -> None:
    """Write a completed run's model for use elsewhere, checked against what was tested.

    The file takes prepared images and gives calibrated probabilities; how images are prepared,
    threshold and calibration are written in it. A file that gives other probabilities than those
    that were tested is not written. What whole numbers (int8) cost is measured on validation.
    """
    from deepmed.app import open_home
    from deepmed.features.xray.exports.formats import ExportFormat
    from deepmed.features.xray.exports.service import export_run
    from deepmed.kit.files import export as write

    out = Output(as_json)
    chosen = ExportFormat.named(form)
    with open_home() as home:
        made = export_run(home, run, chosen)
    write(to, made.content)
    out.say(f"The model of run {run} is in {to} ({len(made.content):,} bytes).")
    _say(out, made.facts)
    told = {name: made.facts[name] for name in ("artifact", "parity", "cost", "cost_reason")}
    out.finish(
        {"run_id": run, "format": chosen.value, "file": str(to), "bytes": len(made.content)} | told
    )


def _say(out: Output, facts: Mapping[str, Any]) -> None:
    parity, cost = facts["parity"], facts["cost"]
    out.say(
        f"Its probabilities differ by at most {parity['largest_difference']:.3g} from those of the "
        f"model ({parity['compared_with']})."
    )
    if facts["cost_reason"]:
        out.say(facts["cost_reason"])
    if cost is None:
        return
    out.say(
        f"On {of_whom(cost['n_items'], cost['n_patients'], cost['unit'])}, of validation, "
        f"{cost['decisions_changed']} decisions changed. Each figure less that of the model:"
    )
    out.table(
        ["Figure", "Difference", "Interval"],
        [
            [
                name,
                one["estimate"],
                one["reason"] if one["low"] is None else f"{one['low']:.4f} to {one['high']:.4f}",
            ]
            for name, one in cost["differences"].items()
        ],
    )

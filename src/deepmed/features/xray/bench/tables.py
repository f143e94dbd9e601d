"""The result as tables for people: the same for the command line and for the documentation."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepmed.features.xray.bench.scores import FIGURES

Cell = str | int | float | bool | None
Result = Mapping[str, Any]
_TITLES = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "f1": "F1",
    "brier": "Brier",
    "ece": "ECE",
}


@dataclass(frozen=True)
class Table:
    """A table with its title; `note` says how to read it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""


def tables(result: Result) -> Iterator[Table]:
    """What was promised first, then what it rests on."""
    yield _promises(result)
    yield _figures(result)
    yield _seeds(result)
    yield from _questions(result)
    if result["federated"] is not None:
        yield _federated(result["federated"])
    yield _loading(result)


def _federated(result: Result) -> Table:
    rows: list[list[Cell]] = [
        ["centralised", *_beside(result["centralised"], None)],
        *([row["name"], *_beside(row, row["difference"])] for row in result["federated"]),
    ]
    (promise,) = result["promises"]
    verdict = "kept" if promise["passed"] else "NOT KEPT"
    return Table(
        "Clients that learn together",
        ["Training", "Seconds", "AUROC", "Less centralised", "Accuracy"],
        rows,
        f"{result['clients']} clients, {result['rounds']} rounds of {result['local_epochs']} local "
        "epochs, beside as many epochs centralised, on the same test part. Promised: "
        f"{promise['promise']} is at least {promise['limit']:g}; {verdict}.",
    )


def _beside(row: Result, difference: Result | None) -> list[Cell]:
    figures = row["figures"]
    return [
        _number(row["timing"]["seconds"], 0),
        _interval(figures["auroc"]),
        None if difference is None else _interval(difference["auroc"]),
        _interval(figures["accuracy"]),
    ]


def _promises(result: Result) -> Table:
    words = {True: "kept", False: "NOT KEPT", None: "not measured"}
    rows: list[list[Cell]] = [
        [
            one["promise"],
            _number(one["value"]),
            f"{'at least' if one['at_least'] else 'at most'} {one['limit']:g}",
            words[one["passed"]],
        ]
        for one in result["promises"]
    ]
    return Table("Promises", ["Promise", "Figure", "Promised", "Verdict"], rows)


def _figures(result: Result) -> Table:
    over, classic = result["spread"], result["classic"]
    rows: list[list[Cell]] = [
        ["ResNet-18, mean over seeds", *(_number(over[name]["mean"]) for name in FIGURES)],
        ["deviation over seeds", *(_number(over[name]["deviation"]) for name in FIGURES)],
    ]
    measured = [(f"seed {row['seed']}", row["figures"]) for row in result["seeds"]]
    rows.extend(
        [name, *(_interval(figures[figure]) for figure in FIGURES)]
        for name, figures in [*measured, (classic["name"], classic["figures"])]
    )
    rows.extend(
        [one["name"], *(_number(one.get(figure)) for figure in FIGURES)]
        for one in result["published"]
    )
    return Table(
        "Test part",
        ["Model", *(_TITLES[name] for name in FIGURES)],
        rows,
        "Decisions at 0.5 after temperature scaling on validation; intervals of 95 % over images, "
        "for the file names no patients. Models were tested after everything was chosen without "
        f"the test part. Looks at it, by the audit trail: {_looks(result)}.",
    )


def _looks(result: Result) -> str:
    looks = {f"seed {row['seed']}": row["test_looks"] for row in result["seeds"]}
    looks[result["classic"]["name"]] = result["classic"]["test_looks"]
    return ", ".join(f"{name} {count}" for name, count in looks.items())


def made_by(made: Mapping[str, Any]) -> str:
    """When something was trained and by which code; an asterisk where before this call."""
    code = made["environment"]["code"]
    commit = (code["commit"] or "no commit")[:10]
    return f"{made['date'][:10]}, {code['version']} {commit}{'*' * made['older_than_run']}"


def _seeds(result: Result) -> Table:
    rows: list[list[Cell]] = [
        [
            row["seed"],
            _number(row["timing"]["seconds"], 0),
            row["best_epoch"],
            row["epochs"],
            _number(row["temperature"]),
            _number(row["threshold"]),
            _interval(row["at_threshold"]["sensitivity"]),
            _interval(row["at_threshold"]["specificity"]),
            _interval(row["validation"]["auroc"]),
            _interval(row["validation"]["accuracy"]),
            row["test_looks"],
            made_by(row["made"]),
        ]
        for row in result["seeds"]
    ]
    columns = [
        "Seed", "Seconds", "Best epoch", "Epochs", "Temperature", "Youden threshold",
        "Sensitivity there", "Specificity there", "Validation AUROC", "Validation accuracy",
        "Looks at test", "Trained",
    ]  # fmt: skip
    return Table("Trainings", columns, rows, "* by an earlier call, and taken from there.")


def _questions(result: Result) -> Iterator[Table]:
    for one in result["variants"]["questions"]:
        rows: list[list[Cell]] = []
        for pair in one["seeds"]:
            for side in ("ours", "other"):
                figures = pair[side]["figures"]
                rows.append(
                    [
                        pair["seed"],
                        one[side],
                        pair[side]["best_epoch"],
                        *(_interval(figures[name]) for name in _SHOWN),
                    ]
                )
        yield Table(
            f"{one['question'].capitalize()}: {one['ours']} against {one['other']}",
            ["Seed", "Variant", "Best epoch", *(_TITLES[name] for name in _SHOWN)],
            rows,
            f"Compared on {result['variants']['compared_on']}. {one['verdict']}",
        )


_SHOWN = ("auroc", "brier", "sensitivity", "specificity", "ece")


def _loading(result: Result) -> Table:
    found = result["loading"]
    names = {
        "images": "images",
        "batch_size": "images a batch",
        "threads": "threads",
        "loader_images_per_second": "images a second, warm cache, 256x256",
        "cold_images_per_second": "images a second, first look, 256x256",
        "epoch_ratio": "epoch over bare forward and backward, 64x64, clock on the wall",
        "processor_ratio": "the same of processor time",
    }
    rows: list[list[Cell]] = [[words, _number(found[name])] for name, words in names.items()]
    return Table("Loading", ["What", "Figure"], rows)


def _number(value: float | None, digits: int = 3) -> str | None:
    if value is None:
        return None
    return f"{value:.{digits}f}" if isinstance(value, float) else f"{value}"


def _interval(figure: Mapping[str, Any]) -> str | None:
    if figure["estimate"] is None:
        return None
    if figure["low"] is None:
        return f"{figure['estimate']:.3f}"
    return f"{figure['estimate']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"

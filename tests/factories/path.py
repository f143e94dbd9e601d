"""The whole way of a drawing through the commands, small and real: what every engine must give."""

import json
from pathlib import Path
from typing import Any

import pytest

from deepmed.cli.entry import main
from deepmed.kit import settings as kit_settings
from deepmed.kit.pictures import encode_png
from factories import encoder
from factories.drawings import line_drawing

PATTERN = "{subject}_age{age}_{child_id}"
TYPICAL, NEW = 48, 4
ANSWER = (
    "drawing_id",
    "decision",
    "role",
    "anomaly_score",
    "p_value",
    "normalized_score",
    "is_anomaly",
    "confidence",
)


def write_pictures(folder: Path) -> None:
    (folder / "typical").mkdir(parents=True)
    (folder / "new").mkdir()
    for place in range(TYPICAL + NEW):
        kind = "typical" if place < TYPICAL else "new"
        age = 6 + place % 30 / 10
        file = folder / kind / f"person_age{age:.1f}_child{place}.png"
        file.write_bytes(encode_png(line_drawing(place, age)))


class Commands:
    """The commands, run in this process on the data folder that the environment names."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **named: object
    ) -> None:
        for name, value in {"ENCODER": encoder.NAME, **named}.items():
            monkeypatch.setenv(f"DEEPMED_{name}", str(value))
        kit_settings.current.cache_clear()
        self._capsys = capsys

    def __call__(self, *arguments: object) -> dict[str, Any]:
        code = main([*map(str, arguments), "--json"])
        said = self._capsys.readouterr()
        assert code == 0, said.out + said.err
        answer: dict[str, Any] = json.loads(said.out)
        return answer


def walk(ask: Commands, folder: Path) -> dict[str, Any]:
    """Import, embed, train, analyse, report, verify: what came of it, wherever it is kept."""
    write_pictures(folder)
    source = (folder / "typical", "--name-pattern", PATTERN)
    first, again = (ask("drawings", "import", *source) for _ in range(2))
    trained = ask("drawings", "train", "--groups", "6-9", "--detector", "knn")
    repeated = ask("drawings", "train", "--groups", "6-9", "--detector", "knn")
    new = ask("drawings", "import", folder / "new", "--name-pattern", PATTERN)
    ask("drawings", "embed")
    analysed = ask("drawings", "analyze", "--all")
    ask("drawings", "report", "--out", folder / "report.html")
    models = ask("drawings", "models")["models"]
    checks = [ask("verify", model["artifact"], "--rescore") for model in models]
    return {
        "stored": [len(found["stored"]) for found in (first, again, new)],
        "present": [len(found["already_present"]) for found in (first, again, new)],
        "trained": [
            [model["trained_now"] for model in run["models"]] for run in (trained, repeated)
        ],
        "artifacts": [model["artifact"] for model in models],
        "metrics": [model["metrics"] | {"seconds": None} for model in models],
        "verified": checks,
        "analyses": [{name: row[name] for name in ANSWER} for row in analysed["analyses"]],
        "q_values": [row["q_value"] for row in analysed["analyses"]],
        "report": (folder / "report.html").stat().st_size > 10_000,
    }

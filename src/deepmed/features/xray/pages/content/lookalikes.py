"""Images of different patients that look alike, and what a person says of them.

A split is made before anybody sees the pairs, so a judgement changes nothing of the run that it is
about. It is kept beside the run's images, and counts in the next training on them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deepmed.core.audit import repository as audit
from deepmed.core.home import Home
from deepmed.features.xray.pages.content.kept import split_of
from deepmed.features.xray.preparation.lookalikes import BINDING
from deepmed.features.xray.runs.folders import folder_of
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.features.xray.tables import XrayRun
from deepmed.kit.errors import ConflictError, NotFoundError, ValidationError
from deepmed.kit.files import write_atomically

KEPT = "judgements.json"
Pair = tuple[str, str]


@dataclass(frozen=True)
class PairShown:
    """Two images as they stand beside each other; `same` is what was said of them, if anything."""

    number: int
    first: str
    second: str
    digests: tuple[str, str]
    parts: tuple[str, str]
    correlation: float
    same: bool | None

    @property
    def binds(self) -> bool:
        """Whether they count as one patient's whatever anybody says."""
        return self.correlation > BINDING


def pairs(home: Home, run: XrayRun, split: Mapping[str, Any]) -> list[PairShown]:
    """The run's review list, the most alike first."""
    rows = {row[0]: (row[1], part) for part, each in split["parts"].items() for row in each}
    said = judged(home, run)
    listed = [
        one for one in split["audit"]["lookalikes"] if {one["first"], one["second"]} <= set(rows)
    ]
    return [
        PairShown(
            number,
            one["first"],
            one["second"],
            (rows[one["first"]][0], rows[one["second"]][0]),
            (rows[one["first"]][1], rows[one["second"]][1]),
            one["correlation"],
            said.get((one["first"], one["second"]), one["confirmed"]),
        )
        for number, one in enumerate(listed)
    ]


def judge(runs: XrayRuns, run_id: int, answers: Mapping[str, str]) -> str:
    """Keep what a person says of pairs, by their numbers: `same`, `different` or nothing.

    Raises:
        NotFoundError: there is no such run, or no such pair.
        ValidationError: an answer is none of these.
        ConflictError: the run's images are not here.
    """
    stored = StoredRun.of(runs.home, run_id, runs.ledger.kinds)
    split = split_of(runs.home, stored)
    folder = folder_of(runs.home, stored.run)
    if split is None or not folder.is_dir():
        raise ConflictError(f"The images of run {run_id} are not here, so nothing was kept.")
    listed = {str(one.number): one for one in pairs(runs.home, stored.run, split)}
    said = judged(runs.home, stored.run)
    for number, answer in answers.items():
        if number not in listed:
            raise NotFoundError(f"Run {run_id} has no pair {number[:20]!r}.")
        _say(said, (listed[number].first, listed[number].second), answer)
    _keep(runs.home, stored.run, said)
    return _told(said)


def judged(home: Home, run: XrayRun) -> dict[Pair, bool]:
    """What was said of pairs of this run: before it, as its settings have it, and since."""
    before = run.configuration["data"].get("lookalikes", [])
    said = {(one["first"], one["second"]): one["same"] for one in before}
    try:
        kept = json.loads((folder_of(home, run) / KEPT).read_bytes())
    except (OSError, ValueError):
        return said
    return {(first, second): same for first, second, same in kept}


def with_judgements(home: Home, run: XrayRun) -> dict[str, Any]:
    """The run's configuration with all that was said of its images."""
    pairs_said = [
        {"first": first, "second": second, "same": same}
        for (first, second), same in sorted(judged(home, run).items())
    ]
    return {
        **run.configuration,
        "data": {**run.configuration["data"], "lookalikes": pairs_said},
    }


def _say(said: dict[Pair, bool], pair: Pair, answer: str) -> None:
    if answer not in {"same", "different", ""}:
        raise ValidationError(f"A pair is 'same' or 'different', and not {answer[:40]!r}.")
    said.pop(pair, None)
    if answer:
        said[pair] = answer == "same"


def _keep(home: Home, run: XrayRun, said: Mapping[Pair, bool]) -> None:
    listed = [[first, second, same] for (first, second), same in sorted(said.items())]
    write_atomically(folder_of(home, run) / KEPT, json.dumps(listed, indent=1).encode())
    with home.database.write() as session:
        audit.record(
            session, home.owner_id, "xray.judge_lookalikes", "xray_run", run.id, pairs=len(listed)
        )


def _told(said: Mapping[Pair, bool]) -> str:
    same = sum(said.values())
    return (
        f"Kept. Of one person: {same}. Of two people: {len(said) - same}. This counts in the next "
        "training on these images."
    )

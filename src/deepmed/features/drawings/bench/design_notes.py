"""Figures that the design note states, beside what a run of the benchmark measures.

They were measured before this program was written, by other code on other sets of drawings (the
note's had four categories). A difference is therefore no error; each row says what differs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SOURCE = "design note"


@dataclass(frozen=True)
class Note:
    """A stated figure, and where the run's own one stands in the result.

    Attributes:
        what: what was measured.
        stated: the note's figure, as it stands there.
        path: where ours stands in the result; a step that is a mapping chooses from a list.
        differs: how the two measurements differ.
    """

    what: str
    stated: str
    path: tuple[str | Mapping[str, Any], ...]
    differs: str

    def beside(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """The note's figure beside ours, which is null where the run has none."""
        return {
            "what": self.what,
            "stated": self.stated,
            "source": SOURCE,
            "measured": _find(result, self.path),
            "differs": self.differs,
        }


def _detection(detector: str, kind: str) -> tuple[str | Mapping[str, Any], ...]:
    row = {"encoder": "hog-pyramid", "name": detector}
    return ("detection", "real", "rows", row, "figures", kind, "estimate")


def _alarms(detector: str, value: str) -> tuple[str | Mapping[str, Any], ...]:
    row = {"detector": detector, "repeated": False, "group": "6.0-9.0"}
    return ("false_alarms", "rows", row, value)


_OTHER_DRAWINGS = "other drawings, four categories"
_NOT_THE_SAME = "age groups of 280 drawings here"
_ONE_GROUP = "the group 6-9 of 280 drawings here"
NOTES = (
    Note(
        "1-NN tells the category",
        ".573 (chance .25)",
        ("neighbours", "rows", {"name": "hog-pyramid", "tells": "subject"}, "estimate"),
        "two categories here, chance .50",
    ),
    Note(
        "1-NN tells the age",
        ".18 to .28 (chance .20)",
        ("neighbours", "rows", {"name": "hog-pyramid", "tells": "age"}, "estimate"),
        _OTHER_DRAWINGS,
    ),
    Note(
        "autoencoder, another category, AUROC",
        ".657",
        ("another_category", "bird", "rows", {"name": "autoencoder"}, "figures", "all", "estimate"),
        f"{_OTHER_DRAWINGS}; birds are typical here",
    ),
    Note("kNN, scribbles, AUROC", ".967", _detection("knn", "scribble"), _NOT_THE_SAME),
    Note("kNN, shuffled parts, AUROC", ".945", _detection("knn", "parts_shuffled"), _NOT_THE_SAME),
    Note(
        "kNN, share of scribbles flagged",
        ".47",
        (*_alarms("knn", "power"), "scribble", "estimate"),
        _ONE_GROUP,
    ),
    Note(
        "kNN, share of shuffled drawings flagged",
        ".53",
        (*_alarms("knn", "power"), "parts_shuffled", "estimate"),
        _ONE_GROUP,
    ),
    Note("kNN, false alarms", ".029", _alarms("knn", "mean"), _ONE_GROUP),
    Note(
        "autoencoder, false alarms of the 95th percentile of training errors",
        "1.00",
        (*_alarms("autoencoder", "classic_rule"), "mean"),
        "80 training drawings an age there, the group 6-9 here",
    ),
    Note(
        "autoencoder, false alarms of split conformal",
        ".025",
        _alarms("autoencoder", "mean"),
        "80 training drawings an age there, the group 6-9 here",
    ),
    Note(
        "default encoder, ms an image",
        "2 to 3",
        ("speed", "rows", {"name": "hog-pyramid", "threads": 1}, "batched_ms", "best"),
        "another machine; one thread and small pictures here",
    ),
)


def beside(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All stated figures beside those of a result's parts."""
    return [note.beside(result) for note in NOTES]


def _find(found: Any, path: tuple[str | Mapping[str, Any], ...]) -> Any:
    for step in path:
        if isinstance(step, str):
            found = found.get(step) if isinstance(found, Mapping) else None
        else:
            rows = found if isinstance(found, list) else []
            found = next((row for row in rows if step.items() <= row.items()), None)
    return found

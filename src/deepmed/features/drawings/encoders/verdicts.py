"""What a comparison comes to in words: only what lies beyond chance."""

from collections.abc import Sequence

from deepmed.features.drawings.encoders.tasks import ENCODER, Row, Task

QUESTIONS = {
    "retrieval": "finding drawings of the same subject",
    "age error": "telling the age",
    "age order": "putting drawings in the order of ages",
    "planted anomalies": "finding planted anomalies",
}


def of_task(task: Task, present: str) -> str:
    """One sentence about a question."""
    what = QUESTIONS[task.name]
    if task.reason:
        return f"Nothing can be said about {what}: {task.reason}"
    rivals = [row for row in task.rows if row.role == ENCODER and row.name != present]
    better = [row for row in rivals if row.beside_present and row.beside_present.low > 0]
    worse = [row for row in rivals if row.beside_present and row.beside_present.high < 0]
    said = [_beyond(row, "better", present, what) for row in better]
    said += [_beyond(row, "worse", present, what) for row in worse]
    if not said:
        said = [f"No encoder differs from {present} beyond chance in {what}."]
    return " ".join([*said, *_beside_trivial(task, present)])


def overall(tasks: Sequence[Task], present: str) -> str:
    """What follows for the choice of the encoder."""
    ahead: dict[str, list[str]] = {}
    behind: set[str] = set()
    for task in tasks:
        for row in task.rows:
            if row.role == ENCODER and row.beside_present is not None:
                if row.beside_present.low > 0:
                    ahead.setdefault(row.name, []).append(QUESTIONS[task.name])
                if row.beside_present.high < 0:
                    behind.add(row.name)
    clear = {name: what for name, what in ahead.items() if name not in behind}
    if not clear:
        return (
            f"On these drawings no other encoder is better than {present} without being worse "
            "elsewhere; there is no reason here to change."
        )
    named = "; ".join(f"{name} in {', '.join(what)}" for name, what in clear.items())
    return (
        f"Better than {present} beyond chance, and nowhere worse: {named}. A change means to embed "
        "and train anew."
    )


def _beyond(row: Row, word: str, present: str, what: str) -> str:
    found = row.beside_present
    if found is None:
        return ""
    return (
        f"{row.name} is {word} than {present} in {what}: {found.estimate:+.3f}, "
        f"{found.level:.0%} interval {found.low:+.3f} to {found.high:+.3f}."
    )


def _beside_trivial(task: Task, present: str) -> list[str]:
    """Whether the present encoder exceeds each row that looks at next to nothing."""
    return [
        f"{present} is not better than {row.name} beyond chance."
        for row in task.rows
        if row.role != ENCODER and row.beside_present and row.beside_present.high >= 0
    ]

"""What was looked at when a report was made, in words (V-2)."""

from collections.abc import Sequence

from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.runs.verify import TOLERANCE, Check, count_again

_MOST_NAMED = 10


def what_was_checked(run: StoredRun) -> list[str]:
    """Signature and counts anew; what disagrees is named, and what was not looked at too."""
    package = run.package
    checks = count_again(package.files, package.manifest.metrics, run.run.configuration)
    return [
        f"The signature of the artefact {run.artifact.uid} and the checksums of its "
        f"{len(package.manifest.files)} files were right when they were read for this report.",
        _counted(checks, binary=run.model["operating_point"]["threshold"] is not None),
        "No image was scored again, and no interval drawn again, for this report. To do both: "
        f"deepmed verify {run.artifact.uid} --rescore",
    ]


def _counted(checks: Sequence[Check], *, binary: bool) -> str:
    wrong = [check for check in checks if not check.agrees]
    if wrong:
        names = ", ".join(check.figure for check in wrong[:_MOST_NAMED])
        return (
            f"{len(wrong)} of {len(checks)} facts and figures do NOT come out again from the "
            f"stored predictions, and must not be relied on: {names}."
        )
    if not binary:
        return (
            "It was checked that the split is the one of its digest, and that each prediction is "
            "of an image of its part. Figures of several classes were not counted again for this "
            f"report. All {len(checks)} checks agree."
        )
    return (
        "Estimates, counts, threshold and split were counted again from the stored predictions, "
        "by a program that shares no code with the evaluation: "
        f"all {len(checks)} agree to {TOLERANCE:g}."
    )

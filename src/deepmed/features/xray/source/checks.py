"""Whether there is enough to train on; asked before and after the images are decoded."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from deepmed.features.xray.errors import Rejection, SourceRefusedError, in_words
from deepmed.features.xray.source.options import SourceOptions


def refuse_too_few(
    labels_and_patients: Iterable[tuple[int, str]],
    classes: Sequence[str],
    options: SourceOptions,
    *,
    published: bool,
    why: str = "",
) -> None:
    """Raise where no training can come of it.

    Args:
        labels_and_patients: of each image.
        classes: by their labels.
        options: what the least numbers are.
        published: the split comes with the images, so no class has to be dealt to three parts.
        why: what explains a small number, as an end of the message.

    Raises:
        SourceRefusedError: too few images, one class alone, or a class of too few patients.
    """
    patients: dict[int, set[str]] = defaultdict(set)
    images = 0
    for label, patient in labels_and_patients:
        images += 1
        patients[label].add(patient)
    if images < options.minimum_images:
        raise SourceRefusedError(
            f"No training was started: there are {images} images with a label; at least "
            f"{options.minimum_images} are needed.{why}"
        )
    if len(patients) < 2:
        only = classes[next(iter(patients))]
        raise SourceRefusedError(
            f"No training was started: all {images} images are of one class, {only!r}; at least "
            f"two classes are needed.{why}"
        )
    _refuse_small_class(patients, classes, 1 if published else options.minimum_patients, why)


def refuse_unreadable(labelled: int, rejected: Sequence[Rejection], options: SourceOptions) -> None:
    """Raises SourceRefusedError where most of the images cannot be read."""
    if len(rejected) > options.most_unreadable * labelled:
        raise SourceRefusedError(
            f"No training was started: {len(rejected)} of {labelled} labelled images cannot be "
            f"read: {in_words(tuple(rejected))}",
            problems=[
                {"name": each.name, "reason": each.reason, "row": each.row, "column": each.column}
                for each in rejected
            ],
        )


def _refuse_small_class(
    patients: dict[int, set[str]], classes: Sequence[str], least: int, why: str
) -> None:
    for label, name in enumerate(classes):
        if len(patients[label]) < least:
            raise SourceRefusedError(
                f"No training was started: the class {name!r} has {len(patients[label])} "
                f"patients; at least {least} are needed, so that training, validation and test "
                f"have one each.{why}"
            )

"""From a source that was taken in to a split and to what a trainer loads (X-2, X-5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deepmed.features.xray.errors import SourceRefusedError
from deepmed.features.xray.preparation.audit import PARTS
from deepmed.features.xray.preparation.lookalikes import Lookalike, find_lookalikes
from deepmed.features.xray.preparation.split_plan import SplitPlan
from deepmed.features.xray.preparation.splitting import (
    FRACTIONS,
    audit_published,
    split_by_patient,
)
from deepmed.features.xray.source.data_source import DataSource
from deepmed.features.xray.source.naming import STORED_NAME
from deepmed.features.xray.source.stored import read_image
from deepmed.features.xray.source.taking import Progress
from deepmed.learning.imaging.rows import ImageRow

if TYPE_CHECKING:
    from deepmed.learning.imaging import DataSettings, Preprocessing, XRayDataModule


@dataclass(frozen=True)
class SplitSettings:
    """`keep_published`: a split that comes with the images is used, as others report on it."""

    fractions: tuple[float, float, float] = FRACTIONS
    seed: int = 0
    keep_published: bool = True
    look_for_lookalikes: bool = True


class DataPrepUtils:
    """The steps between the data and the trainer."""

    @staticmethod
    def prepare_dataset(
        source: DataSource,
        settings: SplitSettings | None = None,
        verdicts: Mapping[tuple[str, str], bool] | None = None,
        progress: Progress | None = None,
    ) -> SplitPlan:
        """One row an image, split by patient, audited.

        Args:
            source: what `DataSourceExtractor` took in; rows of one image are one there already.
            settings: how to split.
            verdicts: what a person said of pairs in the review list, by the images' names.
            progress: told while images are compared; what it raises ends the work.

        Raises:
            SourceRefusedError: equal images with different labels, a class of too few patients, or
                a published split that names some images alone.
            LeakageError: a patient or an equal image crosses a split of ours.
        """
        try:
            return _prepared(source, settings or SplitSettings(), verdicts, progress)
        except SourceRefusedError as error:
            raise _by_files(error, source) from error

    @staticmethod
    def create_data_module(
        plan: SplitPlan,
        preprocessing: "Preprocessing",
        settings: "DataSettings",
        progress: Progress | None = None,
    ) -> "XRayDataModule":
        """The split's images as Lightning loads them; `progress` is told of the first look."""
        from deepmed.learning.imaging import XRayDataModule  # noqa: PLC0415 - torch and Lightning

        return XRayDataModule(
            plan.train,
            plan.validation,
            plan.test or None,
            preprocessing,
            settings,
            read_image,
            progress=progress,
        )


def _prepared(
    source: DataSource,
    chosen: SplitSettings,
    verdicts: Mapping[tuple[str, str], bool] | None,
    progress: Progress | None,
) -> SplitPlan:
    rows = source.rows
    alike: tuple[Lookalike, ...] = ()
    if chosen.look_for_lookalikes:
        alike = find_lookalikes(rows, verdicts=verdicts, progress=progress)
    if not (source.published and chosen.keep_published):
        return split_by_patient(rows, chosen.fractions, chosen.seed, alike)
    parts = _published(source)
    return audit_published(
        parts["train"],
        parts["validation"],
        parts["test"],
        alike,
        seed=chosen.seed,
        validation_fraction=chosen.fractions[1],
    )


def _by_files(error: SourceRefusedError, source: DataSource) -> SourceRefusedError:
    """The same refusal with the names by which somebody finds the files."""

    def told(text: str) -> str:
        return STORED_NAME.sub(lambda found: source.file_of(found[0]), text)

    problems = [
        {**each, "name": source.file_of(each["name"]), "reason": told(each["reason"])}
        for each in error.details.get("problems", ())
    ]
    return SourceRefusedError(told(error.message), problems=problems)


def _published(source: DataSource) -> dict[str, list[ImageRow]]:
    parts: dict[str, list[ImageRow]] = {part: [] for part in PARTS}
    unnamed = [row.image_id for row in source.rows if row.image_id not in source.published]
    if unnamed:
        raise SourceRefusedError(
            f"No training was started: {len(unnamed)} images have no part in the published split "
            f"({', '.join(unnamed[:5])}). Give each image one, or none of them."
        )
    for row in source.rows:
        parts[source.published[row.image_id]].append(row)
    if not parts["train"]:
        raise SourceRefusedError(
            "No training was started: the published split has no training images."
        )
    return parts

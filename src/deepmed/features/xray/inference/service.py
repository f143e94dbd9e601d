"""One owner's completed runs, asked about single images (X-17)."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from deepmed.core.home import Home
from deepmed.features.xray.inference import repository
from deepmed.features.xray.inference.errors import NoModelError, UnreadableUploadError
from deepmed.features.xray.inference.prediction import HeatMap, ModelFacts, Prediction
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.features.xray.source import ReadingRules, XrayImage, XrayReader
from deepmed.features.xray.turns import TURNS
from deepmed.kit.errors import ImageProcessingError
from deepmed.kit.settings import Settings

if TYPE_CHECKING:
    from deepmed.features.xray.inference.served_model import ServedModel, Shelf


@dataclass(frozen=True)
class MapWanted:
    """How a heat map shall be made.

    `method` is `grad_cam`, `grad_cam_plus_plus` or `occlusion`; `alpha` says how much the largest
    value covers; without `measured` nothing tells how faithful the map is.
    """

    method: str = "grad_cam"
    colour_map: str = "viridis"
    alpha: float = 0.4
    measured: bool = True

    def with_measure(self, *, measured: bool) -> "MapWanted":
        return replace(self, measured=measured)


_NONE_UNBIDDEN = (
    "No run is in service, so nothing was predicted: none that is completed serves unless it is "
    "chosen, because it was trained on a share of the images, has no test part, or trains another "
    "run again. Choose a run to serve, or name one."
)


@dataclass(frozen=True)
class Serving:
    """Which run answers where none is named."""

    run_id: int
    chosen: bool

    @property
    def because(self) -> str:
        """Why it is this one."""
        if self.chosen:
            return "It was chosen to serve."
        return (
            "None was chosen, and of the runs that were trained on all images, have a test part "
            "and train none again it was completed last; one of two classes goes before one of "
            "several."
        )


@dataclass(frozen=True)
class XrayInference:
    """Another owner's runs do not exist here. What is sent is read, answered and forgotten."""

    home: Home

    @classmethod
    def of(cls, home: Home) -> Self:
        return cls(home)

    def run(self, run_id: int | None = None) -> StoredRun:
        """The run that answers: the named one, else the one of `serving`.

        Raises:
            NotFoundError: the named one is not this owner's.
            ConflictError: it is not completed.
            NoModelError: none is named, and none serves.
        """
        if run_id is None:
            run_id = self.serving().run_id
        found = StoredRun.of(self.home, run_id)
        _ = found.artifact
        return found

    def predict(
        self,
        run_id: int | None,
        content: bytes,
        name: str = "",
        heatmap: str | None = None,
    ) -> Prediction:
        """What the model says of an image, and whether that is an answer.

        Args:
            run_id: whose model; None for the one that serves.
            content: PNG, JPEG, BMP, TIFF or DICOM, known by its content.
            name: of the file, a label.
            heatmap: a method of `MapWanted`, or none.

        Raises:
            UnreadableUploadError: no image can be had from it.
            Whatever `run` raises.
        """
        with self.asking(run_id) as asked:
            return asked.predict(content, name, None if heatmap is None else MapWanted(heatmap))

    @contextmanager
    def asking(self, run_id: int | None = None) -> Iterator["Asked"]:
        """One model for several images, with one reader of DICOM files."""
        run = self.run(run_id)
        with XrayReader(ReadingRules.of(self.home.settings)) as reader:
            yield Asked(_facts(run), _model(run), reader, self.home.settings)

    def state(self) -> tuple[ModelFacts, bool]:
        """Which model serves, and whether it is in memory; nothing is loaded.

        Raises:
            NoModelError: there is none.
            IntegrityError: what is said of it is not what was signed; weights are not looked at.
        """
        run = self.run()
        return _facts(run), _is_loaded(run.artifact.manifest_hash)

    def chosen(self) -> int | None:
        """The run that was chosen to serve; None where the newest does."""
        with self.home.database.read() as session:
            return repository.chosen(session, self.home.owner_id)

    def choose(self, run_id: int | None) -> None:
        """Let a run serve, or whichever does unbidden; see `serving`.

        Raises:
            NotFoundError: there is no such run of this owner.
            ConflictError: it is not completed.
        """
        if run_id is not None:
            self.run(run_id)
        with self.home.database.write() as session:
            repository.choose(session, self.home.owner_id, run_id)

    def serving(self) -> "Serving":
        """The run that answers where none is named: the chosen one, else one that may unbidden.

        Raises:
            NoModelError: there is none.
        """
        with self.home.database.read() as session:
            owner = self.home.owner_id
            chosen = repository.chosen(session, owner)
            if chosen is not None:
                return Serving(chosen, chosen=True)
            unbidden = repository.unbidden(session, owner)
            if unbidden is None:
                some = repository.is_any_completed(session, owner)
                raise NoModelError(_NONE_UNBIDDEN) if some else NoModelError
        return Serving(unbidden, chosen=False)


@dataclass(frozen=True)
class Asked:
    """A model that is asked about images."""

    facts: ModelFacts
    model: "ServedModel"
    reader: XrayReader
    settings: Settings

    def predict(self, content: bytes, name: str, heatmap: MapWanted | None = None) -> Prediction:
        """See `XrayInference.predict`; also raises BusyError where others keep all turns."""
        begun = time.perf_counter()
        with TURNS.turn(before_waiting=self.reader.close):
            image = self._read(content)
            made = self._predict(image, name, begun)
            if heatmap is None:
                return made
            return replace(made, heatmap=self._map(image, made, heatmap))

    def _read(self, content: bytes) -> XrayImage:
        try:
            return self.reader.read(content)
        except ImageProcessingError as error:
            raise UnreadableUploadError(f"{error.message} Nothing was predicted.") from error

    def _predict(self, image: XrayImage, name: str, begun: float) -> Prediction:
        from deepmed.features.xray.inference.answering import decided, judged  # noqa: PLC0415 - torch

        shares, novelty = self.model.look(image.pixels)
        decision, withheld = decided(self.model, shares)
        height, width = image.pixels.shape[:2]
        return Prediction(
            model=self.facts,
            filename=name,
            probabilities=tuple(shares),
            threshold=self.model.loaded.point.threshold,
            decision=self.facts.classes[decision],
            withheld=withheld,
            novelty=judged(self.model, novelty),
            width=width,
            height=height,
            notes=image.notes,
            processing_time_ms=1000 * (time.perf_counter() - begun),
            calibrated=self.model.loaded.point.is_calibrated,
        )

    def _map(self, image: XrayImage, made: Prediction, wanted: MapWanted) -> HeatMap:
        from deepmed.features.xray.inference.heat_maps import heat_map  # noqa: PLC0415 - torch

        return heat_map(
            self.model,
            image.pixels,
            made,
            wanted.method,
            colour_map=wanted.colour_map,
            alpha=wanted.alpha,
            measured=wanted.measured,
        )


def _facts(run: StoredRun) -> ModelFacts:
    return ModelFacts(
        run_id=run.run.id,
        run_name=run.run.run_description,
        version=f"run_{run.run.id}_{run.artifact.uid[:8]}",
        classes=tuple(run.model["classes"]),
    )


def _model(run: StoredRun) -> "ServedModel":
    from deepmed.features.xray.inference.served_model import SHELF, ServedModel  # noqa: PLC0415 - torch

    return SHELF.get(run.artifact.manifest_hash, lambda: ServedModel.of(run.package.files))


def forget(manifest_hash: str) -> None:
    """Let go of a model in this process's memory: its run was deleted."""
    shelf = _shelf()
    if shelf is not None:
        shelf.drop(manifest_hash)


def _is_loaded(manifest_hash: str) -> bool:
    shelf = _shelf()
    return shelf is not None and shelf.held(manifest_hash) is not None


def _shelf() -> "Shelf | None":
    """Where nothing was answered yet there is none, and nothing is loaded to look."""
    module: Any = sys.modules.get("deepmed.features.xray.inference.served_model")
    return None if module is None else module.SHELF

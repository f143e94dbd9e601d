"""Batches that repeat, decoded once."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.imaging import (
    DataSettings,
    ImageRow,
    ImagingError,
    Preprocessing,
    XRayDataModule,
)

PREPROCESSING = Preprocessing((16, 16))
MakeRows = Callable[..., list[ImageRow]]
SETTINGS = DataSettings(batch_size=4, seed=3)
Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


@pytest.fixture
def make(make_rows: MakeRows, reader: Any) -> Callable[..., XRayDataModule]:
    rows = make_rows([0, 1] * 10)
    test = make_rows([1, 0, 1], folder="test")

    def build(
        settings: DataSettings = SETTINGS,
        preprocessing: Preprocessing = PREPROCESSING,
        train: list[ImageRow] | None = None,
        **options: Any,
    ) -> XRayDataModule:
        training = rows[:14] if train is None else train
        return XRayDataModule(training, rows[14:], test, preprocessing, settings, reader, **options)

    return build


Make = Callable[..., XRayDataModule]


def epoch(module: XRayDataModule, number: int = 0) -> list[Batch]:
    loader = module.train_dataloader()
    loader.sampler.set_epoch(number)  # type: ignore[attr-defined] # ours has it
    return list(loader)


def same(first: list[Batch], second: list[Batch]) -> bool:
    return len(first) == len(second) and all(
        torch.equal(a, b)
        for one, two in zip(first, second, strict=True)
        for a, b in zip(one, two, strict=True)
    )


@pytest.mark.req("X-5.1")
def test_after_the_first_look_no_image_is_decoded_again(make: Make, reader: Any) -> None:
    module = make()
    module.prepare_data()
    assert len(reader.paths) == 23
    for number in range(3):
        epoch(module, number)
    list(module.val_dataloader())
    list(module.test_dataloader())
    assert len(reader.paths) == 23


@pytest.mark.req("X-5.1")
@pytest.mark.parametrize("memory", [0, 10**6])
def test_a_later_run_decodes_nothing_and_sees_the_same(
    make: Make, reader: Any, tmp_path: Path, memory: int
) -> None:
    settings = replace(SETTINGS, cache_folder=tmp_path / "cache", memory_limit_bytes=memory)
    first = epoch(make(settings))
    decoded = len(reader.paths)
    assert same(epoch(make(settings)), first)
    assert same(epoch(make()), first)  # and without any cache
    assert decoded == 23
    assert len(reader.paths) == 46  # the last run's own


def test_another_reader_or_preprocessing_shares_no_decoded_image(
    make: Make, reader: Any, tmp_path: Path
) -> None:
    settings = replace(SETTINGS, cache_folder=tmp_path / "cache", reader="decoder-1")
    make(settings).prepare_data()
    make(replace(settings, reader="decoder-2")).prepare_data()
    assert len(reader.paths) == 46
    make(settings, Preprocessing((12, 12))).prepare_data()
    assert len(reader.paths) == 69
    make(settings, replace(PREPROCESSING, mean=(0.5, 0.5, 0.5))).prepare_data()
    assert len(reader.paths) == 69


def test_a_cache_without_room_slows_and_changes_nothing(
    make: Make, reader: Any, tmp_path: Path
) -> None:
    small = replace(
        SETTINGS, cache_folder=tmp_path / "cache", cache_limit_bytes=2000, memory_limit_bytes=1000
    )
    assert same(epoch(make(small)), epoch(make()))
    assert (
        sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*") if path.is_file())
        <= 2000
    )
    assert len(reader.paths) > 46


@pytest.mark.req("X-4.1")
def test_validation_and_test_see_what_use_sees_to_the_bit(make: Make, reader: Any) -> None:
    module = make()
    stored = Preprocessing.from_json(module.preprocessing.to_json())
    for data, loader in (
        (module.val_dataset, module.val_dataloader()),
        (module.test_dataset, module.test_dataloader()),
    ):
        seen = 0
        for images, _, places in loader:
            for image, place in zip(images, places, strict=True):
                assert torch.equal(image, stored.apply(reader(data.rows[place].path)))
                seen += 1
        assert seen == len(data)


@pytest.mark.req("X-5.1")
def test_the_number_of_workers_changes_no_batch(make: Make) -> None:
    alone = make()
    helped = make(replace(SETTINGS, workers=2, persistent_workers=True))
    loader = helped.train_dataloader()
    for number in range(2):
        loader.sampler.set_epoch(number)  # type: ignore[attr-defined] # ours has it
        assert same(list(loader), epoch(alone, number))


def test_a_batch_is_images_labels_and_places(make: Make) -> None:
    module = make()
    images, labels, places = epoch(module)[0]
    assert (images.shape, images.dtype) == ((4, 3, 16, 16), torch.float32)
    assert labels.dtype == places.dtype == torch.int64
    assert labels.tolist() == [module.train_dataset.rows[place].label for place in places]


def test_epochs_differ_in_order_and_in_what_is_drawn(make: Make) -> None:
    module = make()
    batches = [epoch(module, number) for number in range(2)]
    orders = [torch.cat([places for *_, places in each]).tolist() for each in batches]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(14))
    assert orders[0] != orders[1]
    images = [
        {
            int(place): image
            for image, place in zip(torch.cat([b[0] for b in each]), order, strict=True)
        }
        for each, order in zip(batches, orders, strict=True)
    ]
    assert all(not torch.equal(images[0][place], images[1][place]) for place in range(14))


class Recording(LightningModule):  # type: ignore[misc] # Lightning's types are not read
    """A network of one layer that keeps what it was given."""

    def __init__(
        self,
        killed_at: tuple[int, int] | None = None,
        kept: str = "",
        folder: Path = Path(),
    ) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3 * 16 * 16, 1)
        self.killed_at = killed_at
        self.kept = kept
        self.folder = folder
        self.seen: dict[int, list[Batch]] = {}

    def training_step(self, batch: Batch, batch_index: int) -> torch.Tensor:
        if self.killed_at == (self.current_epoch, batch_index):
            raise RuntimeError("killed")
        self.seen.setdefault(self.current_epoch, []).append((batch[0].clone(), batch[1], batch[2]))
        loss: torch.Tensor = self.layer(batch[0].flatten(1)).mean()
        return loss

    def validation_step(self, batch: Batch) -> None:
        self.layer(batch[0].flatten(1))

    def on_validation_epoch_end(self) -> None:
        if self.kept == "with its validation":
            self.trainer.save_checkpoint(self.folder / f"{self.current_epoch}.ckpt")

    def on_train_epoch_end(self) -> None:
        if self.kept == "after the epoch":
            self.trainer.save_checkpoint(self.folder / f"{self.current_epoch}.ckpt")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.0)


def trainer(folder: Path, epochs: int) -> Trainer:
    return Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        default_root_dir=folder,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
    )


@pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning")
@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")  # Lightning's, of what torch renames
@pytest.mark.parametrize("kept", ["after the epoch", "with its validation"])
def test_a_run_killed_in_an_epoch_sees_that_epochs_batches_again(
    make: Make, tmp_path: Path, kept: str
) -> None:
    whole = Recording()
    trainer(tmp_path, 3).fit(whole, datamodule=make())
    killed = Recording(killed_at=(1, 2), kept=kept, folder=tmp_path)
    with pytest.raises(RuntimeError, match="killed"):
        trainer(tmp_path, 3).fit(killed, datamodule=make())
    assert same(killed.seen[0] + killed.seen[1], whole.seen[0] + whole.seen[1][:2])

    checkpoint = tmp_path / "0.ckpt"
    rest = Recording()
    resumed = trainer(tmp_path, 3)
    resumed.fit(rest, datamodule=make(), ckpt_path=checkpoint, weights_only=True)
    assert sorted(rest.seen) == [1, 2]
    for number in (1, 2):
        assert same(rest.seen[number], whole.seen[number])

    others = make(replace(SETTINGS, seed=4))
    with pytest.raises(ImagingError, match="other images, another seed"):
        trainer(tmp_path, 3).fit(
            Recording(), datamodule=others, ckpt_path=checkpoint, weights_only=True
        )


def test_classes_are_counted_among_what_can_be_read(make: Make, make_rows: MakeRows) -> None:
    rows = make_rows([0, 2, 1, 2, 2, 3, 0, 1], folder="several")
    rows[1].path.unlink()
    assert make(train=rows).class_counts == (2, 2, 2, 1)
    assert make().class_counts == (7, 7)


def test_all_rejections_are_told_before_training(make: Make, make_rows: MakeRows) -> None:
    module = make()
    module.test_dataset.rows[2].path.unlink()
    again = make()
    again.prepare_data()
    reports = {report.part: report.counts for report in again.rejection_reports}
    assert reports == {"training": {}, "validation": {}, "test": {"missing": 1}}


@pytest.mark.parametrize(
    ("labels", "words"),
    [([0, 1, 1], "at least 4"), ([1] * 6, "told apart")],
    ids=["3", "one-class"],
)
def test_what_cannot_be_learnt_from_is_refused(
    make: Make, make_rows: MakeRows, labels: list[int], words: str
) -> None:
    with pytest.raises(InsufficientDataError, match=words):
        make(train=make_rows(labels, folder="few")).prepare_data()


def test_a_run_without_a_test_part_says_so(make_rows: MakeRows, reader: Any) -> None:
    rows = make_rows([0, 1] * 4)
    module = XRayDataModule(rows, rows, None, PREPROCESSING, SETTINGS, reader)
    with pytest.raises(ImagingError, match="no test part"):
        module.test_dataloader()


def test_no_batch_of_one_is_left_to_normalise(make: Make, make_rows: MakeRows) -> None:
    rows = make_rows([0, 1] * 4 + [1], folder="nine")
    assert [len(labels) for _, labels, _ in epoch(make(train=rows))] == [4, 4]
    assert [len(labels) for _, labels, _ in epoch(make(train=rows[:6]))] == [4, 2]


@pytest.mark.parametrize("workers", [0, 2])
def test_loading_leaves_the_networks_random_numbers_alone(make: Make, workers: int) -> None:
    module = make(replace(SETTINGS, workers=workers))
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    epoch(module)
    assert torch.equal(torch.rand(3), expected)


def test_progress_runs_over_all_parts(make: Make) -> None:
    told: list[tuple[int, int]] = []
    make(progress=lambda done, total: told.append((done, total))).prepare_data()
    assert told == [(done, 23) for done in range(1, 24)]


def test_each_process_of_several_takes_its_share(make: Make) -> None:
    shares = []
    for rank in range(2):
        module = make()
        module.trainer = type("Two", (), {"world_size": 2, "global_rank": rank})()
        shares.append(torch.cat([places for *_, places in epoch(module)]).tolist())
    assert sorted(shares[0] + shares[1]) == list(range(14))


@pytest.mark.req("X-12.1")
def test_what_is_scored_is_not_shared_among_the_processes_that_trained(make: Make) -> None:
    module = make()
    module.trainer = type("Two", (), {"world_size": 2, "global_rank": 1})()
    for part, loader in (
        (module.val_dataset, module.scoring_dataloader(module.val_dataset)),
        (module.test_dataset, module.scoring_dataloader(module.test_dataset)),
        (module.test_dataset, module.test_dataloader()),
    ):
        seen = torch.cat([places for *_, places in loader]).tolist()
        assert seen == part.valid_indices.tolist()


@pytest.mark.parametrize(
    "change",
    [{"batch_size": 0}, {"workers": -1}, {"augmentation_strength": 3}, {"memory_limit_bytes": -1}],
    ids=lambda change: next(iter(change)),
)
def test_settings_that_cannot_be_meant_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"at least|negative|from 0 to 2"):
        DataSettings(**change)


def test_loading_processes_are_seeded(make_rows: MakeRows) -> None:
    def random(_: Path) -> np.ndarray:
        return np.random.randint(0, 256, (8, 8, 3), np.uint8)  # noqa: NPY002 - as an old reader draws

    def drawn() -> list[Batch]:
        settings = replace(SETTINGS, memory_limit_bytes=0, augmentation_strength=0)
        module = XRayDataModule(rows, rows[:1], None, PREPROCESSING, settings, random)
        module.prepare_data()
        module.settings = replace(settings, workers=1)
        return list(module.val_dataloader())

    rows = make_rows([0, 1] * 2)
    assert same(drawn(), drawn())

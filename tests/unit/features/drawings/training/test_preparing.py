from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from deepmed.features.drawings.embeddings.service import EmbeddingService
from deepmed.features.drawings.training.config.models import DataConfig
from deepmed.features.drawings.training.datasets import Dataset
from deepmed.features.drawings.training.errors import DatasetRefusedError
from deepmed.features.drawings.training.looking import check_dataset
from deepmed.features.drawings.training.preparing import PARTS, TrainingData, prepare
from deepmed.features.drawings.training.vectors import VectorStore
from deepmed.kit.errors import PathRefusedError
from deepmed.learning.reference import Rows
from factories.training_sets import NAME, TABLE, write_set


def children(rows: Rows) -> set[int]:
    return set(rows.children.tolist())


def load(service: EmbeddingService, root: Path, seed: int = 0) -> TrainingData:
    return prepare(
        Dataset(str(root / NAME), TABLE, by_path=True).find(service.settings),
        service,
        DataConfig(),
        seed,
        vectors=VectorStore(service.identity.key),
        progress=lambda _done, _total: None,
    )


class TestParts:
    @pytest.mark.req("D-12.1")
    @pytest.mark.parametrize("seed", range(5))
    def test_no_child_is_in_two_parts(
        self, service: EmbeddingService, classroom: Path, seed: int
    ) -> None:
        data = load(service, classroom, seed)
        parts = [children(data.part(name)) for name in PARTS]
        assert sum(map(len, parts)) == len(set().union(*parts))
        assert sum(len(data.parts[name]) for name in PARTS) == len(data.typical)
        several = Counter(data.typical.children.tolist())
        assert max(several.values()) == 2

    def test_shares_are_met_as_nearly_as_whole_children_allow(self, data: TrainingData) -> None:
        wanted = {"train": 0.45, "validation": 0.25, "test": 0.3}
        for name, share in wanted.items():
            assert len(data.parts[name]) / len(data.typical) == pytest.approx(share, abs=0.04)

    def test_another_seed_makes_another_split(
        self, service: EmbeddingService, classroom: Path
    ) -> None:
        one, again, other = (load(service, classroom, seed) for seed in (0, 0, 1))
        assert one.parts["test"].tolist() == again.parts["test"].tolist()
        assert one.data_hash == again.data_hash
        assert one.parts["test"].tolist() != other.parts["test"].tolist()
        assert one.data_hash != other.data_hash

    @pytest.mark.req("D-8.2")
    def test_what_must_not_train_does_not(self, data: TrainingData) -> None:
        wanted = {"unreadable": 1, "blank": 1, "duplicate": 1, "labelled": 8}
        assert data.left_out | wanted == data.left_out
        assert (len(data.typical), len(data.labelled)) == (80, 8)
        assert not any(name.startswith(("odd", "blank", "broken")) for name in data.files)
        assert len({"copy.png", "p3.png"} & set(data.files)) == 1

    def test_a_labelled_childs_own_number_is_that_of_its_other_drawings(
        self, data: TrainingData
    ) -> None:
        assert len(children(data.labelled) & children(data.typical)) == 1

    def test_numbers_are_negative_so_that_they_are_nobodys(self, data: TrainingData) -> None:
        for rows in (data.typical, data.labelled):
            assert rows.drawings.max() < 0
            assert rows.children.max() < 0
        every = [*data.typical.drawings.tolist(), *data.labelled.drawings.tolist()]
        assert len(set(every)) == len(every)

    def test_vectors_are_those_of_the_encoder(
        self, service: EmbeddingService, classroom: Path, data: TrainingData
    ) -> None:
        from deepmed.kit.pictures import read_picture

        row = 17
        pixels = read_picture((classroom / NAME / data.files[row]).read_bytes()).pixels
        assert np.array_equal(data.typical.vectors[row], service.encoder.embed([pixels])[0])


class TestRefusals:
    def test_too_few_to_train_or_to_watch(self, service: EmbeddingService, tmp_path: Path) -> None:
        write_set(tmp_path, 12)
        with pytest.raises(DatasetRefusedError, match="at least 10 are needed"):
            load(service, tmp_path)

    def test_one_child_alone_cannot_be_split(
        self, service: EmbeddingService, tmp_path: Path
    ) -> None:
        write_set(tmp_path, 30, child_id="the only one")
        with pytest.raises(DatasetRefusedError, match="no drawing for validation; no drawing for"):
            load(service, tmp_path)

    def test_blank_pages_are_found_out_only_when_they_are_read(
        self, service: EmbeddingService, tmp_path: Path
    ) -> None:
        from factories.drawings import line_drawing
        from factories.training_sets import write_rows

        pictures = {f"p{n}.png": line_drawing(n, 7.0) * 0 + 255 for n in range(30)}
        rows = [{"filename": name, "age_years": 7} for name in pictures]
        write_rows(tmp_path / NAME, pictures, rows)
        place = Dataset(str(tmp_path / NAME), TABLE, by_path=True).find(service.settings)
        assert check_dataset(place, service.settings, DataConfig(), 0) == 30
        with pytest.raises(DatasetRefusedError):
            load(service, tmp_path)


class TestNames:
    @pytest.mark.req("S-16.1")
    def test_a_folder_of_the_operators_may_be_reached_by_a_link_inside_it(
        self, service: EmbeddingService, tmp_path: Path
    ) -> None:
        root = tmp_path / "datasets"
        write_set(root)
        (root / "same").symlink_to(root / NAME)
        (root / "out").symlink_to(tmp_path)
        found = Dataset("same", TABLE).find(service.settings)
        assert found.folder == root / NAME
        with pytest.raises(PathRefusedError, match="leads out"):
            Dataset("out", TABLE).find(service.settings)

    def test_the_table_lies_in_the_folder_or_beside_it(
        self, service: EmbeddingService, tmp_path: Path
    ) -> None:
        root = tmp_path / "datasets"
        folder = write_set(root)
        inside = Dataset(NAME, TABLE).find(service.settings).metadata
        assert inside == folder / TABLE
        (folder / TABLE).rename(root / "ages.csv")
        assert Dataset(NAME, "ages.csv").find(service.settings).metadata == root / "ages.csv"


class TestVectors:
    def test_they_are_kept_for_the_same_encoder_alone(self, tmp_path: Path) -> None:
        kept = VectorStore("one/1", tmp_path)
        kept.keep({"a" * 64: np.ones(3, dtype=np.float32)})
        assert VectorStore("one/1", tmp_path)["a" * 64].tolist() == [1, 1, 1]
        assert "a" * 64 not in VectorStore("two/1", tmp_path)
        assert "a" * 64 not in VectorStore("one/1")

    def test_a_damaged_file_is_as_good_as_none(self, tmp_path: Path) -> None:
        VectorStore("one", tmp_path).keep({"a" * 64: np.ones(3, dtype=np.float32)})
        (path,) = tmp_path.rglob("*.safetensors")
        path.write_bytes(path.read_bytes()[:20])
        assert "a" * 64 not in VectorStore("one", tmp_path)

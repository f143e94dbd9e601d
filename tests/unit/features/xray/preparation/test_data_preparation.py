"""From a source to a split that is stored, and to what a trainer loads."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepmed.features.xray.errors import SourceRefusedError
from deepmed.features.xray.preparation import DataPrepUtils, SplitPlan, SplitSettings
from deepmed.features.xray.source import DataSource, DataSourceExtractor, Pseudonyms, read_image
from deepmed.kit.errors import IntegrityError
from factories.films import film, labelled, laid_out, png

KEY = Pseudonyms(b"key")


def source_of(folder: Path, files: dict[str, bytes]) -> DataSource:
    extractor = DataSourceExtractor(folder / "run", KEY)
    return extractor.extract_and_validate(laid_out(folder / "in", files))


def boxes_and_several_images() -> dict[str, bytes]:
    """One row a box, three images a patient, and a film that two patients have."""
    rows = ["patientId,filename,x,y,width,height,Target"]
    files = {}
    for patient in range(20):
        for image in range(3):
            name = f"p{patient}_{image}.png"
            same = (patient, image) in {(4, 0), (6, 0)}
            files[f"images/{name}"] = png(film(999 if same else 10 * patient + image))
            boxes = ["1,1,5,5,1", "9,9,5,5,1"] if patient % 2 else [",,,,0"]
            rows += [f"p{patient},{name},{box}" for box in boxes]
    return {**files, "boxes.csv": "\n".join(rows).encode()}


@pytest.mark.req("X-2.1")
def test_boxes_and_several_images_a_patient_cross_nothing(tmp_path: Path) -> None:
    source = source_of(tmp_path, boxes_and_several_images())
    plan = DataPrepUtils.prepare_dataset(source)
    where = {
        source.file_of(one.image_id): part for part, rows in plan.parts.items() for one in rows
    }
    assert sorted(where) == sorted(f"images/p{a}_{b}.png" for a in range(20) for b in range(3))
    for patient in range(20):
        assert len({where[f"images/p{patient}_{image}.png"] for image in range(3)}) == 1
    assert where["images/p4_0.png"] == where["images/p6_0.png"]
    assert len(plan.audit.bound) == 1
    labels = {
        source.file_of(one.image_id): one.label for rows in plan.parts.values() for one in rows
    }
    assert labels["images/p3_1.png"] == 1


def test_a_published_split_is_kept_unless_another_is_asked_for(tmp_path: Path) -> None:
    files = labelled(24)
    lines = files["labels.csv"].decode().splitlines()
    parts = ["train"] * 12 + ["val"] * 6 + ["test"] * 6
    rows = [f"{line},{part}" for line, part in zip(lines[1:], parts, strict=True)]
    files["labels.csv"] = "\n".join([f"{lines[0]},split", *rows]).encode()
    files["images/p0.png"] = files["images/p20.png"]
    source = source_of(tmp_path, files)
    plan = DataPrepUtils.prepare_dataset(source)
    assert [len(part) for part in plan.parts.values()] == [11, 6, 6]
    assert source.file_of(plan.audit.dropped[0].image) == "images/p0.png"
    own = DataPrepUtils.prepare_dataset(source, SplitSettings(keep_published=False))
    assert not own.audit.published


def test_a_split_that_names_some_images_alone_is_refused(tmp_path: Path) -> None:
    source = source_of(tmp_path, labelled(12))
    partly = replace(source, published={source.rows[0].image_id: "train"})
    with pytest.raises(SourceRefusedError, match="11 images have no part"):
        DataPrepUtils.prepare_dataset(partly)
    nobody = {row.image_id: "test" for row in source.rows}
    with pytest.raises(SourceRefusedError, match="no training images"):
        DataPrepUtils.prepare_dataset(replace(source, published=nobody))


@pytest.mark.req("X-2.3")
def test_the_split_is_stored_and_comes_back_as_it_was(tmp_path: Path) -> None:
    source = source_of(tmp_path, boxes_and_several_images())
    plan = DataPrepUtils.prepare_dataset(source)
    path = plan.save(tmp_path / "split.json")
    assert SplitPlan.load(path, source.rows) == plan
    assert json.loads(path.read_bytes())["digest"] == plan.digest


@pytest.mark.req("X-2.3")
@pytest.mark.parametrize("how", ["moved", "other digest", "other label", "gone", "no JSON"])
def test_a_stored_split_that_was_changed_is_not_used(tmp_path: Path, how: str) -> None:
    source = source_of(tmp_path, labelled(20))
    path = DataPrepUtils.prepare_dataset(source).save(tmp_path / "split.json")
    content = json.loads(path.read_bytes())
    rows = source.rows
    if how == "moved":
        content["parts"]["train"].append(content["parts"]["test"].pop())
    elif how == "other digest":
        content["digest"] = "0" * 64
    elif how == "other label":
        rows = (replace(rows[0], label=1 - rows[0].label), *rows[1:])
    path.write_text("x" if how == "no JSON" else json.dumps(content), encoding="utf-8")
    if how == "gone":
        path.unlink()
    with pytest.raises(IntegrityError, match="stored split"):
        SplitPlan.load(path, rows)


def test_a_trainer_loads_the_pixels_that_were_taken_in(tmp_path: Path) -> None:
    from deepmed.learning.imaging import DataSettings, Preprocessing

    source = source_of(tmp_path, labelled(20))
    plan = DataPrepUtils.prepare_dataset(source)
    preprocessing = Preprocessing((32, 32), "L", (0.0,), (1.0,))
    module = DataPrepUtils.create_data_module(plan, preprocessing, DataSettings())
    module.setup("fit")
    images, labels, _ = next(iter(module.val_dataloader()))
    first = plan.validation[0]
    assert labels[0] == first.label
    expected = read_image(first.path)[..., 0] / np.float32(255)
    assert np.abs(images[0, 0].numpy() - expected).max() < 1e-6

"""From a ZIP to a training and its data, page by page, as a browser gets them."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepmed.features.xray.configuration import LEVELS, ConfigManager
from deepmed.features.xray.pages.content import configure, lookalikes
from deepmed.features.xray.runs.folders import folder_of
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.features.xray.source import DataSource
from deepmed.features.xray.uploads import Uploads
from factories.api import Api, api_on
from factories.films import labelled, zipped
from factories.page import Page
from factories.xray_begun import BROKEN, STRANGER, TWIN, begun, uploaded

BROWSER = {"accept": "text/html"}


class Ward:
    """A data folder with one upload and a run that was stopped after it was split."""

    def __init__(self, api: Api, folder: Path) -> None:
        self.api, self.folder = api, folder
        self.uid = uploaded(api.home, folder)
        self.run = begun(api.home, self.uid)

    def read(self, path: str, status: int = 200, **query: Any) -> str:
        answer = self.api.client.get(path, headers=BROWSER, params=query)
        assert answer.status_code == status, answer.text
        return str(answer.text)

    def send(self, path: str, **body: Any) -> Any:
        return self.api.client.post(path, json=body)

    def configuration(self, run_id: int) -> dict[str, Any]:
        return XrayRuns.of(self.api.home).get(run_id)[0].configuration


@pytest.fixture(scope="module")
def ward(_migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    folder = tmp_path_factory.mktemp("ward")
    shutil.copy(_migrated, folder / "deepmed.db")
    with api_on(folder) as api:
        yield Ward(api, folder)


@pytest.fixture(scope="module")
def stranger(ward: Ward) -> Api:
    return ward.api.stranger()


@pytest.mark.req("U-4.1")
def test_the_first_page_lists_trainings_and_takes_a_zip(ward: Ward) -> None:
    text = ward.read("/xrays")
    assert f"/xrays/runs/{ward.run}" in text
    assert "Drop a ZIP here" in text
    assert f"/xrays/sources/{ward.uid}" in text
    assert 'data-to="/xrays/sources"' in text


def test_an_empty_folder_shows_the_first_step(empty: Any) -> None:
    text = str(Api.of(empty).client.get("/xrays", headers=BROWSER).text)
    assert "Begin with images" in text
    assert "The first one begins with a ZIP above" in text


@pytest.mark.req("U-4.1")
def test_an_upload_is_kept_and_shown_before_anything_is_trained(ward: Ward) -> None:
    before = len(XrayRuns.of(ward.api.home).page())
    content = Uploads(ward.api.home).get(ward.uid).path.read_bytes()
    sent = {"data_zip": ("../other.zip", content, "application/zip")}
    answer = ward.api.client.post("/xrays/sources", files=sent)
    assert answer.status_code == 201
    uid = answer.json()["uid"]
    assert "other.zip" in ward.read(f"/xrays/sources/{uid}")
    assert len(XrayRuns.of(ward.api.home).page()) == before
    assert ward.api.client.delete(f"/xrays/sources/{uid}").status_code == 204
    ward.read(f"/xrays/sources/{uid}", 404)


@pytest.mark.req("S-9.1")
def test_an_archive_that_is_unsafe_or_without_images_is_not_kept(ward: Ward) -> None:
    before = Uploads(ward.api.home).listed()
    for files in ({"../p.png": b"1"}, {"labels.csv": b"patientId,Target"}):
        content = zipped(ward.folder / "refused.zip", files).read_bytes()
        sent = {"data_zip": ("films.zip", content, "application/zip")}
        answer = ward.api.client.post("/xrays/sources", files=sent)
        assert answer.status_code == 400
        assert "nothing of it was stored" in answer.text
    assert Uploads(ward.api.home).listed() == before


@pytest.mark.req("U-4.1")
def test_what_lies_in_a_zip_is_told_with_some_images(ward: Ward) -> None:
    text = ward.read(f"/xrays/sources/{ward.uid}/look")
    [table] = Page(text).tables
    assert table.rows == [["9", "9"], ["8", "8"]]
    assert ">NORMAL<" in text
    assert "1 row of the table has no image" in text
    assert "1 image has no label and is not used" in text
    pictures = re.findall(r'src="(/xrays/sources/[^"]+)"', text)
    assert len(pictures) == 6
    answer = ward.api.client.get(pictures[0])
    assert answer.content.startswith(b"\x89PNG")


@pytest.mark.req("U-4.1")
def test_a_zip_that_cannot_be_trained_on_is_refused_with_every_reason(ward: Ward) -> None:
    files = labelled(12)
    files["labels.csv"] = files["labels.csv"].replace(b"p3,1", b"p3,7").replace(b"p5,1", b"p5,ill")
    uid = uploaded(ward.api.home, ward.folder, files)
    before = len(XrayRuns.of(ward.api.home).page())
    told = ward.read(f"/xrays/sources/{uid}/look")
    assert "No training can start from it yet: 2 places are wrong" in told
    [problems] = Page(told).tables
    assert [row[2] for row in problems.rows] == ["5", "7"]
    answer = ward.send(f"/xrays/sources/{uid}/train", experiment_name="none")
    assert answer.status_code == 422
    assert "No training was started" in answer.text
    assert len(XrayRuns.of(ward.api.home).page()) == before


@pytest.mark.req("U-4.1")
def test_columns_with_other_names_are_named_in_the_form(ward: Ward) -> None:
    files = labelled(12)
    files["labels.csv"] = files["labels.csv"].replace(b"patientId,Target", b"who,ill")
    uid = uploaded(ward.api.home, ward.folder, files)
    assert "the column is missing; there are" in ward.read(f"/xrays/sources/{uid}/look")
    names = {"values.columns.patient_id": "who", "values.columns.target": "ill"}
    text = ward.read(f"/xrays/sources/{uid}/look", **names)
    assert Page(text).tables[0].rows == [["6", "6"], ["6", "6"]]


@pytest.mark.req("U-4.1")
def test_the_form_asks_for_every_value_of_the_typed_configuration(ward: Ward) -> None:
    text = ward.read(f"/xrays/sources/{ward.uid}")
    asked = re.findall(r'name="values\.([a-z0-9_.]+)"', text)
    assert sorted(asked) == sorted(place for place, _ in configure.leaves())
    assert len(asked) > 60
    for level in LEVELS:
        assert f"{level.number} {level.name}: {level.epochs} epoch" in text


@pytest.mark.req("U-4.1")
def test_a_level_and_single_values_configure_a_training(ward: Ward) -> None:
    values = {
        "system.img_size": "64, 48",
        "experiment.may_flip": "yes",
        "experiment.learning_rate": "1e-05",
        "data.class_names": "well, ill",
    }
    place = f"/xrays/sources/{ward.uid}/train"
    answer = ward.send(place, experiment_name="by level", level=4, values=values)
    assert answer.status_code == 202
    found = ward.configuration(answer.json()["run_id"])
    assert found["experiment"]["epochs"] == 5
    assert found["experiment"]["batch_size"] == 16
    assert found["experiment"]["learning_rate"] == 1e-05
    assert found["experiment"]["may_flip"] is True
    assert found["system"]["img_size"] == [64, 48]
    assert found["data"]["class_names"] == ["well", "ill"]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"experiment.epochs": "many"}, "experiment.epochs"),
        ({"experiment.epochs": "0"}, "experiment.epochs"),
        ({"experiment.network": "inception_v3"}, "nception"),
        ({"experiment.nothing": "1"}, "There is no place"),
        ({"data.lookalikes": "1"}, "There is no place"),
    ],
)
def test_a_wrong_value_is_named_and_starts_nothing(
    ward: Ward, values: dict[str, str], told: str
) -> None:
    before = len(XrayRuns.of(ward.api.home).page())
    answer = ward.send(f"/xrays/sources/{ward.uid}/train", experiment_name="none", values=values)
    assert answer.status_code == 400
    assert told in answer.text
    assert len(XrayRuns.of(ward.api.home).page()) == before


@pytest.mark.req("U-4.1")
@pytest.mark.req("X-3.1")
def test_the_data_page_names_what_was_not_used_and_why(ward: Ward) -> None:
    page = Page(ward.read(f"/xrays/runs/{ward.run}/data"))
    rejected = page.tables[0]
    assert rejected.columns == ["File", "Why", "Row", "Column"]
    assert [row[0] for row in rejected.rows] == [
        f"images/p{BROKEN}.png",
        "p21",
        "images/unlabelled.png",
    ]
    assert all(row[1] for row in rejected.rows)
    answer = ward.api.client.get(f"/xrays/runs/{ward.run}/rejections.json")
    assert [each["file"] for each in json.loads(answer.text)] == [row[0] for row in rejected.rows]


@pytest.mark.req("U-4.1")
def test_the_data_page_says_who_stands_where_and_what_leaks(ward: Ward) -> None:
    text = ward.read(f"/xrays/runs/{ward.run}/data")
    parts = Page(text).tables[1]
    patients, images, *labels = zip(*parts.rows, strict=True)
    assert parts.columns[:5] == ["Part", "Patients", "Images", "NORMAL", "PNEUMONIA"]
    assert sum(map(int, images)) == sum(map(int, patients)) == 16
    assert [sum(map(int, each)) for each in labels] == [9, 7]
    assert "No patient and no image stands in more than one part." in text
    assert not re.search(r">[^<]*x-[0-9a-f]{16}\.png", text)


@pytest.mark.req("U-4.1")
@pytest.mark.req("X-2.2")
def test_lookalikes_are_judged_by_sight_and_count_in_the_next_training(ward: Ward) -> None:
    place = f"/xrays/runs/{ward.run}"
    text = ward.read(f"{place}/data")
    pictures = set(re.findall(rf'src="({place}/images/[0-9a-f]{{64}})" alt="images', text))
    assert len(pictures) == 2
    for picture in pictures:
        assert ward.api.client.get(picture).content.startswith(b"\x89PNG")
    assert ward.send(f"{place}/lookalikes", pairs={"0": "same"}).status_code == 200
    assert 'value="same" selected' in ward.read(f"{place}/data")
    assert "judged; that counts in this training" in ward.read(f"{place}/again")
    body = {"experiment_name": "again", "values": {"experiment.epochs": "2"}}
    answer = ward.send(f"{place}/again", **body)
    found = ward.configuration(answer.json()["run_id"])
    [pair] = found["data"]["lookalikes"]
    folder = folder_of(ward.api.home, XrayRuns.of(ward.api.home).get(ward.run)[0])
    files = DataSource.load(folder / "source").files
    assert {files[pair["first"]], files[pair["second"]]} == {STRANGER, TWIN}
    assert pair["same"] is True
    assert found["experiment"]["epochs"] == 2
    assert found["experiment"]["width"] == ward.configuration(ward.run)["experiment"]["width"]
    assert ward.send(f"{place}/lookalikes", pairs={"0": None}).status_code == 200
    run = XrayRuns.of(ward.api.home).get(ward.run)[0]
    assert lookalikes.judged(ward.api.home, run) == {}


@pytest.mark.parametrize(
    ("pairs", "status"), [({"7": "same"}, 404), ({"0": "maybe"}, 400), ({"x": "same"}, 404)]
)
def test_a_judgement_of_nothing_is_refused(ward: Ward, pairs: dict[str, str], status: int) -> None:
    assert ward.send(f"/xrays/runs/{ward.run}/lookalikes", pairs=pairs).status_code == status


@pytest.mark.req("U-4.1")
@pytest.mark.req("X-4.1")
def test_augmentation_is_shown_as_training_would_see_it(ward: Ward) -> None:
    place = f"/xrays/sources/{ward.uid}/augmentation"
    small = {"values.system.img_size": "32, 32"}

    def views(**values: str) -> list[str]:
        return re.findall(r'src="(data:image/png[^"]+)"', ward.read(place, **small, **values))

    ward.read(f"/xrays/sources/{ward.uid}/look")
    shown = views()
    assert len(shown) == 10
    assert len(set(shown)) == 10
    assert views() == shown
    still = views(**{"values.experiment.augmentation_strength": "0"})
    assert still[:5] == [shown[0]] * 5
    of_run = re.findall("data:image/png", ward.read(f"/xrays/runs/{ward.run}/augmentation"))
    assert len(of_run) == 10


def test_large_images_are_shown_smaller_in_their_proportions() -> None:
    from deepmed.features.xray.pages import augmenting

    config = ConfigManager.load(overrides=["img_size=2048,1024"]).config
    [(plain, [changed])] = augmenting.views([np.zeros((32, 32, 3), np.uint8)], config, 1)
    assert plain.shape == changed.shape == (512, 256, 3)


@pytest.mark.parametrize(
    "path",
    [
        "/xrays/sources/{uid}",
        "/xrays/sources/{uid}/look",
        "/xrays/sources/{uid}/images/0",
        "/xrays/sources/{uid}/augmentation",
        "/xrays/runs/{run}",
        "/xrays/runs/{run}/part",
        "/xrays/runs/{run}/data",
        "/xrays/runs/{run}/again",
        "/xrays/runs/{run}/delete",
        "/xrays/runs/{run}/rejections.csv",
        "/xrays/runs/{run}/curves/loss.csv",
    ],
)
def test_a_stranger_finds_nothing_of_it(ward: Ward, stranger: Api, path: str) -> None:
    answer = stranger.client.get(path.format(uid=ward.uid, run=ward.run), headers=BROWSER)
    assert answer.status_code == 404


def test_an_upload_that_a_training_waits_for_is_not_deleted(ward: Ward) -> None:
    uid = uploaded(ward.api.home, ward.folder)
    place = f"/xrays/sources/{uid}"
    body = {"experiment_name": "waits", "level": 1}
    run = ward.send(f"{place}/train", **body).json()["run_id"]
    answer = ward.api.client.delete(place)
    assert answer.status_code == 409
    assert f"Run {run}" in answer.text
    XrayRuns.of(ward.api.home).cancel(run)
    assert ward.api.client.delete(place).status_code == 204
    assert "cannot be trained on again" in ward.read(f"/xrays/runs/{run}/again")
    assert ward.send(f"/xrays/runs/{run}/again", **body).status_code == 404

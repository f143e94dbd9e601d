"""The four commands of the guide on real drawings, from the archive to the page."""

import base64
import io
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from deepmed.cli.entry import main
from deepmed.kit import settings as kit_settings
from factories.planting import plant_few

PATTERN = "{subject}_sketch_age{age}_{child_id}"
EVERY = 3
CANARY = "GPS 52.1 N 4.3 E, Ann Example"


@pytest.fixture(scope="module")
def archive(real_drawings_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each third of the real drawings; their pictures carry hidden text."""
    path = tmp_path_factory.mktemp("real") / "drawings.zip"
    with zipfile.ZipFile(real_drawings_zip) as source, zipfile.ZipFile(path, "w") as target:
        names = sorted(name for name in source.namelist() if name.endswith(".png"))[::EVERY]
        for name in names:
            target.writestr(name, hidden(source.read(name)))
    return path


def hidden(content: bytes) -> bytes:
    """The same picture with text and EXIF that nobody sees."""
    buffer = io.BytesIO()
    text = PngInfo()
    text.add_text("Comment", CANARY)
    with Image.open(io.BytesIO(content)) as picture:
        exif = picture.getexif()
        exif[0x010E] = CANARY
        picture.save(buffer, "PNG", pnginfo=text, exif=exif)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def answers(archive: Path) -> Iterator[dict[str, Any]]:
    folder = archive.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPMED_HOME", str(folder / "home"))
        patch.setattr("deepmed.features.drawings.report.gathering.MOST_CARDS", 2)
        plant_few(patch)
        kit_settings.current.cache_clear()
        made = {
            "import": ask("import", archive, "--name-pattern", PATTERN),
            "train": ask("train", "--groups", "4-6,6-9", "--detector", "pca"),
            "analyze": ask("analyze", "--all"),
            "report": ask("report", "--out", folder / "report.html"),
        }
        flagged = next(row for row in made["analyze"]["analyses"] if row["is_anomaly"])
        made["explain"] = ask("explain", flagged["drawing_id"], "--out", folder / "maps")
        yield made
    kit_settings.current.cache_clear()


def ask(*arguments: object) -> dict[str, Any]:
    out = io.StringIO()
    with redirect_stdout(out):
        assert main(["drawings", *map(str, arguments), "--json"]) == 0
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_every_drawing_arrives_with_the_facts_of_its_name(
    answers: dict[str, Any], archive: Path
) -> None:
    with zipfile.ZipFile(archive) as source:
        count = len(source.namelist())
    assert answers["import"]["counts"]["stored"] == count == 94
    assert len(answers["analyze"]["analyses"]) == count


@pytest.mark.req("D-26.1")
def test_every_drawing_is_ranked_in_its_role(answers: dict[str, Any]) -> None:
    rows = answers["analyze"]["analyses"]
    assert {row["role"] for row in rows} == {"fit", "calibration"}
    assert all(row["p_value"] is not None for row in rows)
    by_construction = sum(row["is_anomaly"] for row in rows) / len(rows)
    assert by_construction <= 0.06


@pytest.mark.req("D-30.1")
def test_nothing_hidden_in_a_picture_is_stored_or_exported(
    answers: dict[str, Any], archive: Path
) -> None:
    folder = archive.parent
    files = [path for path in folder.rglob("*") if path.is_file() and path != archive]
    assert len(files) > 100
    words = (CANARY.encode(), b"Ann Example")
    assert archive.read_bytes().count(words[0]) > 100
    assert not [path.name for path in files if any(word in path.read_bytes() for word in words)]
    html = (folder / "report.html").read_text(encoding="utf-8")
    pictures = re.findall(r"data:image/png;base64,([\w+/=]+)", html)
    assert len(pictures) > 90
    pixels = [base64.b64decode(picture) for picture in pictures]
    pixels += [path.read_bytes() for path in (folder / "maps").glob("*.png")]
    for content in pixels:
        with Image.open(io.BytesIO(content)) as picture:
            picture.load()
            assert not picture.info.keys() & {"Comment", "exif", "XML:com.adobe.xmp"}
            assert not dict(picture.getexif())


@pytest.mark.req("V-4.1")
def test_a_real_map_carries_its_figure(answers: dict[str, Any]) -> None:
    figure = answers["explain"]["faithfulness"]
    assert figure["measured_on"] == "map"
    assert figure["scores"] or figure["reason"]
    assert len(answers["explain"]["written"]) == 5

import zipfile
from pathlib import Path

import numpy as np
import pytest

from deepmed.features.drawings.bench.collection import (
    Collection,
    SampleSets,
    read_real_drawings,
)
from deepmed.kit.errors import ValidationError
from deepmed.kit.settings import Settings


def test_the_file_names_tell_child_age_and_subject(drawings: Collection) -> None:
    assert len(drawings) == 70
    assert len(set(drawings.rows.children.tolist())) == 70
    assert drawings.subjects.count("bird") == drawings.subjects.count("dog") == 35
    assert set(drawings.rows.ages.tolist()) == {4.0, 5.0, 6.0, 7.0, 8.0}
    assert set(drawings.labels) == {"4.0-6.0", "6.0-9.0"}
    assert drawings.rows.ages[drawings.labels.index("6.0-9.0")] >= 6


def test_the_same_file_gives_the_same_collection(
    drawings: Collection, drawings_zip: Path, bench_settings: Settings
) -> None:
    again = read_real_drawings(drawings_zip, bench_settings)
    assert again.origin == drawings.origin
    assert (again.rows.children == drawings.rows.children).all()


def test_a_file_that_is_missing_or_too_small_is_refused(
    tmp_path: Path, drawings_zip: Path, bench_settings: Settings
) -> None:
    with pytest.raises(ValidationError, match=r"There is no file nothing\.zip"):
        read_real_drawings(tmp_path / "nothing.zip", bench_settings)
    few = tmp_path / "few.zip"
    with zipfile.ZipFile(drawings_zip) as archive, zipfile.ZipFile(few, "w") as small:
        for name in archive.namelist()[:10]:
            small.writestr(name, archive.read(name))
    with pytest.raises(ValidationError, match="10 children"):
        read_real_drawings(few, bench_settings)


def test_the_sample_sets_share_no_child(sample_sets: SampleSets) -> None:
    sets = sample_sets
    children = [set(part.rows.children.tolist()) for part in (sets.typical, sets.further)]
    children.append(set(sets.sources.rows.children.tolist()))
    assert [len(part) for part in children] == [95, 18, 6]
    assert len(set.union(*children)) == 119
    pictures = [*sets.typical.images, *sets.further.images, *sets.sources.images]
    assert len({np.asarray(picture).tobytes() for picture in pictures}) == 119

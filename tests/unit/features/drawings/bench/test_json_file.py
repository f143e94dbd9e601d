import json
from pathlib import Path

import pytest

from deepmed.features.drawings.bench.json_file import to_text, write_result


def test_the_text_is_the_same_value() -> None:
    value = {
        "a": [1, 2.5, None, True],
        "rows": [{"x": [0.1, 0.2], "y": {"z": "ü\n"}}, {"x": [], "y": {}}],
        "pairs": [[1, 0.5], [2, 0.25]],
        "empty": {},
        "none": [],
    }
    assert json.loads(to_text(value)) == value


def test_rows_of_numbers_stand_on_one_line() -> None:
    assert to_text({"numbers": list(range(50)), "more": {"a": 1}}).count("\n") == 3


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "results" / "drawings.json"
    write_result(path, {"a": 1})
    with pytest.raises(ValueError, match="JSON"):
        write_result(path, {"a": float("nan")})
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(path.parent.iterdir()) == [path]

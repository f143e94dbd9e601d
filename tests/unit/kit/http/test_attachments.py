"""What a browser saves has a name and a type."""

import pytest

from deepmed.kit.http.attachments import attachment, table_file


@pytest.mark.parametrize(("form", "kind"), [("csv", "text/csv"), ("json", "application/json")])
def test_a_table_is_saved_under_its_name(form: str, kind: str) -> None:
    answer = table_file("child\n1\n", "cohort", form)
    assert answer.headers["content-disposition"] == f'attachment; filename="cohort.{form}"'
    assert answer.headers["content-type"].startswith(kind)
    assert answer.body == b"child\n1\n"


def test_only_what_says_how_long_is_kept_says_so() -> None:
    assert "Cache-Control" not in attachment("model.zip")
    assert attachment("model.zip", "no-store")["Cache-Control"] == "no-store"

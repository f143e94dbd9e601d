import json
from base64 import b64decode

import pytest

from deepmed.web.downloads import csv_link, json_link

COLUMNS = ["who", "score"]
ROWS = [["=1+1", 0.5], ["crayon", None]]


def content(link: str) -> str:
    return b64decode(link.partition("base64,")[2]).decode()


@pytest.mark.req("U-10.1")
def test_the_rows_of_a_chart_are_a_file_without_formulas() -> None:
    assert content(csv_link(COLUMNS, ROWS)) == "who,score\r\n'=1+1,0.5\r\ncrayon,\r\n"


@pytest.mark.req("U-10.1")
def test_the_rows_of_a_chart_are_json() -> None:
    told = json.loads(content(json_link(COLUMNS, ROWS)))
    assert told == [{"who": "=1+1", "score": 0.5}, {"who": "crayon", "score": None}]

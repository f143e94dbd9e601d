"""What a page says and shows, read as a browser would."""

import html
import re

from factories.api import Api

BROWSER = {"accept": "text/html"}


def read(api: Api, path: str, status: int = 200) -> str:
    """The page's markup."""
    answer = api.client.get(path, headers=BROWSER)
    assert answer.status_code == status, answer.text
    return str(answer.text)


def words(text: str) -> str:
    """What is read of it, with single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def points(text: str) -> list[list[tuple[float, float]]]:
    """Of each curve, in pixels."""
    found = re.findall(r'<polyline points="([^"]*)"', text)
    return [
        [(float(x), float(y)) for x, y in (pair.split(",") for pair in one.split())]
        for one in found
    ]

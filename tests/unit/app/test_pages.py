"""Errors as pages for people, as bodies for programs."""

import html
from typing import Any

import pytest

from deepmed.app import pages
from deepmed.core.home import Home
from deepmed.kit.http.caller import Role
from factories import servers

BROWSER = {"accept": "text/html,application/xhtml+xml"}


@pytest.mark.req("U-11.1")
def test_a_browser_gets_an_error_as_a_page_and_a_program_as_a_body(opened: Home) -> None:
    client = servers.client(opened)
    page = client.get("/nothing", headers=BROWSER)
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "There is nothing here" in page.text
    assert page.headers["x-error-id"] in page.text
    assert client.get("/nothing").json()["status"] == 404
    assert client.get("/api/v1/drawings/7", headers=BROWSER).json() == {
        "detail": "There is no drawing 7."
    }


@pytest.mark.req("U-11.1")
def test_what_a_role_may_not_see_is_refused_as_a_page(opened: Home) -> None:
    page = servers.client(opened, role=Role.VIEWER).get("/drawings/upload", headers=BROWSER)
    assert page.status_code == 403
    assert "This is not open to you" in page.text
    assert "annotator" in page.text


@pytest.mark.req("U-11.1")
def test_what_nobody_foresaw_tells_its_number_and_no_more(
    opened: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fall(*_: Any) -> None:
        raise RuntimeError("the secret cause")

    client = servers.client(opened)
    monkeypatch.setattr("deepmed.core.health.pages._status", fall)
    page = client.get("/status", headers=BROWSER)
    assert page.status_code == 500
    assert page.headers["x-error-id"] in page.text
    assert "secret" not in page.text


@pytest.mark.req("U-2.1")
def test_a_browser_gets_the_dashboard_at_the_root(opened: Home) -> None:
    page = servers.client(opened).get("/", headers=BROWSER)
    assert "<h1>Dashboard</h1>" in page.text
    assert page.headers["cache-control"] == "no-store"


def test_every_page_of_the_demo_says_whose_drawings_these_are(
    opened: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "the demo's samples" not in servers.client(opened).get("/jobs").text
    monkeypatch.setattr(pages, "demo_home", lambda: opened.settings.home)
    shown = html.unescape(servers.client(opened).get("/jobs").text)
    assert "These are the demo's samples." in shown

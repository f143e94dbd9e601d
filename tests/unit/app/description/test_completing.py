"""The interface's description says what everything means, and with which errors it is refused."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, Field

from deepmed.app.description import completing
from deepmed.app.server import create_app
from deepmed.core.home import Home
from deepmed.kit import settings as kit_settings
from deepmed.kit.database import open_database

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("described")
    database = open_database(f"sqlite:///{folder}/deepmed.db")
    yield create_app(Home(kit_settings.load(home=folder), database, 1)).openapi()
    database.close()


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method in METHODS & methods.keys():
            yield f"{method.upper()} {path}", methods[method]


def test_every_address_says_what_it_does_and_takes(described: dict[str, Any]) -> None:
    silent = [name for name, one in operations(described) if not one.get("description")]
    assert silent == [], "add them to src/deepmed/app/description/operations.toml"
    unknown = {
        (name, each["name"])
        for name, one in operations(described)
        for each in one.get("parameters", ())
        if not (each.get("description") or each["schema"].get("description"))
    }
    assert unknown == set(), "add them to src/deepmed/app/description/fields.toml"


def test_every_field_says_what_it_means(described: dict[str, Any]) -> None:
    silent = {
        f"{name}.{field}"
        for name, component in described["components"]["schemas"].items()
        for field, one in component.get("properties", {}).items()
        if not one.get("description")
    }
    assert silent == set(), "add them to src/deepmed/app/description/fields.toml"


def test_every_group_of_addresses_says_what_it_is_for(described: dict[str, Any]) -> None:
    used = {tag for _, one in operations(described) for tag in one.get("tags", ())}
    assert {each["name"] for each in described["tags"]} == used


def test_no_text_is_about_what_is_not_there(described: dict[str, Any]) -> None:
    texts = completing._texts("operations.toml")
    known = {name for name, _ in operations(described)}
    assert set(texts["descriptions"]) <= known
    assert set(texts["errors"]) <= known
    fields = completing._texts("fields.toml")["fields"]
    components = described["components"]["schemas"]
    names = {field for one in components.values() for field in one.get("properties", ())}
    names |= {
        each["name"] for _, one in operations(described) for each in one.get("parameters", ())
    }
    places = {
        f"{name.rpartition('__')[2]}.{field}"
        for name, one in components.items()
        for field in one.get("properties", ())
    }
    assert {key for key in fields if "." not in key} <= names
    assert {key for key in fields if "." in key} <= places


def test_a_number_is_defined_as_on_the_page_of_numbers(described: dict[str, Any]) -> None:
    analysis = described["components"]["schemas"]["AnomalyAnalysisResponse"]["properties"]
    assert "100 · (n − W) / (n + 1)" in analysis["normalized_score"]["description"]  # noqa: RUF001 - the page's signs
    assert "Null when: as `anomaly_score`." in analysis["p_value"]["description"]


class Answer(BaseModel):
    is_anomaly: bool = Field(description="told by its author")
    p_value: float


def test_what_its_author_says_stays() -> None:
    router = APIRouter()

    @router.get("/things/{thing_id}")
    def thing(thing_id: int) -> Answer:
        return Answer(is_anomaly=False, p_value=thing_id)

    app = FastAPI()
    app.include_router(router)
    schema = app.openapi()
    completing.complete(schema)
    fields = schema["components"]["schemas"]["Answer"]["properties"]
    assert fields["is_anomaly"]["description"] == "told by its author"
    assert fields["p_value"]["description"].startswith("(1 + W) / (n + 1)")
    assert set(schema["paths"]["/things/{thing_id}"]["get"]["responses"]) == {"200", "404", "422"}

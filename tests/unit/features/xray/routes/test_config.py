"""Contract 1.1: what an owner's trainings are told unless told otherwise."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deepmed.core.audit.repository import history
from deepmed.features.xray.configuration import ConfigManager
from deepmed.features.xray.configuration.defaults import OwnersDefaults
from factories.api import Api, api_on
from integration.server.contract.shapes import count, mismatches

CURRENT = {
    "config": {
        "system": {"img_size": [int], "batch_size": int, "validation_split": float, "seed": int},
        "paths": {"base_path": None, "metadata_filename": str},
        "columns": {"patient_id": str, "target": str, "filename": str},
        "experiment": {
            "learning_rate": float,
            "epochs": int,
            "batch_size": int,
            "freeze_backbone": bool,
            "fine_tune_layers_count": (int, None),
            "num_rounds": int,
            "validation_split": float,
        },
        "output": {"checkpoint_dir": str, "results_dir": str, "log_dir": str},
        "logging": {"level": str, "format": str, "file_logging": bool},
    },
    "config_path": str,
}
UPDATED = {
    "message": str,
    "updated_fields": count,
    "fields": [str],
    "verified_values": {"*": float},
    "config_path": str,
}


@pytest.fixture(scope="module")
def shared(empty_home: Path) -> Iterator[Api]:
    with api_on(empty_home) as made:
        yield made


@pytest.fixture
def api(shared: Api) -> Api:
    """With the program's own defaults."""
    home = shared.home
    with home.database.write() as session:
        from deepmed.features.xray.configuration.repository import defaults_of

        if row := defaults_of(session, home.owner_id):
            session.delete(row)
    return shared


def current(api: Api) -> Any:
    answer = api.client.get("/config/current")
    assert answer.status_code == 200, answer.text
    return answer.json()


def update(api: Api, status: int = 200, **sections: Any) -> Any:
    answer = api.client.post("/config/update", json=sections)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_at_first_the_programs_own_count(api: Api) -> None:
    found = current(api)
    assert not list(mismatches(CURRENT, found))
    for section, values in ConfigManager().resolved.items():
        told = found["config"][section]
        assert {name: told[name] for name in values} == values


@pytest.mark.req("X-10.1")
def test_what_is_sent_counts_and_the_rest_stays(api: Api) -> None:
    found = update(api, experiment={"epochs": 20, "learning_rate": 0.01}, system={"seed": 7})
    assert not list(mismatches(UPDATED, found))
    assert found["fields"] == ["system.seed", "experiment.epochs", "experiment.learning_rate"]
    assert found["updated_fields"] == 3
    assert found["verified_values"] == {"epochs": 20, "learning_rate": 0.01}
    update(api, experiment={"batch_size": 8})
    told = current(api)["config"]
    assert (told["experiment"]["epochs"], told["experiment"]["batch_size"]) == (20, 8)
    assert (told["system"]["seed"], told["system"]["batch_size"]) == (7, 8)
    assert OwnersDefaults(api.home).values() == {
        "experiment": {"epochs": 20, "learning_rate": 0.01, "batch_size": 8},
        "system": {"seed": 7},
    }


def test_nothing_sent_changes_nothing(api: Api) -> None:
    found = update(api)
    assert (found["updated_fields"], found["fields"], found["verified_values"]) == (0, [], {})
    assert OwnersDefaults(api.home).values() == {}


@pytest.mark.req("X-10.1")
@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("experiment", "epochs", 0),
        ("experiment", "epochs", 10_001),
        ("experiment", "epochs", "5"),
        ("experiment", "epochs", None),
        ("experiment", "learning_rate", 0),
        ("experiment", "weight_decay", -1),
        ("experiment", "batch_size", 0),
        ("experiment", "dropout_rate", 1),
        ("experiment", "augmentation_strength", 2.1),
        ("experiment", "edge_strength", -0.1),
        ("experiment", "clip_limit", 0),
        ("experiment", "prefetch_factor", 0),
        ("experiment", "num_classes", 0),
        ("experiment", "num_rounds", 0),
        ("experiment", "num_clients", 1),
        ("experiment", "color_mode", "CMYK"),
        ("experiment", "device", "tpu"),
        ("experiment", "monitor_metric", "val_luck"),
        ("experiment", "network", "resnet19"),
        ("experiment", "freeze_backbone", "yes"),
        ("experiment", "fine_tune_layers_count", 2000),
        ("experiment", "validation_split", 1),
        ("experiment", "lower_percentile", 96),
        ("experiment", "clients_per_round", 3),
        ("experiment", "epoch", 5),
        ("system", "img_size", [28]),
        ("system", "img_size", [8, 8]),
        ("system", "sample_fraction", 0),
        ("system", "sample_fraction", 1.1),
        ("system", "validation_split", 0),
        ("system", "validation_split", 0.9),
        ("system", "seed", -1),
        ("system", "image_extension", 5),
        ("columns", "target", ""),
        ("columns", "colour", "x"),
        ("evaluation", "prevalence", 1),
        ("federated", "strategy", "fedmax"),
        ("paths", "base_path", 5),
        ("paths", "other", "x"),
        ("output", "log_dir", "x" * 1001),
        ("logging", "file_logging", "no"),
        ("logging", "colour", True),
    ],
)
def test_what_is_out_of_bounds_or_unknown_is_refused(
    api: Api, section: str, name: str, value: Any
) -> None:
    detail = update(api, 422, **{section: {name: value}, "data": {"minimum_images": 20}})["detail"]
    told = detail if isinstance(detail, str) else str([each["loc"] for each in detail])
    assert any(word in told for word in (name, "validation_split", "resnet19", "monitor"))
    assert OwnersDefaults(api.home).values() == {}, "nothing of it was kept"


@pytest.mark.req("X-6.3")
@pytest.mark.parametrize("name", ["inception_v3", "googlenet"])
def test_a_network_that_is_not_offered_is_a_bad_request_with_the_reason(
    api: Api, name: str
) -> None:
    told = update(api, 400, experiment={"network": name, "epochs": 3})["detail"]
    assert f"{name!r} is not offered: Inception networks are fixed to pictures of 299x299" in told
    assert told.endswith("Nothing was changed.")
    assert OwnersDefaults(api.home).values() == {}


@pytest.mark.parametrize("body", [[], 5, {"other": {}}, {"experiment": 5}, {"experiment": []}])
def test_another_form_is_refused(api: Api, body: Any) -> None:
    assert api.client.post("/config/update", json=body).status_code == 422


def test_what_is_no_number_is_refused(api: Api) -> None:
    for text in ("NaN", "Infinity", "1e999"):
        body = f'{{"experiment": {{"learning_rate": {text}}}}}'
        answer = api.client.post(
            "/config/update", content=body, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 422, text


@pytest.mark.req("S-16.1")
def test_what_an_operator_decides_is_taken_and_not_used(api: Api) -> None:
    found = update(
        api,
        paths={"base_path": "/etc"},
        output={"checkpoint_dir": "../x"},
        logging={"level": "DEBUG"},
        system={"image_extension": ".png"},
        experiment={"num_classes": 2, "validate_images_on_init": False},
    )
    assert found["updated_fields"] == 0
    assert set(found["ignored"]) == {
        "paths.base_path",
        "output.checkpoint_dir",
        "logging.level",
        "system.image_extension",
        "experiment.num_classes",
        "experiment.validate_images_on_init",
    }
    assert all(found["ignored"].values())
    assert OwnersDefaults(api.home).values() == {}
    assert current(api)["config"]["paths"]["base_path"] is None


def test_what_the_contract_has_twice_is_one(api: Api) -> None:
    update(api, system={"batch_size": 4}, experiment={"validation_split": 0.3})
    told = current(api)["config"]
    assert told["system"]["batch_size"] == told["experiment"]["batch_size"] == 4
    assert told["system"]["validation_split"] == told["experiment"]["validation_split"] == 0.3
    both = update(api, system={"batch_size": 4}, experiment={"batch_size": 16})
    assert both["verified_values"] == {"batch_size": 16}
    assert list(both["ignored"]) == ["system.batch_size"]


@pytest.mark.parametrize(
    ("sent", "layers", "frozen"),
    [
        ({"freeze_backbone": True}, 0, True),
        ({"freeze_backbone": True, "fine_tune_layers_count": 5}, 5, True),
        ({"fine_tune_layers_count": -4}, 4, True),
        ({"freeze_backbone": False, "fine_tune_layers_count": 5}, None, False),
        ({"fine_tune_layers_count": None}, None, False),
    ],
)
def test_frozen_layers_are_said_in_the_contracts_way(
    api: Api, sent: dict[str, Any], layers: int | None, frozen: Any
) -> None:
    update(api, experiment=sent)
    told = current(api)["config"]["experiment"]
    assert (told["fine_tune_layers_count"], told["freeze_backbone"]) == (layers, frozen)


@pytest.mark.req("S-3.1")
def test_each_owner_has_its_own_and_changes_are_written_down(api: Api) -> None:
    update(api, experiment={"epochs": 33})
    other = api.stranger()
    assert current(other)["config"]["experiment"]["epochs"] == 10
    update(other, experiment={"epochs": 44})
    assert current(api)["config"]["experiment"]["epochs"] == 33
    with api.home.database.read() as session:
        told = [each for each in history(session, api.home.owner_id) if "defaults" in each.action]
    assert {"changes": {"experiment": {"epochs": 33}}} in [each.details for each in told]

"""A federated training's rounds: who took part, who was lost, and how the common model does."""

from datetime import timedelta

import pytest

from deepmed.core.home import Home
from deepmed.features.xray.federated import repository
from deepmed.features.xray.tables import XrayServerEvaluation
from deepmed.kit import clock
from factories.api import Api
from factories.markup import points, read, words
from factories.xray_rows import run_row

RUN = 1
HOLDING = {
    "train": {"images": 40, "patients": 20, "labels": {"0": 30, "1": 10}},
    "validation": {"images": 8, "patients": 4, "labels": {"0": 4, "1": 4}},
}
AUROCS = (0.5, 0.75, 0.9)


def federated_run(home: Home) -> int:
    """Two clients and two rounds; the second client is lost in the second."""
    number = run_row(home, "two hospitals", training_mode="federated")
    moment = clock.now()
    with home.database.write() as session:
        repository.replace_clients(session, number, {"client_0": HOLDING, "client_1": HOLDING})
        for place, client in enumerate(repository.clients(session, number)):
            for turn in (1, 2):
                said = {"status": "completed", "examples": 40, "metrics": {"train_loss": 0.25}}
                said["evaluation"] = {"val_loss": 0.5, "val_auroc": 0.8125}
                if (place, turn) == (1, 2):
                    said = {"status": "failed", "reason": "It did not answer."}
                span = (moment, moment + timedelta(seconds=2))
                repository.put_round(session, client.id, turn, span, said)
        for turn, auroc in enumerate(AUROCS):
            repository.put_server_evaluation(
                session,
                XrayServerEvaluation(
                    run_id=number,
                    round_number=turn,
                    loss=0.7 - turn / 10,
                    recall=None,
                    auroc=auroc,
                    num_samples=16,
                    additional_metrics={},
                ),
            )
    return number


@pytest.fixture(scope="module")
def followed(stranger: Api) -> tuple[Api, int]:
    return stranger, federated_run(stranger.home)


@pytest.mark.req("U-4.1")
def test_rounds_show_who_took_part_and_what_each_client_holds(followed: tuple[Api, int]) -> None:
    api, number = followed
    text = words(read(api, f"/xrays/runs/{number}/rounds"))
    assert "2 of 3 rounds" in text
    assert "2 clients hold 40 training patients" in text
    assert "client_0 20 40 30 10 4 8" in text
    assert "Round 2 went on without client_1. It did not answer." in text
    assert "1 client_0 took part 40 0.25 8 0.5 0.8125" in text


@pytest.mark.req("U-10.1")
def test_the_common_model_is_drawn_round_by_round_with_its_n(followed: tuple[Api, int]) -> None:
    api, number = followed
    text = read(api, f"/xrays/runs/{number}/rounds/part")
    auroc, loss = points(text)
    assert [len(auroc), len(loss)] == [len(AUROCS)] * 2
    heights = [one[1] for one in auroc]
    assert heights[0] - heights[2] == pytest.approx(
        (0.9 - 0.5) / 0.25 * (heights[0] - heights[1]), abs=1
    )
    assert "<td>2</td><td>16</td>" in text


def test_a_run_in_one_place_has_no_rounds(clinic: Api, followed: tuple[Api, int]) -> None:
    assert "was trained in one place" in read(clinic, f"/xrays/runs/{RUN}/rounds")
    read(clinic, f"/xrays/runs/{followed[1]}/rounds", 404)

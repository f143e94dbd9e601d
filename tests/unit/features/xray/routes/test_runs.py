"""Contract 1.3: runs in lists, one by one, as files and summed up."""

import csv
import io
import json
import re
from typing import Any

import pytest

from deepmed.core.home import Home
from deepmed.features.xray.runs.reading import StoredRun
from factories.api import Api
from factories.xray_rows import EPOCHS, MINUTES, ROUNDS, central_row
from integration.server.contract.shapes import count, mismatches, moment, number, one_of

from .conftest import CENTRAL, FAILED, FEDERATED, STRANGER, STRANGERS

SHARE = number(0, 1)
MAYBE = (SHARE, None)
STATUS = one_of("in_progress", "completed", "failed")
MODE = one_of("centralized", "federated")
FINAL_STATS = {
    "sensitivity": MAYBE,
    "specificity": MAYBE,
    "precision_cm": MAYBE,
    "accuracy_cm": MAYBE,
    "f1_cm": MAYBE,
}
SUMMARY = {
    "id": number(1, 1e9),
    "training_mode": MODE,
    "status": STATUS,
    "start_time": moment,
    "end_time": (moment, None),
    "best_val_recall": MAYBE,
    "best_val_accuracy": MAYBE,
    "metrics_count": count,
    "run_description": str,
    "federated_info": (
        {
            "num_rounds": count,
            "num_clients": count,
            "has_server_evaluation": bool,
            "best_accuracy": MAYBE,
            "best_recall": MAYBE,
            "latest_round": (count, None),
            "latest_accuracy": MAYBE,
        },
        None,
    ),
    "final_epoch_stats": (FINAL_STATS, None),
}
FINAL = {
    "accuracy": MAYBE,
    "precision": MAYBE,
    "recall": MAYBE,
    "f1_score": MAYBE,
    "auc": MAYBE,
    "loss": (float, None),
}
EPOCH = {
    "epoch": number(1, 1e9),
    **dict.fromkeys(("train_loss", "val_loss"), (float, None)),
    **dict.fromkeys(("train_acc", "val_acc", "train_f1"), MAYBE),
    **dict.fromkeys(("val_precision", "val_recall", "val_f1", "val_auroc"), MAYBE),
}
METRICS = {
    "experiment_id": str,
    "status": STATUS,
    "final_metrics": FINAL,
    "training_history": [EPOCH],
    "total_epochs": count,
    "metadata": {
        "experiment_name": str,
        "start_time": moment,
        "end_time": (moment, None),
        "total_epochs": count,
        "best_epoch": (count, None),
        **dict.fromkeys(
            (f"best_val_{name}" for name in ("accuracy", "precision", "recall", "f1", "auroc")),
            MAYBE,
        ),
        "best_val_loss": (float, None),
        **dict.fromkeys(
            (f"final_{name}" for name in ("accuracy", "precision", "recall", "f1", "auc")), MAYBE
        ),
        "final_loss": (float, None),
    },
    "confusion_matrix": (
        {
            "true_positives": count,
            "true_negatives": count,
            "false_positives": count,
            "false_negatives": count,
            **FINAL_STATS,
        },
        None,
    ),
}
LATEST = {
    "loss": float,
    **dict.fromkeys(("accuracy", "precision", "recall", "f1_score", "auroc"), MAYBE),
}
BEST = ({"value": SHARE, "round": number(1, 1e9)}, None)
MODE_SUMMARY = {
    "count": count,
    **dict.fromkeys(("avg_accuracy", "avg_precision", "avg_recall", "avg_f1"), MAYBE),
    "avg_duration_minutes": (float, None),
}
SHAPES: dict[str, Any] = {
    "/list": {"runs": [SUMMARY], "total": count},
    "/{}/metrics": METRICS,
    "/{}/federated-rounds": {
        "is_federated": bool,
        "num_rounds": count,
        "num_clients": count,
        "rounds": [{"round": count, "metrics": {"loss": float}}],
    },
    "/{}/server-evaluation": {
        "run_id": int,
        "is_federated": bool,
        "has_server_evaluation": bool,
        "evaluations": [
            {
                "round": count,
                **LATEST,
                "num_samples": count,
                "evaluation_time": moment,
                "confusion_matrix": (
                    {
                        "true_positives": count,
                        "true_negatives": count,
                        "false_positives": count,
                        "false_negatives": count,
                    },
                    None,
                ),
            }
        ],
        "summary": (
            {
                "total_rounds": count,
                "latest_round": count,
                "latest_metrics": LATEST,
                "best_accuracy": BEST,
                "best_recall": BEST,
                "best_precision": BEST,
                "best_f1_score": BEST,
            },
            None,
        ),
    },
    "/{}/client-metrics": {
        "run_id": int,
        "is_federated": bool,
        "num_clients": count,
        "clients": [
            {
                "client_id": int,
                "client_identifier": str,
                "total_steps": count,
                "training_history": [{"step": number(1, 1e9), "round": number(1, 1e9)}],
                "best_metrics": {
                    **dict.fromkeys(
                        (
                            f"best_val_{name}"
                            for name in ("accuracy", "precision", "recall", "f1", "auroc")
                        ),
                        MAYBE,
                    ),
                    "lowest_val_loss": (float, None),
                },
            }
        ],
        "aggregated_metrics": [{"round": count, **LATEST}],
    },
    "/analytics/summary": {
        "total_runs": count,
        "success_rate": MAYBE,
        "centralized": MODE_SUMMARY,
        "federated": MODE_SUMMARY,
        "top_runs": [
            {
                "run_id": int,
                "training_mode": MODE,
                **dict.fromkeys(
                    ("best_accuracy", "best_precision", "best_recall", "best_f1"), MAYBE
                ),
                "duration_minutes": (float, None),
                "start_time": moment,
                "status": STATUS,
            }
        ],
    },
}
OF_A_RUN = [path for path in SHAPES if "{}" in path]
FILES = ["/{}/download/csv", "/{}/download/json", "/{}/download/summary"]


def asked(api: Api, path: str, expected: int = 200, **query: Any) -> Any:
    answer = api.client.get(f"/api/runs{path}", params=query)
    assert answer.status_code == expected, answer.text
    return answer.json()


@pytest.mark.req("X-19.1")
@pytest.mark.parametrize("path", SHAPES)
def test_answers_have_the_contracts_shape(hospital: Api, real: Api, path: str) -> None:
    for run in (CENTRAL, FEDERATED, FAILED) if "{}" in path else (0,):
        assert not list(mismatches(SHAPES[path], asked(hospital, path.format(run))))
    assert not list(mismatches(SHAPES[path], asked(real, path.format(1))))


@pytest.mark.req("S-3.1")
@pytest.mark.parametrize("path", [*OF_A_RUN, *FILES])
@pytest.mark.parametrize("run", [STRANGERS, 99, 0, -1, 2**31, 10**30])
def test_what_is_not_there_and_what_is_anothers_is_not_found(
    hospital: Api, path: str, run: int
) -> None:
    assert f"run {run}" in asked(hospital, path.format(run), 404)["detail"]
    assert isinstance(asked(hospital, path.format("x"), 422)["detail"], list)


@pytest.mark.req("X-19.1")
def test_runs_are_listed_filtered_and_sorted(hospital: Api) -> None:
    found = asked(hospital, "/list")
    assert [run["id"] for run in found["runs"]] == [FAILED, FEDERATED, CENTRAL]
    assert found["total"] == 3
    for query, ids in (
        ({"status": "failed"}, [FAILED]),
        ({"status": "in_progress"}, []),
        ({"training_mode": "federated"}, [FEDERATED]),
        ({"training_mode": "centralized", "status": "completed"}, [CENTRAL]),
        ({"sort_by": "id", "sort_order": "asc"}, [CENTRAL, FEDERATED, FAILED]),
        ({"sort_by": "best_val_accuracy"}, [CENTRAL, FEDERATED, FAILED]),
        ({"sort_by": "best_val_accuracy", "sort_order": "asc"}, [FEDERATED, CENTRAL, FAILED]),
        ({"sort_by": "best_val_recall", "sort_order": "asc"}, [FEDERATED, CENTRAL, FAILED]),
        ({"sort_by": "status", "sort_order": "asc"}, [CENTRAL, FEDERATED, FAILED]),
        ({"sort_by": "run_description", "sort_order": "asc"}, [FAILED, CENTRAL, FEDERATED]),
        ({"limit": 1, "offset": 1}, [FEDERATED]),
        ({"offset": 3}, []),
    ):
        page = asked(hospital, "/list", **query)
        assert [run["id"] for run in page["runs"]] == ids, query
        assert page["total"] == (3 if {"status", "training_mode"}.isdisjoint(query) else len(ids))


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 1001},
        {"offset": -1},
        {"status": "done"},
        {"training_mode": "alone"},
        {"sort_by": "owner_id"},
        {"sort_order": "up"},
    ],
    ids=lambda query: next(iter(query)),
)
def test_a_list_that_cannot_be_is_refused(hospital: Api, query: dict[str, Any]) -> None:
    (told,) = asked(hospital, "/list", 422, **query)["detail"]
    assert told["loc"] == ["query", next(iter(query))]


def test_a_summary_is_counted_from_the_epochs(hospital: Api) -> None:
    central, federated, failed = (
        next(run for run in asked(hospital, "/list")["runs"] if run["id"] == each)
        for each in (CENTRAL, FEDERATED, FAILED)
    )
    assert central["best_val_accuracy"] == max(epoch["val_acc"] for epoch in EPOCHS)
    assert central["best_val_recall"] == max(epoch["val_recall"] for epoch in EPOCHS)
    assert central["metrics_count"] == sum(map(len, EPOCHS))
    assert central["final_epoch_stats"] == {
        "sensitivity": 0.9,
        "specificity": 0.4,
        "precision_cm": 0.5,
        "accuracy_cm": 0.6,
        "f1_cm": round(18 / 28, 4),
    }
    assert central["federated_info"] is None
    told = federated["federated_info"]
    # The model at first is the most accurate, and does not count.
    assert (told["best_accuracy"], told["best_recall"]) == (0.7, 0.8)
    assert (told["num_rounds"], told["num_clients"], told["latest_round"]) == (2, 2, 2)
    assert told["latest_accuracy"] == ROUNDS[2]["accuracy"]
    assert (failed["best_val_accuracy"], failed["final_epoch_stats"]) == (None, None)
    assert failed["reason"] == "No labels."


@pytest.mark.req("X-19.1")
def test_metrics_are_those_of_the_epochs(hospital: Api) -> None:
    found = asked(hospital, f"/{CENTRAL}/metrics")
    assert found["experiment_id"] == f"run_{CENTRAL}"
    assert found["total_epochs"] == found["metadata"]["total_epochs"] == 3
    for told, epoch in zip(found["training_history"], EPOCHS, strict=True):
        assert {name: told[name] for name in EPOCH if name != "epoch"} == {
            name: epoch[name] for name in EPOCH if name != "epoch"
        }
    assert [row["epoch"] for row in found["training_history"]] == [1, 2, 3]
    final, told = found["final_metrics"], found["metadata"]
    # Of the second epoch, whose weights are kept, and not of the last.
    assert (final["accuracy"], final["auc"], final["loss"]) == (0.8, 0.9, 0.4)
    assert (told["final_accuracy"], told["final_recall"]) == (0.8, 0.7)
    assert found["measured_on"] == {
        "split": "validation",
        "epoch": 2,
        "is_kept": True,
        "n": 25,
        "threshold": 0.5,
    }
    assert (told["best_epoch"], told["kept_epoch"], told["monitor_metric"]) == (2, 2, "val_auroc")
    assert (told["best_val_loss"], told["best_val_recall"]) == (0.4, 0.9)
    assert found["confusion_matrix"]["false_negatives"] == 1
    assert found["confusion_matrix"]["sensitivity"] == 0.9
    assert found["test"] is None
    assert "no test part" in found["test_reason"]


@pytest.mark.req("X-9.1")
@pytest.mark.req("X-19.1")
def test_metrics_of_a_real_run_are_those_of_its_files(real: Api, trained: Home) -> None:
    stored = StoredRun.of(trained, 1)
    found = asked(real, "/1/metrics")
    kept = json.loads(stored.file("history.json"))
    assert [row["val_loss"] for row in found["training_history"]] == [r["val_loss"] for r in kept]
    assert found["test"] == stored.evaluation["test"]
    assert found["operating_point"] == stored.model["operating_point"]
    best = (stored.run.results or {})["best_epoch"]
    assert found["metadata"]["kept_epoch"] == found["measured_on"]["epoch"] == best
    assert found["final_metrics"]["loss"] == kept[best - 1]["val_loss"]
    assert found["measured_on"]["n"] == len(stored.predictions["validation"])


def test_a_federated_run_is_told_by_its_rounds_and_nothing_is_made_up(hospital: Api) -> None:
    found = asked(hospital, f"/{FEDERATED}/metrics")
    assert [row["epoch"] for row in found["training_history"]] == [1, 2]
    assert [row["val_acc"] for row in found["training_history"]] == [0.7, 0.6]
    assert {row["train_loss"] for row in found["training_history"]} == {None}
    assert (found["measured_on"]["epoch"], found["final_metrics"]["accuracy"]) == (2, 0.6)
    assert found["metadata"]["best_epoch"] == 1


def test_a_run_that_failed_says_why(hospital: Api) -> None:
    found = asked(hospital, f"/{FAILED}/metrics")
    assert (found["status"], found["reason"]) == ("failed", "No labels.")
    assert (found["training_history"], found["confusion_matrix"]) == ([], None)
    assert set(found["final_metrics"].values()) == {None}
    assert "failed" in found["test_reason"]


def test_rounds_and_evaluations(hospital: Api) -> None:
    rounds = asked(hospital, f"/{FEDERATED}/federated-rounds")
    assert (rounds["is_federated"], rounds["num_rounds"], rounds["num_clients"]) == (True, 2, 2)
    assert [(each["round"], each["metrics"]["f1"]) for each in rounds["rounds"]] == [
        (1, 0.7),
        (2, 0.6),
    ]
    found = asked(hospital, f"/{FEDERATED}/server-evaluation")
    assert [each["round"] for each in found["evaluations"]] == [0, 1, 2]
    assert [each["loss"] for each in found["evaluations"]] == [each["loss"] for each in ROUNDS]
    assert found["evaluations"][0]["confusion_matrix"]["true_negatives"] == 7
    told = found["summary"]
    assert told["best_accuracy"] == {"value": 0.7, "round": 1}
    assert told["best_recall"] == {"value": 0.8, "round": 1}
    assert told["best_precision"] == {"value": 0.8, "round": 2}
    assert told["best_f1_score"] == {"value": 0.7, "round": 1}
    assert (told["total_rounds"], told["latest_round"]) == (2, 2)
    assert told["latest_metrics"] == {name: ROUNDS[2][name] for name in LATEST}


def test_clients_say_what_they_measured(hospital: Api) -> None:
    found = asked(hospital, f"/{FEDERATED}/client-metrics")
    assert [each["client_identifier"] for each in found["clients"]] == ["client_0", "client_1"]
    first, second = found["clients"]
    assert [each["round"] for each in first["training_history"]] == [1, 2]
    assert [each["step"] for each in second["training_history"]] == [1], "it did not answer in 2"
    assert first["best_metrics"]["best_val_accuracy"] == 0.8
    assert first["best_metrics"]["lowest_val_loss"] == 0.45
    assert first["best_metrics"]["best_val_auroc"] is None
    assert [each["round"] for each in found["aggregated_metrics"]] == [1, 2]


def test_a_centralized_run_has_no_rounds_and_says_so(hospital: Api) -> None:
    rounds = asked(hospital, f"/{CENTRAL}/federated-rounds")
    assert rounds == {"is_federated": False, "num_rounds": 0, "num_clients": 0, "rounds": []}
    found = asked(hospital, f"/{CENTRAL}/server-evaluation")
    assert (found["has_server_evaluation"], found["evaluations"]) == (False, [])
    assert found["summary"] is None
    clients = asked(hospital, f"/{CENTRAL}/client-metrics")
    assert (clients["is_federated"], clients["clients"]) == (False, [])


def test_there_is_nothing_to_fill_in(hospital: Api) -> None:
    path = "/api/runs/backfill/{}/server-evaluations"
    found = hospital.client.post(path.format(FEDERATED)).json()
    assert found["success"] is True
    assert found["rounds_processed"] == 0
    assert "3 evaluations" in found["message"]
    refused = hospital.client.post(path.format(CENTRAL))
    assert refused.status_code == 400
    assert "not federated" in refused.json()["detail"]
    for run in (STRANGERS, 99):
        assert hospital.client.post(path.format(run)).status_code == 404


@pytest.mark.req("X-19.1")
def test_a_table_has_every_number_of_every_epoch(hospital: Api) -> None:
    answer = hospital.client.get(f"/api/runs/{CENTRAL}/download/csv")
    assert answer.headers["content-type"].startswith("text/csv")
    name = answer.headers["content-disposition"]
    assert re.fullmatch(rf'attachment; filename="run_{CENTRAL}_export_\d{{8}}_\d{{6}}\.csv"', name)
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [{name: float(row[name]) for name in EPOCHS[0]} for row in rows] == list(EPOCHS)
    assert hospital.client.get(f"/api/runs/{FAILED}/download/csv").text == "epoch\r\n"


@pytest.mark.req("X-19.1")
def test_files_say_what_the_metrics_say(real: Api) -> None:
    found = asked(real, "/1/metrics")
    answer = real.client.get("/api/runs/1/download/json")
    kept = answer.json()
    assert re.search(r"run_1_export_\d{8}_\d{6}\.json", answer.headers["content-disposition"])
    assert {name: kept[name] for name in found} == found
    assert len(kept["epochs"]) == found["total_epochs"]
    words = real.client.get("/api/runs/1/download/summary")
    assert words.headers["content-type"].startswith("text/plain")
    assert f"val_loss: {found['final_metrics']['loss']:.4f}".removeprefix("val_") in words.text
    for name, figure in found["test"]["report"]["figures"].items():
        known = figure["low"] is not None
        told = f"{figure['estimate']:.4f} (from {figure['low']:.4f}" if known else ""
        assert f"  {name}: {told}" in words.text


@pytest.mark.req("X-19.1")
def test_all_runs_are_summed_up(hospital: Api) -> None:
    found = asked(hospital, "/analytics/summary")
    assert found["total_runs"] == 2
    assert found["success_rate"] == pytest.approx(2 / 3)
    assert found["centralized"]["count"] == found["federated"]["count"] == 1
    assert found["centralized"]["avg_accuracy"] == 0.8
    assert found["federated"]["avg_recall"] == 0.8
    assert found["centralized"]["avg_duration_minutes"] == MINUTES
    assert [run["run_id"] for run in found["top_runs"]] == [CENTRAL, FEDERATED]
    assert asked(hospital, "/analytics/summary", days=1)["total_runs"] == 0
    assert asked(hospital, "/analytics/summary", days=1)["success_rate"] is None
    failed = asked(hospital, "/analytics/summary", status="failed")
    assert (failed["total_runs"], failed["centralized"]["avg_accuracy"]) == (1, None)
    mode = asked(hospital, "/analytics/summary", training_mode="federated")
    assert (mode["total_runs"], mode["success_rate"], mode["centralized"]["count"]) == (1, 1, 0)
    for query in ({"days": 0}, {"status": "?"}, {"training_mode": "?"}, {"days": 10**9}):
        asked(hospital, "/analytics/summary", 422, **query)


def test_at_most_ten_are_the_best(hospital: Api) -> None:
    other = Api.of(hospital.home.for_owner(STRANGER))
    for accuracy in range(12):
        central_row(other.home, epochs=[{"val_acc": accuracy / 20}])
    accuracies = [0.8, *(number / 20 for number in range(12))]
    found = asked(other, "/analytics/summary")
    best = sorted(accuracies, reverse=True)[:10]
    assert [run["best_accuracy"] for run in found["top_runs"]] == best
    assert found["centralized"]["avg_accuracy"] == pytest.approx(sum(accuracies) / 13)

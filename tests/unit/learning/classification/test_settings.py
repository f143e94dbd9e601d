import math
import subprocess
import sys

import pytest

from deepmed.learning.classification import TrainingSettings, TrainingSettingsError


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"learning_rate": math.nan}, "learning_rate must be above 0"),
        ({"weight_decay": -0.1}, "weight_decay must be at least 0"),
        ({"focal_alpha": 1.2}, "focal_alpha must be above 0 and at most 1"),
        ({"gradient_clip": 0.0}, "gradient_clip must be above 0"),
        ({"optimizer": "adam"}, "optimizer must be one of adamw, sgd"),
        ({"scheduler": "cosine"}, "scheduler must be one of cosine_warm_restarts"),
        ({"loss": "dice"}, "loss must be one of"),
        ({"precision": "64"}, "precision must be one of"),
        ({"monitor": "val_auc"}, "monitor must be one of val_loss"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"devices": 0}, "devices must be at least 1"),
    ],
)
def test_values_outside_their_range_are_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(TrainingSettingsError, match=message):
        TrainingSettings(**changed)  # type: ignore[arg-type] # wrong on purpose


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(TrainingSettingsError, match="unknown: speed"):
        TrainingSettings.from_json({"speed": 3})


@pytest.mark.req("X-8.2")
def test_the_area_under_the_curve_is_monitored_unless_asked_otherwise() -> None:
    assert TrainingSettings().monitor == "val_auroc"
    assert TrainingSettings(monitor="val_recall").monitor == "val_recall"


@pytest.mark.req("X-8.2")
def test_the_documentation_says_why_recall_alone_misleads() -> None:
    said = " ".join((TrainingSettings.__doc__ or "").split())
    assert "``val_recall`` alone is degenerate: a network that calls every image positive" in said


def test_less_loss_and_less_error_of_calibration_are_better() -> None:
    modes = {
        name: TrainingSettings(monitor=name).mode for name in ("val_loss", "val_ece", "val_f1")
    }
    assert modes == {"val_loss": "min", "val_ece": "min", "val_f1": "max"}


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [(100, (15, 35, 55, 75)), (20, (3, 7, 11, 15)), (3, (1, 1, 1, 2)), (1, (1, 1, 1, 1))],
)
def test_layers_join_at_their_shares_of_the_epochs(epochs: int, expected: tuple[int, ...]) -> None:
    assert TrainingSettings(epochs=epochs).unfreeze_epochs == expected


def test_settings_and_messages_do_not_wait_for_torch() -> None:
    code = (
        "import sys; from deepmed.learning.classification import EventStream, TrainingSettings; "
        "from deepmed.learning.networks import NetworkSettings, available_networks; "
        "TrainingSettings(); NetworkSettings(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

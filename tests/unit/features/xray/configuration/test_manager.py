"""One strict configuration: defaults, bounds, levels, and what nobody knows."""

from pathlib import Path
from typing import Any

import pytest

from deepmed.features.xray.configuration import LEVELS, ConfigManager, XrayConfig, level_of
from deepmed.features.xray.configuration.manager import places
from deepmed.features.xray.configuration.settings import (
    data_settings,
    network_settings,
    preprocessing_of,
    split_settings,
    training_settings,
    variation_of,
    verdicts_of,
)
from deepmed.kit.errors import ConfigurationError, ValidationError
from deepmed.learning.imaging import Variation

DEFAULTS = {
    "experiment.learning_rate": 1e-3,
    "experiment.weight_decay": 1e-4,
    "experiment.batch_size": 32,
    "experiment.epochs": 10,
    "system.img_size": [256, 256],
    "experiment.dropout_rate": 0.3,
    "experiment.early_stopping_patience": 5,
    "experiment.optimizer": "adamw",
    "experiment.scheduler": "cosine_warm_restarts",
    "experiment.gradient_clip_val": 1.0,
    "experiment.monitor_metric": "val_auroc",
}


@pytest.mark.req("X-10.1")
@pytest.mark.parametrize(("place", "value"), DEFAULTS.items())
def test_defaults_are_the_stated_ones(place: str, value: object) -> None:
    assert ConfigManager().get(place) == value


@pytest.mark.req("X-10.1")
@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"experimnt": {}}, "experimnt"),
        ({"experiment": {"learning_rat": 0.1}}, "experiment.learning_rat"),
        ({"experiment": {"epochs": "3"}}, "experiment.epochs"),
        ({"experiment": {"epochs": 0}}, "experiment.epochs"),
        ({"experiment": {"dropout_rate": 1.0}}, "experiment.dropout_rate"),
        ({"experiment": {"learning_rate": float("nan")}}, "JSON"),
        ({"experiment": {"network": "resnet9"}}, "resnet9"),
        ({"experiment": {"network": "inception_v3"}}, "inception_v3"),
        ({"experiment": {"monitor_metric": "val_luck"}}, "monitor"),
        ({"experiment": {"loss": "none"}}, "loss"),
        ({"experiment": {"progressive_unfreeze": True}}, "fine_tune_layers_count"),
        ({"experiment": {"lower_percentile": 95.0}}, "lower_percentile"),
        ({"system": {"validation_split": 0.6, "test_split": 0.5}}, "validation_split"),
        ({"system": {"img_size": [256]}}, "system.img_size"),
        ({"system": {"img_size": [2049, 256]}}, "system.img_size"),
        ({"experiment": {"num_workers": 17}}, "experiment.num_workers"),
        ({"experiment": {"batch_size": 1025}}, "experiment.batch_size"),
        ({"experiment": {"prefetch_factor": 17}}, "experiment.prefetch_factor"),
        ({"experiment": {"accumulate_grad_batches": 257}}, "experiment.accumulate_grad_batches"),
        ({"experiment": {"width": 513}}, "experiment.width"),
        ({"evaluation": {"resamples": 10_001}}, "evaluation.resamples"),
        (
            {"experiment": {"num_clients": 17}, "federated": {"clients_run": "processes"}},
            "at most 16",
        ),
    ],
)
def test_what_is_unknown_or_wrong_is_refused_by_name(values: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        ConfigManager(values)


def test_what_is_nested_without_end_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValidationError, match="no plain JSON"):
        ConfigManager({"experiment": {"head": deep}})


def test_a_file_a_level_and_single_values_count_in_this_order(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("experiment: {epochs: 7, batch_size: 4, network: resnet18}\n")
    made = ConfigManager.load(file, level=2, overrides=["batch_size=5", "img_size=28,28"])
    found = [made.get(f"experiment.{name}") for name in ("epochs", "batch_size", "network")]
    assert found == [2, 5, "resnet18"]
    assert made.get_section("system")["img_size"] == [28, 28]


@pytest.mark.req("X-10.1")
def test_a_file_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("experiment: {epoch: 7}\n")
    with pytest.raises(ValidationError, match="epoch"):
        ConfigManager.load(file)
    with pytest.raises(ValidationError, match="Did you mean epochs"):
        ConfigManager.load(overrides=["epoch=3"])
    with pytest.raises(ValidationError, match="PLACE=VALUE"):
        ConfigManager.load(overrides=["epochs"])


def test_places_are_asked_for_by_points() -> None:
    made = ConfigManager({"system": {"seed": 7}})
    assert made.get("system.seed") == 7
    assert made.get("system.nothing", 5) == 5
    with pytest.raises(ValidationError, match=r"system\.sed"):
        made.get("system.sed")
    with pytest.raises(ValidationError, match="no section"):
        made.get_section("nothing")
    assert len(places()) == sum(len(values) for values in made.resolved.values())


def test_the_resolved_configuration_makes_itself_again() -> None:
    made = ConfigManager.load(level=4, overrides=["network=vgg16", "patient_pattern=^(p[0-9]+)"])
    assert ConfigManager(made.resolved).config == made.config


@pytest.mark.req("X-13.1")
def test_the_five_levels_are_the_stated_ones() -> None:
    stated = [(1, 32, 0.01), (2, 24, 0.005), (3, 16, 0.001), (5, 16, 0.0005), (8, 8, 0.0001)]
    assert [(one.epochs, one.batch_size, one.learning_rate) for one in LEVELS] == stated
    for number, (epochs, batch, rate) in enumerate(stated, 1):
        training = training_settings(ConfigManager.load(level=number).config)
        loading = data_settings(ConfigManager.load(level=number).config, Path("cache"))
        assert (training.epochs, loading.batch_size, training.learning_rate) == (
            epochs,
            batch,
            rate,
        )
    assert level_of("balanced").number == 3
    with pytest.raises(ValidationError, match="no level"):
        level_of(6)


def test_every_part_is_told_its_values(tmp_path: Path) -> None:
    written = ["color_mode=L", "network=resnet34", "seed=9", "test_split=0.25", "device=cuda"]
    config = ConfigManager.load(overrides=written).config
    assert network_settings(config, 2).classes == 1
    network = network_settings(config, 4)
    assert (network.name, network.channels, network.classes) == ("resnet34", 1, 4)
    assert (training_settings(config).seed, training_settings(config).accelerator) == (9, "gpu")
    assert data_settings(config, tmp_path).cache_folder == tmp_path
    assert split_settings(config).fractions == pytest.approx((0.6, 0.15, 0.25))
    assert preprocessing_of(config).color_mode == "L"
    assert preprocessing_of(ConfigManager.load(overrides=["use_imagenet_norm=false"]).config).mean


def test_weights_are_names_in_the_folder_of_weights(tmp_path: Path) -> None:
    config = ConfigManager.load(overrides=["weights=resnet50.safetensors"]).config
    found = network_settings(config, 2, tmp_path).weights
    assert found == tmp_path / "resnet50.safetensors"
    with pytest.raises(ConfigurationError, match="DEEPMED_WEIGHTS_DIR"):
        network_settings(config, 2)
    outside = ConfigManager.load(overrides=["weights=../a.safetensors"]).config
    with pytest.raises(ValidationError, match="plain name"):
        network_settings(outside, 2, tmp_path)


@pytest.mark.req("X-2.2")
def test_what_a_person_said_of_a_pair_stands_in_the_configuration() -> None:
    pair = {"first": "a.png", "second": "b.png", "same": True}
    made = ConfigManager({"data": {"lookalikes": [pair]}})
    assert made.resolved["data"]["lookalikes"] == [pair]
    assert verdicts_of(made.config) == {("a.png", "b.png"): True}


def test_every_value_says_what_it_is() -> None:
    schema = XrayConfig.model_json_schema()
    sections = [
        schema["$defs"][part["$ref"].rpartition("/")[2]] for part in schema["properties"].values()
    ]
    leaves = {name: leaf for each in sections for name, leaf in each["properties"].items()}
    assert len(leaves) > 60
    assert [name for name, leaf in leaves.items() if "description" not in leaf] == []


def test_how_far_images_are_varied_is_what_is_written() -> None:
    written = ["zoom_share=0.25", "stretch_share=0.1", "level_share=0.2", "blur_share=0.5"]
    made = ConfigManager.load(
        overrides=[*written, "noise_share=0.05", "image_edge=repeat", "equal_histogram=true",
                   "use_custom_preprocessing=true", "contrast_stretch=false"]
    ).config  # fmt: skip
    variation = variation_of(made)
    found = [variation.zoom_share, variation.stretch_share, variation.level_share]
    assert [*found, variation.blur_share, variation.noise_share] == [0.25, 0.1, 0.2, 0.5, 0.05]
    assert variation.edge == "repeat"
    enhancement = preprocessing_of(made).enhancement
    assert enhancement is not None
    assert (enhancement.equal_histogram, enhancement.contrast_stretch) == (True, False)
    assert data_settings(made, Path("cache")).variation == variation
    assert variation_of(ConfigManager().config) == Variation()

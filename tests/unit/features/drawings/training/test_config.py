import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError as SchemaError

from deepmed.features.drawings.training.config import (
    OptimizerType,
    ParameterSweepConfig,
    SchedulerType,
    TrainingConfig,
    TrainingConfigManager,
)
from deepmed.features.drawings.training.config.composing import packaged
from deepmed.features.drawings.training.config.overrides import groups, read_overrides
from deepmed.features.drawings.training.config.sweeps import trials
from deepmed.kit.errors import ValidationError

CANARY = "DEEPMED_TEST_CANARY"


@pytest.fixture
def manager() -> TrainingConfigManager:
    return TrainingConfigManager()


class TestDefaults:
    @pytest.mark.req("D-12.1")
    def test_what_is_packaged_is_what_the_types_say(self, manager: TrainingConfigManager) -> None:
        """Two places state the defaults, so they must state the same."""
        assert manager.load_config() == TrainingConfig()

    @pytest.mark.req("D-12.1")
    @pytest.mark.parametrize(
        ("group", "choice"), [(group, one) for group, found in groups().items() for one in found]
    )
    def test_every_packaged_choice_is_acceptable(
        self, manager: TrainingConfigManager, group: str, choice: str
    ) -> None:
        made = manager.load_config(overrides=[f"{group}={choice}"]).model_dump(mode="json")
        assert made[group] == packaged({group: choice})[group]

    def test_the_choices_cover_every_optimiser_and_schedule(self) -> None:
        assert set(groups()["optimizer"]) == set(OptimizerType)
        assert set(groups()["scheduler"]) == set(SchedulerType)

    def test_they_can_be_written_out_and_read_again(
        self, manager: TrainingConfigManager, tmp_path: Path
    ) -> None:
        made = manager.create_default_configs(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "training-deep.yaml",
            "training-small.yaml",
            "training-standard.yaml",
        ]
        for name, config in made.items():
            assert manager.load_config(tmp_path / f"training-{name}.yaml") == config


class TestOverrides:
    @pytest.mark.req("D-12.1")
    def test_values_and_choices(self, manager: TrainingConfigManager) -> None:
        written = ["optimizer=sgd", "epochs=20", "model.hidden_dims=[64,8]", "job_name='a b'"]
        config = manager.load_config(overrides=written)
        assert config.optimizer.type is OptimizerType.SGD
        assert (config.epochs, config.model.hidden_dims, config.job_name) == (20, (64, 8), "a b")
        assert config.scheduler == TrainingConfig().scheduler

    def test_a_choice_on_top_of_a_file_replaces_that_part_alone(
        self, manager: TrainingConfigManager, tmp_path: Path
    ) -> None:
        path = tmp_path / "mine.yaml"
        path.write_text("epochs: 7\nmodel: {hidden_dims: [9, 3]}\n", encoding="utf-8")
        config = manager.load_config(path, ["optimizer=sgd", "optimizer.momentum=0.5"])
        assert (config.epochs, config.model.hidden_dims) == (7, (9, 3))
        assert (config.optimizer.type, config.optimizer.momentum) == (OptimizerType.SGD, 0.5)

    @pytest.mark.req("S-26.1")
    @pytest.mark.parametrize(
        "written",
        [
            "job_name=${oc.env:" + CANARY + "}",
            "job_name='${oc.env:" + CANARY + "}'",
            "_target_=os.system",
            "model._target_=os.system",
            "+_target_=os.system",
            "+epochs=1",
            "++epochs=1",
            "~epochs",
            "model@optimizer=small",
            "hydra.run.dir=elsewhere",
            "hydra/launcher=basic",
            "optimizer=../../../optimizer/sgd",
            "optimizer=[sgd]",
            "model={_target_: os.system}",
            "model.hidden_dims=[{_target_: os.system}]",
            "epochs=glob(*)",
            "epochs",
            "=1",
            "epochs=" + "1" * 600,
        ],
    )
    def test_what_reaches_beyond_the_configuration_is_refused(
        self, manager: TrainingConfigManager, monkeypatch: pytest.MonkeyPatch, written: str
    ) -> None:
        monkeypatch.setenv(CANARY, "a secret of the environment")
        with pytest.raises(ValidationError) as refused:
            manager.load_config(overrides=[written])
        assert "a secret" not in refused.value.message

    @pytest.mark.parametrize(
        ("written", "told"),
        [
            ("learning_rate=0.1", "Did you mean optimizer.learning_rate?"),
            ("epochs=many", "epochs"),
            ("epochs=0", "epochs"),
            ("epochs=1.5", "epochs"),
            ("optimizer.learning_rate=2", "optimizer.learning_rate"),
            ("data.train_split=0.5", "add up to 0.8"),
            ("optimizer=lion", "adam, adamw, sgd"),
            ("epochs=1,2", "sweep"),
            ("instance_type=p3", "instance_type"),
        ],
    )
    def test_a_wrong_one_is_told_by_its_place(
        self, manager: TrainingConfigManager, written: str, told: str
    ) -> None:
        with pytest.raises(ValidationError, match=told):
            manager.load_config(overrides=[written])


class TestFiles:
    @pytest.mark.req("S-26.1")
    @pytest.mark.parametrize(
        "text",
        [
            "_target_: os.system\n",
            "model: {_target_: os.system}\n",
            "job_name: ${oc.env:HOME}\n",
            "!!python/object/apply:os.system [echo]\n",
            "epochs: 5\nepochs: 6\n",
            "surprise: 1\n",
            "epochs: '5'\n",
            "model: &m {hidden_dims: [4]}\nscheduler: *m\n",
            "\0",
        ],
    )
    def test_what_a_persons_file_must_not_hold(
        self, manager: TrainingConfigManager, tmp_path: Path, text: str
    ) -> None:
        path = tmp_path / "theirs.yaml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValidationError):
            manager.load_config(path)

    def test_a_file_that_is_none(self, manager: TrainingConfigManager, tmp_path: Path) -> None:
        for path in (tmp_path / "missing.yaml", tmp_path):
            with pytest.raises(ValidationError, match="cannot be read"):
                manager.load_config(path)
        (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\xff")
        with pytest.raises(ValidationError, match="UTF-8"):
            manager.load_config(tmp_path / "binary.yaml")

    @pytest.mark.req("S-26.1")
    def test_a_name_that_refers_to_something_is_no_name(self) -> None:
        with pytest.raises(SchemaError):
            TrainingConfig(job_name="${oc.env:HOME}")

    @pytest.mark.req("S-26.1")
    def test_the_packaged_defaults_refer_to_nothing(self) -> None:
        assert "${" not in json.dumps(
            [packaged({g: c}) for g, all_ in groups().items() for c in all_]
        )


class TestHydra:
    @pytest.mark.req("D-12.1")
    def test_as_hydras_own_type(self, manager: TrainingConfigManager) -> None:
        from omegaconf.errors import ConfigAttributeError

        config = manager.load_config(overrides=["epochs=20"])
        made = manager.get_hydra_config(config)
        assert made.optimizer.learning_rate == config.optimizer.learning_rate
        assert made.epochs == 20
        with pytest.raises(ConfigAttributeError):
            _ = made.surprise


class TestWarnings:
    @pytest.mark.parametrize(
        ("written", "words"),
        [
            ([], ""),
            (["epochs=10"], "never stops early"),
            (["scheduler=step", "epochs=20"], "never falls"),
            (["model.hidden_dims=[4,8]"], "narrow"),
            (["instance_count=2"], "no meaning"),
        ],
    )
    def test_values_that_do_not_go_together(
        self, manager: TrainingConfigManager, written: list[str], words: str
    ) -> None:
        found = manager.validate_config(manager.load_config(overrides=written))
        assert found["is_valid"]
        assert [words in text for text in found["warnings"]] == ([True] if words else [])


class TestSweeps:
    @pytest.mark.req("D-12.1")
    def test_every_combination_once(self, manager: TrainingConfigManager) -> None:
        values: dict[str, list[Any]] = {
            "optimizer": ["adam", "sgd"],
            "optimizer.learning_rate": [0.1, 0.2, 0.3],
            "model.hidden_dims": [[8, 2], [4]],
        }
        made = manager.create_parameter_sweep(
            TrainingConfig(epochs=5), ParameterSweepConfig(parameters=values)
        )
        assert len(made) == math.prod(map(len, values.values()))
        found = {(c.optimizer.type, c.optimizer.learning_rate, c.model.hidden_dims) for c in made}
        assert len(found) == len(made)
        assert {c.epochs for c in made} == {5}
        assert len({c.job_name for c in made}) == len(made)

    def test_as_it_is_written(self) -> None:
        sweep = ParameterSweepConfig.of(read_overrides(["epochs=range(1,4)", "loss=mae", "seed=3"]))
        assert sweep.parameters == {"epochs": [1, 2, 3]}
        assert [chosen for chosen, _ in trials(TrainingConfig(), sweep)] == [
            {"epochs": 1},
            {"epochs": 2},
            {"epochs": 3},
        ]

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            ({"epochs": list(range(1, 66))}, "65 combinations"),
            ({"data.test_split": [0.1, 0.2]}, "same drawings"),
            ({"seed": [1, 2]}, "same drawings"),
            ({"data": ["standard", "half"]}, "same drawings"),
            ({"epoch": [1, 2]}, "Did you mean epochs"),
            ({"epochs": [1, "x"]}, "epochs"),
        ],
    )
    def test_what_cannot_be_swept(self, values: dict[str, Any], words: str) -> None:
        sweep = ParameterSweepConfig(parameters=values)
        with pytest.raises(ValidationError, match=words):
            list(trials(TrainingConfig(), sweep))

    def test_a_sweep_of_nothing(self) -> None:
        nothing: list[dict[str, Any]] = [{}, {"epochs": []}]
        for parameters in nothing:
            with pytest.raises(SchemaError):
                ParameterSweepConfig(parameters=parameters)


def test_a_configuration_is_yaml_that_a_person_can_read(manager: TrainingConfigManager) -> None:
    plain = yaml.safe_load(manager.to_yaml(TrainingConfig()))
    assert plain["optimizer"]["type"] == "adamw"

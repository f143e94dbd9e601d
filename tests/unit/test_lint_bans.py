"""What lint refuses, asked of the real linter with the real configuration."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lint(source: str) -> str:
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise"]
    name = "src/deepmed/features/drawings/made_up.py"
    done = subprocess.run(
        [*command, "--stdin-filename", name, "-"],
        cwd=ROOT,
        input=source,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.mark.req("S-26.1")
@pytest.mark.parametrize(
    "source",
    [
        "import hydra\n\nhydra.utils.instantiate({})\n",
        "from hydra.utils import instantiate\n\ninstantiate({})\n",
        "from hydra import utils\n\nutils.call({})\n",
        "from hydra.utils import get_class\n",
        "from hydra.utils import get_method\n",
        "from hydra.utils import get_object\n",
        "from hydra.utils import get_static_method\n",
        "from omegaconf import OmegaConf\n\nOmegaConf.register_new_resolver('x', str)\n",
        "from omegaconf import OmegaConf\n\nOmegaConf.register_resolver('x', str)\n",
        "from omegaconf import OmegaConf\n\nOmegaConf.resolve({})\n",
        "import yaml\n\nyaml.load('', yaml.FullLoader)\n",
        "import yaml\n\nyaml.full_load('')\n",
        "import yaml\n\nyaml.unsafe_load('')\n",
    ],
)
def test_what_turns_a_configuration_into_code_is_refused(source: str) -> None:
    assert "TID251" in lint(source)


@pytest.mark.req("S-9.1")
@pytest.mark.parametrize(
    "source",
    [
        "import pickle\n",
        "from pickle import loads\n",
        "import cloudpickle\n",
        "import dill\n",
        "import shelve\n",
        "import joblib\n\njoblib.load('model')\n",
        "import numpy as np\n\nnp.load('model', allow_pickle=True)\n",
        "import torch\n\ntorch.load('model', weights_only=False)\n",
    ],
)
def test_what_unpickles_is_refused(source: str) -> None:
    assert "TID251" in lint(source)


def test_what_is_allowed_is_not_refused() -> None:
    assert lint('import yaml\n\ndata = yaml.safe_load("")\n').startswith("All checks passed")


def test_complexity_beyond_ten_is_refused() -> None:
    branches = "".join(f"    if n == {number}:\n        return\n" for number in range(10))
    assert "C901" in lint(f"def busy(n: int) -> None:\n{branches}")

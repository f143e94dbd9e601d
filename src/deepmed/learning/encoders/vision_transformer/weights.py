"""Where the files of a vision transformer lie, and the hash that names its weights.

Only safetensors is read: a pickled checkpoint runs code when it is opened. Nothing is fetched
unless the caller allows it, and weights that are not there are never made up.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from deepmed.kit.digests import json_digest
from deepmed.learning.errors import ModelLoadingError

_CONFIG = "config.json"
_PREPROCESSOR = "preprocessor_config.json"
_SINGLE = "model.safetensors"
_SHARDS = "model.safetensors.index.json"
# What a configuration says about its file and its labels, not about the arithmetic.
_WITHOUT_EFFECT = {
    "_name_or_path",
    "architectures",
    "dtype",
    "id2label",
    "label2id",
    "torch_dtype",
    "transformers_version",
}
_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class ModelFolder:
    """A folder with configuration, preprocessing and weights of one transformer.

    Args:
        path: the folder.

    Raises:
        ModelLoadingError: on use, when a file is missing or is no valid JSON.
    """

    path: Path

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """The architecture, as transformers wrote it."""
        return self._json(_CONFIG)

    @cached_property
    def preprocessor(self) -> Mapping[str, Any]:
        """How the encoder wants its pixels."""
        return self._json(_PREPROCESSOR)

    @property
    def config_hash(self) -> str:
        """SHA-256 in hex over what the configuration says about the arithmetic."""
        effective = {k: v for k, v in self.config.items() if k not in _WITHOUT_EFFECT}
        return json_digest(effective)

    def weight_files(self) -> list[Path]:
        """The safetensors files that transformers reads, in the order of their names.

        Raises:
            ModelLoadingError: there are none, or one that the index names is missing.
        """
        if (self.path / _SINGLE).is_file():
            return [self.path / _SINGLE]
        if not (self.path / _SHARDS).is_file():
            raise ModelLoadingError(
                f"The folder {self.path} holds no {_SINGLE}. Checkpoints in other formats are not "
                "opened, because they can run code. Convert the weights to safetensors, or use "
                "the encoder 'hog-pyramid', which needs none."
            )
        shards = sorted(set(self._json(_SHARDS).get("weight_map", {}).values()))
        return [self._inside(name) for name in shards]

    def weight_hash(self) -> str:
        """SHA-256 in hex over the bytes of the weight files, one after the other."""
        digest = hashlib.sha256()
        for path in self.weight_files():
            with path.open("rb") as file:
                while block := file.read(_READ_BYTES):
                    digest.update(block)
        return digest.hexdigest()

    def _inside(self, name: str) -> Path:
        path = self.path / name
        if Path(name).name != name or not path.is_file():
            raise ModelLoadingError(
                f"The index of {self.path} names {name!r}, which is not in that folder. "
                "Copy the weights again."
            )
        return path

    def _json(self, name: str) -> Mapping[str, Any]:
        try:
            content = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelLoadingError(
                f"{self.path / name} is missing or damaged ({error}). A vision transformer needs "
                f"{_CONFIG}, {_PREPROCESSOR} and {_SINGLE}; copy the whole folder again."
            ) from error
        if not isinstance(content, dict):
            raise ModelLoadingError(f"{self.path / name} holds no JSON object. Copy it again.")
        return content


def find_model_folder(
    name: str, weights_dir: Path | None = None, *, allow_download: bool = False
) -> ModelFolder:
    """Find the files of a transformer by name.

    Looks at the name itself as a folder, then below `weights_dir` (`owner/model`, `owner--model`
    and `model`), then in the cache of the Hugging Face hub on this machine.

    Args:
        name: `owner/model` as on the hub, or a folder.
        weights_dir: folder with one folder a model.
        allow_download: whether the hub may be asked when nothing is found here.

    Returns:
        The folder; its files are not opened yet.

    Raises:
        ModelLoadingError: nothing was found; says where it looked.
    """
    places = _places(name, weights_dir)
    found = next((place for place in places if (place / _CONFIG).is_file()), None)
    found = found or _cached(name) or (_download(name) if allow_download else None)
    if found is None:
        looked = ", ".join([*map(str, places), "the hub's cache on this machine"])
        raise ModelLoadingError(
            f"The weights of {name!r} are not on this machine; looked in {looked}. Nothing was "
            "embedded and no random weights are used in their place. Put the model's folder into "
            "DEEPMED_WEIGHTS_DIR, or use the encoder 'hog-pyramid', which works without weights."
        )
    return ModelFolder(found)


def _places(name: str, weights_dir: Path | None) -> list[Path]:
    places = [Path(name)]
    parts = Path(name).parts
    if weights_dir is not None and not Path(name).is_absolute() and ".." not in parts:
        below = [weights_dir / name, weights_dir / "--".join(parts), weights_dir / parts[-1]]
        places += list(dict.fromkeys(below))
    return places


def _cached(name: str) -> Path | None:
    import huggingface_hub  # noqa: PLC0415 - only who loads a transformer waits for it

    try:
        config = huggingface_hub.try_to_load_from_cache(name, _CONFIG)
    except huggingface_hub.errors.HFValidationError:
        return None  # a folder's name need not be a valid name on the hub
    return Path(config).parent if isinstance(config, str) else None


def _download(name: str) -> Path:
    import huggingface_hub  # noqa: PLC0415 - only who loads a transformer waits for it

    try:
        folder = huggingface_hub.snapshot_download(
            name, allow_patterns=[_CONFIG, _PREPROCESSOR, "model*.safetensors", _SHARDS]
        )
    except (OSError, ValueError) as error:
        raise ModelLoadingError(
            f"The weights of {name!r} could not be fetched ({error}). Nothing was embedded. Fetch "
            "them on a machine with a connection and put the folder into DEEPMED_WEIGHTS_DIR."
        ) from error
    return Path(folder)

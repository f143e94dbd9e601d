"""What the routes of the configuration answer (contract 1.1)."""

from collections.abc import Mapping
from typing import Any

from deepmed.core.home import Home
from deepmed.features.xray.configuration.defaults import OwnersDefaults, Values
from deepmed.features.xray.configuration.manager import ConfigManager
from deepmed.features.xray.errors import ConfigurationRefusedError
from deepmed.features.xray.schemas.config import ConfigUpdate, ConfigUpdated, CurrentConfig
from deepmed.kit.errors import ValidationError

PLACE = "the table xray_defaults of the data folder's database"
CSV_FILENAME = "stage2_train_metadata.csv"
VERIFIED = ("epochs", "batch_size", "learning_rate")
_RUN_FOLDER = "xray/runs/{uid}"
_OPERATORS = "requests name no place on the server; a run's files lie in the data folder"
_SAME = {
    "system.batch_size": "experiment.batch_size",
    "experiment.validation_split": "system.validation_split",
}
"""What the contract has twice, and where it stands here."""
IGNORED = {
    "system.image_extension": "images are known by their content, whatever their ending",
    "experiment.num_classes": "the images of a training decide how many classes there are",
    "experiment.validate_images_on_init": "images are always checked",
    "paths": _OPERATORS,
    "output": _OPERATORS,
    "logging": "the operator sets what is logged, by DEEPMED_LOG_LEVEL",
}
"""By place or section, why it is not used."""
_FROZEN, _LAYERS = "experiment.freeze_backbone", "experiment.fine_tune_layers_count"
Flat = dict[str, Any]


def current(home: Home) -> CurrentConfig:
    config = OwnersDefaults(home).config().resolved
    return CurrentConfig.model_validate(
        {"config": _in_contracts_words(home, config), "config_path": PLACE}
    )


def update(home: Home, request: ConfigUpdate) -> ConfigUpdated:
    """Keep what was sent; what was not stays.

    Raises:
        ConfigurationRefusedError: values do not go together; nothing was changed.
    """
    sent = _flat(request.model_dump(mode="json", exclude_unset=True))
    defaults = OwnersDefaults(home)
    wanted, ignored = _translated(sent, defaults.config())
    try:
        kept = defaults.change(_nested(wanted)) if wanted else defaults.config()
    except ValidationError as error:
        raise ConfigurationRefusedError.of(error, "Nothing was changed.") from error
    used = [place for place in sent if place not in ignored]
    return ConfigUpdated(
        message=f"{len(used)} settings count for trainings from now on; those that run keep "
        "theirs.",
        updated_fields=len(used),
        fields=used,
        verified_values={
            name: kept.get(f"experiment.{name}")
            for name in VERIFIED
            if any(place.partition(".")[2] == name for place in used)
        },
        ignored=ignored,
        config_path=PLACE,
    )


def _translated(sent: Flat, now: ConfigManager) -> tuple[Flat, dict[str, str]]:
    """What is to be set, by our places, and what of it is not used, by the contract's."""
    wanted: Flat = {}
    ignored: dict[str, str] = {}
    for place, value in sent.items():
        own = _SAME.get(place)
        reason = IGNORED.get(place) or IGNORED.get(place.partition(".")[0])
        if own is not None and own in sent:
            ignored[place] = f"{own} was sent as well, and counts"
        elif reason is not None:
            ignored[place] = reason
        elif place not in {_FROZEN, _LAYERS}:
            wanted[own or place] = value
    return wanted | _layers(sent, now), ignored


def _layers(sent: Flat, now: ConfigManager) -> Flat:
    """How many layers are trained from the start, as the contract says it with two settings."""
    if _FROZEN not in sent and _LAYERS not in sent:
        return {}
    if sent.get(_FROZEN) is False:
        return {_LAYERS: None}
    count = sent.get(_LAYERS, now.get(_LAYERS))
    if count is None:
        return {_LAYERS: 0 if sent.get(_FROZEN) else None}
    return {_LAYERS: abs(count)}


def _in_contracts_words(home: Home, config: Mapping[str, Mapping[str, Any]]) -> Values:
    """Our sections, and beside them what the contract has more."""
    system, experiment = config["system"], config["experiment"]
    return {
        **{section: dict(values) for section, values in config.items()},
        "system": {**system, "batch_size": experiment["batch_size"]},
        "experiment": {
            **experiment,
            "validation_split": system["validation_split"],
            "freeze_backbone": experiment["fine_tune_layers_count"] is not None,
            "validate_images_on_init": True,
        },
        "paths": {"metadata_filename": CSV_FILENAME},
        "output": {
            "checkpoint_dir": f"{_RUN_FOLDER}/checkpoints",
            "results_dir": "artifacts",
            "log_dir": _RUN_FOLDER,
        },
        "logging": {"level": home.settings.log_level, "format": "json", "file_logging": False},
    }


def _flat(sections: Mapping[str, Mapping[str, Any] | None]) -> Flat:
    return {
        f"{section}.{name}": value
        for section, values in sections.items()
        for name, value in (values or {}).items()
    }


def _nested(flat: Flat) -> Values:
    found: Values = {}
    for place, value in flat.items():
        section, _, name = place.partition(".")
        found.setdefault(section, {})[name] = value
    return found

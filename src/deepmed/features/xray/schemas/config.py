"""The configuration on the wire (contract 1.1).

A change has every setting of a training, with its bounds, and beside them what the contract names
and is decided here in another way.
"""

from copy import copy
from typing import Any

from pydantic import ConfigDict, Field, create_model

from deepmed.features.xray.configuration.models import (
    ColumnsSection,
    DataSection,
    EvaluationSection,
    ExperimentSection,
    FederatedSection,
    Section,
    SystemSection,
    XrayConfig,
)
from deepmed.features.xray.schemas.fields import Answer, Anything


def _changes(section: type[Section], **more: Any) -> Any:
    """The same fields, of which any may be left out."""
    fields: dict[str, Any] = {}
    for name, field in section.model_fields.items():
        optional = copy(field)
        optional.default, optional.default_factory = None, None
        fields[name] = (field.annotation, optional)
    name = section.__name__.replace("Section", "Change")
    strict = ConfigDict(extra="forbid", strict=True)
    return create_model(name, __config__=strict, __module__=__name__, **fields | more)


def _taken(kind: Any, text: str) -> Any:
    return (kind | None, Field(None, description=text))


SystemChange: Any = _changes(
    SystemSection,
    image_extension=_taken(Anything, "Taken, and not used: images are known by their content."),
    batch_size=(int, Field(None, ge=1, le=4096, description="As in `experiment`.")),
)
ColumnsChange: Any = _changes(ColumnsSection)
DataChange: Any = _changes(DataSection)
ExperimentChange: Any = _changes(
    ExperimentSection,
    fine_tune_layers_count=(
        int | None,
        Field(
            None,
            ge=-1000,
            le=1000,
            description="How many of the backbone's last layers are trained from the start, also "
            "written as a negative number; 0 none, null all.",
        ),
    ),
    freeze_backbone=(
        bool,
        Field(None, description="False trains all layers; true those that are counted alone."),
    ),
    validation_split=(float, Field(None, gt=0, lt=1, description="As in `system`.")),
    num_classes=(
        int,
        Field(None, ge=1, le=1000, description="Taken, and not used: the images have classes."),
    ),
    validate_images_on_init=_taken(bool, "Taken, and not used: images are always checked."),
)
FederatedChange: Any = _changes(FederatedSection)
EvaluationChange: Any = _changes(EvaluationSection)


class _Foreign(Answer):
    """What the contract lets requests decide, and an operator does here."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)


class PathsChange(_Foreign):
    base_path: Anything | None = None
    """Taken, and not used: requests name no place on the server."""
    main_images_folder: Anything | None = None
    """Likewise."""
    images_subfolder: Anything | None = None
    """Likewise."""
    metadata_filename: Anything | None = None
    """Likewise; `csv_filename` of an experiment names the table."""


class OutputChange(_Foreign):
    checkpoint_dir: Anything | None = None
    """Taken, and not used: a run's files lie in the data folder."""
    results_dir: Anything | None = None
    """Likewise."""
    log_dir: Anything | None = None
    """Likewise."""


class LoggingChange(_Foreign):
    level: Anything | None = None
    """Taken, and not used: the operator sets `DEEPMED_LOG_LEVEL`."""
    format: Anything | None = None
    """Likewise."""
    file_logging: bool | None = None
    """Likewise."""


class ConfigUpdate(_Foreign):
    system: SystemChange | None = None
    """Images, their parts, and what is drawn by chance."""
    paths: PathsChange | None = None
    """Taken, and not used."""
    columns: ColumnsChange | None = None
    """What the table's columns are called."""
    data: DataChange | None = None
    """What is said of the images, and when there are too few."""
    experiment: ExperimentChange | None = None
    """Network, training and loading."""
    federated: FederatedChange | None = None
    """How clients learn together."""
    evaluation: EvaluationChange | None = None
    """What is counted when the training is over."""
    output: OutputChange | None = None
    """Taken, and not used."""
    logging: LoggingChange | None = None
    """Taken, and not used."""


class SystemView(SystemSection):
    batch_size: int
    """As in `experiment`."""
    image_extension: None = None
    """Always null: images are known by their content, whatever their ending."""


class ExperimentView(ExperimentSection):
    validation_split: float
    """As in `system`."""
    freeze_backbone: bool
    """Whether any layer of the backbone begins frozen."""
    num_classes: None = None
    """Always null: the images of a training decide."""
    validate_images_on_init: bool
    """Always true."""


class PathsView(Answer):
    base_path: None = None
    """Always null: requests name no place on the server."""
    main_images_folder: None = None
    """Likewise."""
    images_subfolder: None = None
    """Likewise."""
    metadata_filename: str
    """The table that is looked for where an experiment names none."""


class OutputView(Answer):
    checkpoint_dir: str
    """Where a run's checkpoints lie while it trains, within the data folder."""
    results_dir: str
    """Where signed results lie, within the file store."""
    log_dir: str
    """Where a run's numbers lie, within the data folder."""


class LoggingView(Answer):
    level: str
    """The least that is logged, as the operator set it."""
    format: str
    """One JSON object a line."""
    file_logging: bool
    """Whether the program itself writes logs into files: it writes them to its error output."""


class ConfigView(XrayConfig):
    system: SystemView
    experiment: ExperimentView
    paths: PathsView
    """Where images come from."""
    output: OutputView
    """Where a run's files lie."""
    logging: LoggingView
    """What is logged."""


class CurrentConfig(Answer):
    config: ConfigView
    """Every setting as it counts for this owner's next training."""
    config_path: str
    """Where this owner's own settings are kept."""


class ConfigUpdated(Answer):
    message: str
    """What was done, in words."""
    updated_fields: int
    fields: list[str]
    """The settings that were set, by section and name."""
    verified_values: dict[str, float]
    """Of epochs, batch size and learning rate those that were sent, as they are kept now."""
    ignored: dict[str, str]
    """What was taken and not used, and why."""
    config_path: str
    """Where this owner's own settings are kept."""

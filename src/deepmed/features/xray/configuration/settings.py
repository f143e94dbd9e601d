"""From the configuration to what each part of the program is told; nothing here needs torch."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from deepmed.features.xray.configuration.models import XrayConfig
from deepmed.kit.errors import ConfigurationError, ValidationError
from deepmed.kit.settings import Settings
from deepmed.learning.classification.settings import TrainingSettings
from deepmed.learning.errors import LearningError
from deepmed.learning.federated.settings import FederatedSettings
from deepmed.learning.networks.settings import NetworkSettings

if TYPE_CHECKING:
    from deepmed.features.xray.preparation import SplitSettings
    from deepmed.features.xray.source import SourceOptions
    from deepmed.learning.imaging import DataSettings, Preprocessing, Variation

Made = TypeVar("Made")
MIDDLE = 0.5
"""Mean and deviation that bring 0 to 1 to -1 to 1."""


def network_settings(
    config: XrayConfig, classes: int, weights_dir: Path | None = None
) -> NetworkSettings:
    """Of a network that tells so many classes apart: two by one logit.

    Raises:
        ValidationError: there is no such network.
        ConfigurationError: weights are named, and no folder of weights is set.
    """
    chosen = config.experiment
    return _checked(
        lambda: NetworkSettings(
            name=chosen.network,
            channels=3 if chosen.color_mode == "RGB" else 1,
            classes=1 if classes <= 2 else classes,
            dropout=chosen.dropout_rate,
            head=chosen.head,
            stem=chosen.stem,
            max_pool=chosen.max_pool,
            width=chosen.width,
            weights=_weights(chosen.weights, weights_dir),
            weights_sha256=chosen.weights_sha256,
            fine_tune_layers=chosen.fine_tune_layers_count,
        )
    )


def training_settings(config: XrayConfig) -> TrainingSettings:
    """Raises ValidationError where a name or a value is none that a training takes."""
    chosen = config.experiment
    return _checked(
        lambda: TrainingSettings(
            epochs=chosen.epochs,
            learning_rate=chosen.learning_rate,
            weight_decay=chosen.weight_decay,
            optimizer=chosen.optimizer,  # type: ignore[arg-type] # it looks at the name itself
            scheduler=chosen.scheduler,  # type: ignore[arg-type] # likewise
            restart_epochs=chosen.restart_epochs,
            plateau_patience=chosen.reduce_lr_patience,
            plateau_factor=chosen.reduce_lr_factor,
            min_learning_rate=chosen.min_lr,
            loss=chosen.loss,  # type: ignore[arg-type] # likewise
            focal_alpha=chosen.focal_alpha,
            focal_gamma=chosen.focal_gamma,
            label_smoothing=chosen.label_smoothing,
            monitor=chosen.monitor_metric,
            patience=chosen.early_stopping_patience,
            min_delta=chosen.early_stopping_min_delta,
            keep=chosen.checkpoints_kept,
            gradient_clip=chosen.gradient_clip_val,
            accumulate=chosen.accumulate_grad_batches,
            precision=chosen.precision,  # type: ignore[arg-type] # likewise
            accelerator="gpu" if chosen.device == "cuda" else chosen.device,
            devices=chosen.devices,
            channels_last=chosen.channels_last,
            progressive_unfreeze=chosen.progressive_unfreeze,
            batch_interval=chosen.batch_sample_interval,
            gradient_interval=chosen.gradient_sample_interval,
            seed=config.system.seed,
        )
    )


def federated_settings(config: XrayConfig) -> FederatedSettings:
    """How clients learn together.

    Raises:
        ValidationError: values do not go together.
    """
    counts, chosen = config.experiment, config.federated
    if counts.progressive_unfreeze:
        raise ValidationError(
            "A federated training does not unfreeze layers step by step; nothing was started. "
            "Leave progressive_unfreeze out."
        )
    return _checked(
        lambda: FederatedSettings(
            clients=counts.num_clients,
            rounds=counts.num_rounds,
            clients_per_round=counts.clients_per_round,
            local_epochs=counts.local_epochs,
            strategy=chosen.strategy,
            proximal_mu=chosen.proximal_mu,
            partition=chosen.partition,
            alpha=chosen.dirichlet_alpha,
            minimum_clients=chosen.minimum_clients,
            round_seconds=chosen.round_seconds,
        )
    )


def preprocessing_of(config: XrayConfig) -> "Preprocessing":
    """What is done to each image, in training's end as in use."""
    from deepmed.learning.imaging import (  # noqa: PLC0415 - torch
        IMAGENET_MEAN,
        IMAGENET_STD,
        Enhancement,
        Preprocessing,
    )

    chosen, colours = config.experiment, 3 if config.experiment.color_mode == "RGB" else 1
    mean, std = (MIDDLE,) * colours, (MIDDLE,) * colours
    if chosen.use_imagenet_norm:
        mean = IMAGENET_MEAN if colours == 3 else (sum(IMAGENET_MEAN) / 3,)
        std = IMAGENET_STD if colours == 3 else (sum(IMAGENET_STD) / 3,)
    enhancement = Enhancement(
        contrast_stretch=chosen.contrast_stretch,
        equal_histogram=chosen.equal_histogram,
        adaptive_histogram=chosen.adaptive_histogram,
        edge_enhancement=chosen.edge_enhancement,
        lower_percentile=chosen.lower_percentile,
        upper_percentile=chosen.upper_percentile,
        clip_limit=chosen.clip_limit,
        edge_strength=chosen.edge_strength,
    )
    return Preprocessing(
        size=config.system.img_size,
        color_mode=chosen.color_mode,
        mean=mean,
        std=std,
        fit=chosen.image_fit,
        enhancement=enhancement if chosen.use_custom_preprocessing else None,
    )


def data_settings(config: XrayConfig, cache: Path) -> "DataSettings":
    """How images are loaded; decoded ones are kept in the folder of the cache."""
    from deepmed.learning.imaging import DataSettings  # noqa: PLC0415 - who only asks has it not

    chosen = config.experiment
    return DataSettings(
        batch_size=chosen.batch_size,
        workers=chosen.num_workers,
        seed=config.system.seed,
        augmentation_strength=chosen.augmentation_strength,
        variation=variation_of(config),
        may_flip=chosen.may_flip,
        cache_folder=cache,
        pin_memory=chosen.pin_memory,
        persistent_workers=chosen.persistent_workers,
        prefetch_factor=chosen.prefetch_factor,
        reader="xray-1",
    )


def variation_of(config: XrayConfig) -> "Variation":
    """How far training varies images at strength 1."""
    from deepmed.learning.imaging import Variation  # noqa: PLC0415 - who only asks has it not

    chosen = config.experiment
    return Variation(
        zoom_share=chosen.zoom_share,
        stretch_share=chosen.stretch_share,
        level_share=chosen.level_share,
        blur_share=chosen.blur_share,
        noise_share=chosen.noise_share,
        edge=chosen.image_edge,
    )


def source_options(config: XrayConfig, settings: Settings) -> "SourceOptions":
    """How a source is read on this installation."""
    from dataclasses import replace  # noqa: PLC0415 - with what it is for

    from deepmed.features.xray.source import ColumnNames, SourceOptions  # noqa: PLC0415 - slow

    columns, data = config.columns, config.data
    return replace(
        SourceOptions.of(settings),
        columns=ColumnNames(columns.patient_id, columns.target, columns.filename, columns.part),
        class_names=data.class_names,
        patient_pattern=data.patient_pattern,
        positive_class=data.positive_class,
        minimum_images=data.minimum_images,
        minimum_patients=data.minimum_patients,
        most_unreadable=data.most_unreadable,
    )


def split_settings(config: XrayConfig) -> "SplitSettings":
    """How the images are split."""
    from deepmed.features.xray.preparation import SplitSettings  # noqa: PLC0415 - slow

    chosen = config.system
    train = 1 - chosen.validation_split - chosen.test_split
    return SplitSettings(
        fractions=(train, chosen.validation_split, chosen.test_split),
        seed=chosen.seed,
        keep_published=chosen.keep_published_split,
        look_for_lookalikes=chosen.look_for_lookalikes,
    )


def verdicts_of(config: XrayConfig) -> dict[tuple[str, str], bool]:
    """What a person said of pairs of images that look alike, by their names."""
    return {(pair.first, pair.second): pair.same for pair in config.data.lookalikes}


def _weights(name: str | None, folder: Path | None) -> Path | None:
    if name is None:
        return None
    if folder is None:
        raise ConfigurationError(
            f"The weights {name} were asked for, and DEEPMED_WEIGHTS_DIR names no folder with "
            "weights. Nothing was trained."
        )
    if Path(name).name != name or name.startswith("."):
        raise ValidationError(f"{name!r} is no plain name of a file; nothing was trained.")
    return folder / name


def _checked(make: Callable[[], Made]) -> Made:
    try:
        return make()
    except LearningError as error:
        raise ValidationError(str(error)) from error

"""What a training on X-rays is told: one typed configuration, and five levels of effort."""

from deepmed.features.xray.configuration.levels import LEVELS, Level, level_of
from deepmed.features.xray.configuration.manager import ConfigManager
from deepmed.features.xray.configuration.models import XrayConfig

__all__ = ["LEVELS", "ConfigManager", "Level", "XrayConfig", "level_of"]

"""All that differs between environments: one YAML file each, read into typed, frozen settings."""

from settings.files import SettingsError, environments, load, read
from settings.model import Settings

__all__ = ["Settings", "SettingsError", "environments", "load", "read"]

"""All that differs between environments: one YAML file each, read into typed, frozen settings."""

from settings.model import Settings, SettingsError, environments, load

__all__ = ["Settings", "SettingsError", "environments", "load"]

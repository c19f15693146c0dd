"""What stops an analysis."""


class ConfigError(Exception):
    """A configuration or a dataset that cannot be analysed; the message says what is wrong and what would do."""

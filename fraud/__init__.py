"""The ``fraud`` command: one file a subcommand."""

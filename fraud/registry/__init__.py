"""What the registry knows of a model package: read, told and compared."""

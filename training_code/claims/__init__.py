"""The schema of auto claims and their customers, written once (see ``schema``)."""

"""The step that compares groups of claims before a model has learned from them (see ``__main__``)."""

"""The step that compares how a model decides on groups of claims (see ``__main__``)."""

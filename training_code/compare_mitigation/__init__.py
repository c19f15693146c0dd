"""The step that shows what mitigation changed, for better or worse (see ``__main__``)."""

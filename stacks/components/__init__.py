"""One capability a file; the stacks put them together."""

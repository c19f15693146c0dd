"""Explains every score, and the model by the scores."""

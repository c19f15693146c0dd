"""Scores the untouched test split."""

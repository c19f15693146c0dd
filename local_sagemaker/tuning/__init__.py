"""Searching for hyperparameters: what to try next, when to stop a trial, and what became of each."""

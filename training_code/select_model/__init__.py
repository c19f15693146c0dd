"""Passes on the better of two models: that of the default settings, or the best of a tuning job."""

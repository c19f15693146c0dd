"""Trains the XGBoost model on the encoded splits."""

"""Puts everything that serving needs into one model archive."""

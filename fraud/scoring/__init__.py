"""Scores files of claims on this machine, with the code that serves the endpoint."""

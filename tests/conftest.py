"""Inputs that many tests share, made once a session and read only."""

import os
from pathlib import Path

import pytest

from fraud import synthetic_claims
from tests.support.claims import Tables

# Tests run side by side, and spinning threads would take the CPU from each other.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

PROJECT = Path(__file__).parent.parent
REAL = PROJECT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """2,000 generated claims and their customers."""
    folder = tmp_path_factory.mktemp("synthetic")
    synthetic_claims.write(rows=2_000, seed=3, folder=folder)
    return Tables(folder / "claims.csv", folder / "customers.csv")


@pytest.fixture(scope="session")
def real() -> Tables:
    """The 5,000 real claims, which lie beside the project and are not its own."""
    if not (REAL / "claims.csv").exists():
        # Where changes are accepted, nothing may be left out silently.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"the real claims are not at {REAL}")
    return Tables(REAL / "claims.csv", REAL / "customers.csv")

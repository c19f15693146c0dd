"""Every environment, synthesized."""

from collections.abc import Callable

import pytest

import settings
from cloud_assembly import Assembly
from tests.support import synth

ENVIRONMENTS = settings.environments()


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Assembly]:
    """A function from an environment's name to its assembly."""
    return lambda env: synth.assembly(env, tmp_path_factory)


@pytest.fixture(scope="session", params=ENVIRONMENTS)
def assembly(request: pytest.FixtureRequest, synthesized: Callable[[str], Assembly]) -> Assembly:
    """Each environment in turn."""
    return synthesized(request.param)

"""A home with registered packages, made once for the tests that read it."""

import pytest

from local_sagemaker import Home
from tests.support import packages, steps
from tests.support.claims import Tables
from tests.support.packages import Registered


@pytest.fixture(scope="session")
def registered(synthetic: Tables, tmp_path_factory: pytest.TempPathFactory) -> Registered:
    folder = tmp_path_factory.mktemp("registered")
    assert steps.preprocess(synthetic.claims, synthetic.customers, folder / "splits").code == 0
    home = Home(folder / "home")
    first = packages.make(home, "first", folder / "splits", champion=None, hyperparameters={"num_round": 20, "max_depth": 2})
    second = packages.make(home, "second", folder / "splits", champion=first, hyperparameters={"num_round": 60, "max_depth": 3})
    done = [packages.register(first, is_early=True), packages.register(second, champion=first)]
    assert [one.code for one in done] == [0, 0], done[0].error + done[1].error
    return Registered(home.folder, (first, second), (done[0].json, done[1].json))

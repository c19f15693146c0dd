"""What is shown of a run while it runs."""

from collections.abc import Callable
from typing import Any

import pytest

from fraud.progress import LiveProgress, PlainProgress
from local_sagemaker import Event

TOLD = Event(step="Tune", type="Tuning", status="Executing", progress="trial 7 of 20: best 0.812", seconds=3.0)


@pytest.mark.parametrize("make", [PlainProgress, lambda: LiveProgress(["Preprocess", "Tune"])], ids=["plain", "live"])
def test_how_far_a_step_has_come_is_shown(make: Callable[[], Any], capsys: pytest.CaptureFixture[str]) -> None:
    with make() as shown:
        shown(Event(step="Tune", type="Tuning", status="Executing"))
        shown(TOLD)
    assert "trial 7 of 20: best 0.812" in capsys.readouterr().err

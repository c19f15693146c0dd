"""Settings: frozen, complete, and clear about what is wrong."""

from pathlib import Path

import pydantic
import pytest

import settings
from settings import read


def test_every_environment_loads_and_is_frozen() -> None:
    assert {"dev", "staging", "prod"} <= set(settings.environments())
    for name in settings.environments():
        loaded = settings.load(name)
        assert loaded.name == name
        with pytest.raises(pydantic.ValidationError):
            loaded.review_capacity = 0.5  # type: ignore[misc]


def test_an_unknown_environment_names_those_that_are() -> None:
    with pytest.raises(settings.SettingsError, match="no environment 'test'; there are dev, prod, staging"):
        settings.load("test")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("review_capcity: 0.1", "review_capcity: unknown key"),
        ("jobs: {train: {instance_type: m5.large}}", "jobs.train.instance_type"),
        ("review_capacity: 1.5", "review_capacity: input should be less than 1"),
        ("approval_status: Maybe", "approval_status: input should be 'PendingManualApproval', 'Approved' or 'Rejected'"),
        ("cache_for: 30 days", "cache_for"),
        ("- a list", "expected keys and values"),
        ("a: [", "is not YAML"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_key(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(content)
    with pytest.raises(settings.SettingsError) as error:
        read(file)
    assert str(error.value).startswith("mine.yaml")
    assert message in str(error.value)

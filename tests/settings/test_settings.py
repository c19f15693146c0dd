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


def test_a_file_elsewhere_is_an_environment_too(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("review_capacity: 0.2")
    loaded = settings.load(str(file))
    assert (loaded.name, loaded.review_capacity, loaded.resource_name) == ("mine", 0.2, "fraud-detection-mine")
    with pytest.raises(settings.SettingsError, match=r"gone\.yaml cannot be read: No such file"):
        settings.load(str(tmp_path / "gone.yaml"))


@pytest.mark.parametrize("duration", ["P30D", "PT1H", "P1M", "P1Y2M3W4DT5H6M7S", "PT30M", "P1W", "PT5S"])
def test_durations_are_those_of_iso_8601(tmp_path: Path, duration: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"cache_for: {duration}\nstorage: {{intermediate_days: 3650, noncurrent_days: 3650}}")
    assert settings.load(str(file)).cache_for == duration


def test_a_file_that_is_not_utf_8_is_a_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes(b"tags: {a: \xff}")
    with pytest.raises(settings.SettingsError, match=r"mine\.yaml is not UTF-8"):
        settings.load(str(file))


def test_nothing_starts_by_itself_and_data_is_kept_unless_it_is_set() -> None:
    plain = settings.Settings(name="plain")
    assert not plain.triggers.are_on
    assert plain.storage.retention == "retain"
    assert plain.network_isolation
    assert plain.approval_status == "PendingManualApproval"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("review_capcity: 0.1", "review_capcity: unknown key"),
        ("jobs: {train: {instance_type: m5.large}}", "jobs.train.instance_type"),
        ("review_capacity: 1.5", "review_capacity: input should be less than 1"),
        ("approval_status: Maybe", "approval_status: input should be 'PendingManualApproval', 'Approved' or 'Rejected'"),
        ("cache_for: 30 days", "cache_for"),
        ("- a list", "expected keys and values"),
        ("network: {mode: isolatd}", "'none', 'existing', 'isolated'"),
        ("network: {mode: isolated, cidrr: x}", "network.isolated.cidrr: unknown key; known are mode, cidr, zones"),
        ("network: {mode: existing, subnet_ids: [], security_group_ids: [sg-01234567]}", "network.existing.subnet_ids"),
        ("account: 111111111111", "account: must be in quotes"),
        ("account: '1111'", "account: string should match pattern"),
        ("account: '111111111111'", "account and region: give both, or neither"),
        ("storage: {intermediate_days: 31}", "storage.intermediate_days: must be more than 31, because steps are reused for P30D"),
        ("storage: {retention: keep}", "storage.retention: input should be 'retain' or 'destroy'"),
        ("storage: {retain: true}", "storage.retain: unknown key; known are retention, intermediate_days"),
        ("triggers: {schedule: daily}", "triggers.schedule"),
        ("collections: []", "collections"),
        ("name: prod", "name: unknown key; an environment has the name of its file"),
        ("storage: {noncurrent_days: 10}", "storage.noncurrent_days: must be more than 31"),
        ("cache_for: P", "cache_for"),
        ("cache_for: PT", "cache_for"),
        ("cache_for: P1DT", "cache_for"),
        ("network: {mode: isolated, cidr: 10.0.0.5/16}", "network.isolated.cidr: 10.0.0.5/16 has host bits set"),
        ("network: {mode: isolated, cidr: 999.1.1.1/20}", "network.isolated.cidr"),
        ("network: {mode: isolated, cidr: 10.0.0.0/8}", "a /8 is too large or too small"),
        ("triggers: {schedule: rate(5 bananas)}", "triggers.schedule"),
        ("collections: [a, a]", "collections: a is there twice"),
        ("trusted_accounts: ['111111111111', '111111111111']", "trusted_accounts: 111111111111 is there twice"),
        ("tags: {'aws:x': y}", "tags: aws:x: keys of AWS's own cannot be set"),
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

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
        ("training: {algorithm: catboost}", "training.algorithm: input should be 'xgboost', 'logistic-regression'"),
        ("training: {algorithm: kmeans}", "there are no exact SHAP values of a distance to a centroid: set explain: false"),
        ("training: {algorithm: custom}", "training: container and algorithm: custom go together"),
        ("training: {algorithm: custom, container: {image: 'docker.io/x'}}", "training.container.image"),
        ("training: {algorithm: custom, container: {}}", "training.container: give image or folder"),
        ("training: {hyperparameters: {framework: x}}", "training: hyperparameters: framework: set by this project itself"),
        ("training: {algorithm: kmeans, mitigation: {method: reweighing}}", "kmeans takes no weights per claim"),
        ("training: {mitigation: {facet: customer_gender=Male or so}}", "customer_gender has the levels Male, Female, Unkown, Other"),
        ("training: {tuning: {ranges: {}}}", "training.tuning.ranges"),
        ("training: {tuning: {ranges: {mitigation: {choices: [reweighing]}}}}", "ranges: mitigation: set by this project itself"),
        ("training: {tuning: {ranges: {eta: {low: 0, high: 1, scaling: Logarithmic}}}}", "a logarithmic range begins above 0"),
        ("training: {tuning: {objective: 'validation:auc', ranges: {eta: {choices: [1]}}}}", "known at the end of a trial only"),
        ("split: {validation: 0.6, test: 0.6}", "split: validation and test take 1.2 of the policies"),
        ("combine_steps: true\ntraining: {hyperparameters: {test: 0.9}}", "test is no hyperparameter of the training script"),
        (
            "gate: {bias: [{facet: 'customer_age=60:', metric: DI, minimum: 0, maximum: 2},"
            " {facet: 'customer_age=60:', metric: DI, minimum: 0, maximum: 3}]}",
            "customer_age=60: is bounded twice",
        ),
        ("training: {tuning: {ranges: {eta: {low: 1}}}}", "training.tuning.ranges.eta: give low and a greater high, or choices"),
        ("training: {tuning: {ranges: {eta: {lo: 1}}}}", "tuning.ranges.eta.lo: unknown key; known are low, high, scaling"),
        ("training: {tuning: {strategy: Grid, ranges: {eta: {low: 0.1, high: 1}}}}", "a grid takes choices only; eta has low and high"),
        ("training: {tuning: {strategy: Grid, ranges: {eta: {choices: [1, 2]}}}}", "the grid has 2 points: set max_trials: 2"),
        ("training: {tuning: {ranges: {eta: {choices: [1]}}}, mitigation: {method: reweighing}}", "tuning and mitigation: tune first"),
        ("training: {algorithm: linear-learner, tuning: {ranges: {l1: {choices: [1]}}}}", "linear-learner leaves no record"),
        ("training: {algorithm: logistic-regression, use_spot: true}\njobs: {train: {max_runtime_minutes: 90}}", "has no checkpoints"),
        ("training: {algorithm: logistic-regression}\njobs: {train: {instance_count: 2}}", "logistic-regression trains on one instance"),
        ("jobs: {evaluate: {instance_count: 2}}", "jobs.evaluate.instance_count: its script works on one instance"),
        ("combine_steps: true\ntraining: {algorithm: custom, container: {folder: x}}", "combine_steps: custom has no script"),
        ("combine_steps: true\ntraining: {use_spot: true}", "combine_steps: Processing jobs cannot run on Spot"),
        ("combine_steps: true\njobs: {train: {instance_count: 2}}", "combine_steps: the one job has one instance"),
        ("bias: {facets: [customer_gender]}", "there is no feature column 'customer_gender'; write COLUMN=LEVEL"),
        ("bias: {facets: [customer_zip=:9]}", "there is no feature column 'customer_zip'"),
        ("bias: {facets: [customer_age=25]}", "customer_age is a number; write COLUMN=LEVEL, or a band"),
        ("bias: {facets: [customer_age=25:20]}", "the band is empty"),
        ("bias: {facets: ['customer_age=20:', 'customer_age=20.0:']}", "a facet is there twice"),
        ("bias: {engine: clarify}", "bias: facet 'customer_age=:25': Clarify takes the values above one threshold"),
        ("bias: {group: customer_age}", "bias.group: 'customer_age' is none of the categorical columns"),
        ("gate: {bias: [{facet: policy_state=CA, metric: DI, minimum: 0, maximum: 1}]}", "policy_state=CA is not among bias.facets"),
        ("gate: {bias: [{facet: 'customer_age=60:', metric: CI, minimum: 0, maximum: 1}]}", "'CI' is none of AD, CDDPL"),
        ("gate: {bias: [{facet: 'customer_age=60:', metric: DI, minimum: 1, maximum: 1}]}", "minimum must be below maximum"),
        (
            "bias: {engine: clarify, facets: ['customer_age=60:']}\n"
            "gate: {bias: [{facet: 'customer_age=60:', metric: DI, minimum: 0, maximum: 2}]}",
            "gate.bias: Clarify's container writes no file",
        ),
    ],
)
def test_what_is_wrong_is_named_with_file_and_key(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(content)
    with pytest.raises(settings.SettingsError) as error:
        read(file)
    assert str(error.value).startswith("mine.yaml")
    assert message in str(error.value)

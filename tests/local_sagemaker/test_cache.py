"""Step caching: by the service's keys, by arguments and never by content."""

import time
from typing import Any

import pytest

from local_sagemaker import Definition, Home
from local_sagemaker.durations import parse
from local_sagemaker.explain import explain
from tests.support.definitions import content, definition, output, processing, put, run, statuses, training

SAY = "import pathlib, sys; pathlib.Path('/opt/ml/processing/output/out/x').write_text(' '.join(sys.argv[1:]))"


def _step(home: Home, **more: Any) -> dict[str, Any]:
    put(home, "s3://data/1/a", "one")
    put(home, "s3://data/2/a", "two")
    return processing(home, "A", SAY, **({"inputs": {"data": "s3://data/1"}, "arguments": ("x",), "cached": True} | more))


def test_the_same_arguments_are_reused_with_their_outputs(home: Home) -> None:
    steps = [_step(home), processing(home, "B", SAY, inputs={"a": output("A")}, cached=True)]
    first, second = run(home, *steps), run(home, *steps)
    assert statuses(first) == {"A": "Succeeded", "B": "Succeeded"}
    assert statuses(second) == {"A": "Cached", "B": "Cached"}
    assert content(home, second, "A", "x") == "x"
    assert first.step("A").properties == second.step("A").properties


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"inputs": {"data": "s3://data/2"}}, "ProcessingInputs[data].S3Input.S3Uri: s3://data/1 → s3://data/2"),
        ({"arguments": ("y",)}, "AppSpecification.ContainerArguments[0]: x → y"),
        ({"environment": {"A": "b"}}, "Environment.A is new (b)"),
    ],
)
def test_a_changed_part_of_the_key_runs_the_step_and_is_named(home: Home, change: dict[str, Any], why: str) -> None:
    run(home, _step(home))
    result = run(home, _step(home, **change))
    assert statuses(result) == {"A": "Succeeded"}
    assert why in result.step("A").why


@pytest.mark.parametrize("change", [{"instances": 2}, {"seconds": 30}, {"outputs": ("out", "more")}])
def test_what_is_not_in_the_key_does_not_matter(home: Home, change: dict[str, Any]) -> None:
    run(home, _step(home))
    assert statuses(run(home, _step(home, **change))) == {"A": "Cached"}


def test_new_content_at_the_same_uri_is_a_stale_hit_as_on_sagemaker(home: Home) -> None:
    run(home, _step(home))
    put(home, "s3://data/1/a", "changed")
    step = processing(home, "A", SAY, inputs={"data": "s3://data/1"}, arguments=("x",), cached=True)
    assert statuses(run(home, step)) == {"A": "Cached"}


def test_without_cache_config_and_with_no_cache_it_always_runs(home: Home) -> None:
    run(home, _step(home))
    assert statuses(run(home, _step(home, cached=False))) == {"A": "Succeeded"}
    assert statuses(run(home, _step(home), use_cache=False)) == {"A": "Succeeded"}


def test_a_hit_expires(home: Home) -> None:
    # The last run that really ran counts, not the last that was reused.
    short = {"CacheConfig": {"Enabled": True, "ExpireAfter": "PT3S"}}
    assert statuses(run(home, _step(home) | short)) == {"A": "Succeeded"}
    time.sleep(1.2)
    assert statuses(run(home, _step(home) | short)) == {"A": "Cached"}
    time.sleep(2.2)
    result = run(home, _step(home) | short)
    assert statuses(result) == {"A": "Succeeded"}
    assert "older than PT3S" in result.step("A").why


def test_a_hit_whose_output_is_gone_is_none(home: Home) -> None:
    first = run(home, _step(home))
    (home.path(f"s3://runs/{first.execution}/A/out") / "x").unlink()
    home.path(f"s3://runs/{first.execution}/A/out").rmdir()
    result = run(home, _step(home))
    assert statuses(result) == {"A": "Succeeded"}
    assert "is gone" in result.step("A").why


def test_failed_runs_and_other_pipelines_are_not_reused(home: Home) -> None:
    broken = processing(home, "A", "import sys; sys.exit(1)", cached=True)
    assert statuses(run(home, broken)) == {"A": "Failed"}
    assert statuses(run(home, broken)) == {"A": "Failed"}
    run(home, _step(home))
    assert statuses(run(home, _step(home), pipeline="other")) == {"A": "Succeeded"}


def test_training_is_cached_by_hyperparameters(home: Home) -> None:
    def step(eta: str) -> dict[str, Any]:
        return training(home, "T", "print('trained')", hyperparameters={"eta": eta}) | {"CacheConfig": {"Enabled": True}}

    assert statuses(run(home, step("0.1"))) == {"T": "Succeeded"}
    assert statuses(run(home, step("0.1"))) == {"T": "Cached"}
    result = run(home, step("0.2"))
    assert (statuses(result), "HyperParameters.eta: 0.1 → 0.2" in result.step("T").why) == ({"T": "Succeeded"}, True)


@pytest.mark.parametrize(
    ("group", "change"),
    [
        ("AlgorithmSpecification", {"TrainingImage": "x/sagemaker-xgboost:9", "TrainingInputMode": "File"}),
        ("Environment", {"A": "b"}),
        ("CheckpointConfig", {"S3Uri": "s3://checkpoints/other", "LocalPath": "/opt/ml/checkpoints"}),
    ],
)
def test_every_part_of_the_training_key_counts(home: Home, group: str, change: dict[str, Any]) -> None:
    step = training(home, "T", "print('x')") | {"CacheConfig": {"Enabled": True}}
    run(home, step)
    changed = step | {"Arguments": step["Arguments"] | {group: change}}
    assert statuses(run(home, changed)) == {"T": "Succeeded"}
    untouched = step | {"Arguments": step["Arguments"] | {"StoppingCondition": {"MaxRuntimeInSeconds": 5}}}
    assert statuses(run(home, untouched)) == {"T": "Cached"}


def test_the_latest_outputs_are_reused_and_lost_models_are_not(home: Home) -> None:
    step = training(home, "T", "print('x')") | {"CacheConfig": {"Enabled": True}}
    first, second = run(home, step), run(home, step, use_cache=False)
    home.path(first.step("T").properties["ModelArtifacts"]["S3ModelArtifacts"]).unlink()
    assert statuses(run(home, step)) == {"T": "Cached"}
    home.path(second.step("T").properties["ModelArtifacts"]["S3ModelArtifacts"]).unlink()
    result = run(home, step)
    assert (statuses(result), "is gone" in result.step("T").why) == ({"T": "Succeeded"}, True)


def test_explain_says_what_the_next_run_would_do(home: Home) -> None:
    second = processing(home, "B", SAY, inputs={"a": output("A")}, cached=True)

    def why(step: str, *steps: dict[str, Any]) -> Any:
        return explain(Definition.parse(definition(*steps)), home, step, pipeline="test", overrides={})

    assert why("A", _step(home), second).why == "it has never succeeded here"
    first = run(home, _step(home), second)
    assert why("B", _step(home), second).is_hit
    changed = _step(home, arguments=("y",))
    assert "ContainerArguments[0]: x → y" in why("A", changed, second).why
    assert why("B", changed, second).why == "it reads what step A writes, which will run again"
    assert first.execution in why("B", changed, second).last_ran


@pytest.mark.parametrize(
    ("text", "hours"),
    [("P30D", 720), ("PT12H", 12), ("30d", 720), ("T90m", 1.5), ("P1W", 168), ("P1DT1H", 25), ("P1Y", 8760), ("P1M", 720)],
)
def test_durations(text: str, hours: float) -> None:
    assert parse(text).total_seconds() == hours * 3600


@pytest.mark.parametrize("text", ["", "P", "soon", "30", "P-1D"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse(text)

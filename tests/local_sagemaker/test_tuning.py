"""Tuning steps: real trials, their search, how they end, and what is known of them afterwards."""

import itertools
import json
import tarfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker import Definition, Event, Execution, Home, Options, Result
from local_sagemaker.explain import explain
from tests.support.definitions import content, definition, processing, run, statuses, tuning

PARABOLA = """
import argparse, json, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument('--x', type=float)
arguments = parser.parse_args()
model = pathlib.Path(os.environ['SM_MODEL_DIR'])
given = json.loads(pathlib.Path(os.environ['SM_INPUT_CONFIG_DIR'], 'hyperparameters.json').read_text())
model.joinpath('seen.json').write_text(json.dumps([given, os.environ['OMP_NUM_THREADS'], os.environ['TRAINING_JOB_NAME']]))
print(f'loss={(arguments.x - 0.3) ** 2:.6f}')
"""


def _summaries(result: Result, step: str = "T") -> list[dict[str, Any]]:
    assert result.step(step).reason == ""
    found: list[dict[str, Any]] = result.step(step).properties["TrainingJobSummaries"]
    return found


def _x(summary: dict[str, Any]) -> float:
    return float(summary["TunedHyperParameters"]["x"])


def _loss(summary: dict[str, Any]) -> float:
    return float(summary["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])


def _archived(home: Home, summary: dict[str, Any]) -> Any:
    with tarfile.open(home.path(f"s3://models/{summary['TrainingJobName']}/output/model.tar.gz")) as tar:
        member = tar.extractfile("seen.json")
        assert member
        return json.loads(member.read())


def test_every_trial_is_a_training_job_and_the_best_comes_first(home: Home) -> None:
    result = run(home, tuning(home, "T", PARABOLA, trials=5))
    summaries = _summaries(result)
    losses = [_loss(summary) for summary in summaries]
    assert losses == sorted(losses)
    assert len({summary["TrainingJobName"] for summary in summaries}) == 5
    for summary in summaries:
        given, threads, name = _archived(home, summary)
        assert (given["x"], given["_tuning_objective_metric"]) == (summary["TunedHyperParameters"]["x"], "loss")
        assert (threads, name) == ("1", summary["TrainingJobName"])
        assert _loss(summary) == pytest.approx((_x(summary) - 0.3) ** 2, abs=1e-6)
        assert (summary["TrainingJobStatus"], summary["ObjectiveStatus"]) == ("Completed", "Succeeded")
    properties = result.step("T").properties
    assert properties["BestTrainingJob"] == summaries[0]
    assert properties["HyperParameterTuningJobStatus"] == "Completed"
    assert properties["HyperParameterTuningJobConfig"]["Strategy"] == "Random"
    assert properties["TrainingJobStatusCounters"] == {
        "Completed": 5, "InProgress": 0, "RetryableError": 0, "NonRetryableError": 0, "Stopped": 0,
    }  # fmt: skip
    assert properties["ObjectiveStatusCounters"] == {"Succeeded": 5, "Pending": 0, "Failed": 0}


def test_a_maximum_is_searched_where_it_is_said_so(home: Home) -> None:
    losses = [_loss(summary) for summary in _summaries(run(home, tuning(home, "T", PARABOLA, kind="Maximize")))]
    assert losses == sorted(losses, reverse=True)


def test_a_later_step_takes_the_best_model(home: Home) -> None:
    script = "import sys, pathlib; pathlib.Path('/opt/ml/processing/output/out/x').write_text(' '.join(sys.argv[1:]))"
    name = {"Get": "Steps.T.TrainingJobSummaries[0].TrainingJobName"}
    uri = {"Std:Join": {"On": "/", "Values": ["s3://models", name, "output/model.tar.gz"]}}
    best = {"Get": "Steps.T.BestTrainingJob.TrainingJobName"}
    result = run(home, tuning(home, "T", PARABOLA, trials=2), processing(home, "A", script, inputs={"model": uri}, arguments=(best,)))
    assert statuses(result) == {"T": "Succeeded", "A": "Succeeded"}
    assert content(home, result, "A", "x") == _summaries(result)[0]["TrainingJobName"]


@pytest.mark.parametrize("strategy", ["Random", "Bayesian"])
def test_a_seed_gives_the_same_trials_again(home: Home, strategy: str) -> None:
    def drawn(seed: int) -> list[float]:
        config = {"Strategy": strategy, "RandomSeed": seed}
        summaries = _summaries(run(home, tuning(home, "T", PARABOLA, trials=4, parallel=1, config=config)))
        return [_x(summary) for summary in sorted(summaries, key=lambda summary: summary["TrainingJobName"])]

    first = drawn(7)
    assert len(set(first)) == 4
    assert drawn(7) == first
    assert drawn(8) != first


def test_a_grid_tries_every_combination_once(home: Home) -> None:
    script = "import sys; print('loss=' + str(len(sys.argv)))"
    values = {"a": ["1", "2", "3"], "b": ["deep", "flat"]}
    ranges = {"CategoricalParameterRanges": [{"Name": name, "Values": choices} for name, choices in values.items()]}
    config = {"Strategy": "Grid", "ResourceLimits": {"MaxParallelTrainingJobs": 2}}
    summaries = _summaries(run(home, tuning(home, "T", script, ranges=ranges, config=config)))
    tried = [(summary["TunedHyperParameters"]["a"], summary["TunedHyperParameters"]["b"]) for summary in summaries]
    assert sorted(tried) == sorted(itertools.product(*values.values()))


REPORTS = """
import sys, time
x = float(sys.argv[sys.argv.index('--x') + 1])
for report in range(4):
    print(f'loss={x}', flush=True)
if x > 0.5:
    time.sleep(30)
"""
CHOICES = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["0.1", "0.2", "0.3", "0.9"]}]}


def test_a_trial_that_is_worse_than_the_median_is_stopped(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    # The good trials are over before anyone looks at their logs; what they said counts all the same.
    monkeypatch.setattr("local_sagemaker.processes._WATCH_SECONDS", 2.5)
    config = {"Strategy": "Grid", "TrainingJobEarlyStoppingType": "Auto"}
    summaries = _summaries(run(home, tuning(home, "T", REPORTS, ranges=CHOICES, parallel=1, config=config)))
    assert [summary["TrainingJobStatus"] for summary in summaries] == ["Completed"] * 3 + ["Stopped"]
    assert _x(summaries[-1]) == 0.9
    assert "stopped early" in summaries[-1]["FailureReason"]
    assert summaries[0]["IntermediateValues"] == [0.1] * 4
    assert not home.exists(f"s3://models/{summaries[-1]['TrainingJobName']}")


def test_hyperband_lets_the_worse_go_after_few_reports(home: Home) -> None:
    script = """
    import sys, time
    x = float(sys.argv[sys.argv.index('--x') + 1])
    for report in range(9):
        print(f'loss={x}', flush=True)
        time.sleep(0.12)
    """
    config = {
        "Strategy": "Hyperband", "RandomSeed": 1,
        "StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 9}},
    }  # fmt: skip
    summaries = _summaries(run(home, tuning(home, "T", script, trials=8, config=config)))
    kept = [summary for summary in summaries if summary["TrainingJobStatus"] == "Completed"]
    stopped = [summary for summary in summaries if summary["TrainingJobStatus"] == "Stopped"]
    assert kept and stopped
    assert all(len(summary["IntermediateValues"]) < 9 for summary in stopped)
    assert all(len(summary["IntermediateValues"]) == 9 for summary in kept)


FAILS_SOMETIMES = """
import os, pathlib, sys
x = sys.argv[sys.argv.index('--x') + 1]
if x == '0.1': sys.exit('this value does not converge')
if x == '0.2': os.kill(os.getpid(), 9)
if x == '0.3': print('lost=1')
else: print('loss=' + x)
"""


def test_failed_trials_are_told_with_their_reasons_and_the_search_goes_on(home: Home) -> None:
    result = run(home, tuning(home, "T", FAILS_SOMETIMES, ranges=CHOICES, config={"Strategy": "Grid"}))
    summaries = _summaries(result)
    assert _x(summaries[0]) == 0.9
    reasons = {_x(summary): summary["FailureReason"] for summary in summaries[1:]}
    assert reasons[0.1] == "this value does not converge"
    assert "killed by SIGKILL" in reasons[0.2]
    assert reasons[0.3] == "it never printed the objective loss: no line of its log matches loss=([0-9.]+)"
    assert {summary["TrainingJobStatus"] for summary in summaries[1:]} == {"Failed"}
    counters = result.step("T").properties["TrainingJobStatusCounters"]
    assert (counters["Completed"], counters["RetryableError"], counters["NonRetryableError"]) == (1, 1, 2)
    log = result.step("T").log
    assert log and "this value does not converge" in log.read_text()
    assert "this value does not converge" in (log.parent / "trial-001/algo-1.log").read_text()


def test_if_all_trials_fail_the_step_names_the_first_cause(home: Home) -> None:
    step = run(home, tuning(home, "T", "import sys; sys.exit('no such column: age')", trials=3, parallel=1)).step("T")
    assert step.status == "Failed"
    assert step.reason.startswith("none of its 3 trials completed; the first, ")
    assert step.reason.endswith("-001: no such column: age")


DIES_ONCE = """
import os, pathlib, sys
marker = pathlib.Path(sys.argv[sys.argv.index('--marker') + 1])
if not marker.exists():
    marker.touch()
    os.kill(os.getpid(), 9)
print('loss=1')
"""


def test_a_fault_of_the_service_is_tried_again_by_the_steps_policy_and_by_the_trials_own(home: Home, tmp_path: Path) -> None:
    policy = {"RetryPolicies": [{"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], "MaxAttempts": 1}]}
    static = {"marker": json.dumps(str(tmp_path / "a"))}
    result = run(home, tuning(home, "T", DIES_ONCE, trials=1, ranges={}, static=static) | policy)
    assert (result.status, result.step("T").attempts) == ("Succeeded", 2)
    static = {"marker": json.dumps(str(tmp_path / "b"))}
    result = run(home, tuning(home, "T", DIES_ONCE, trials=1, ranges={}, static=static, RetryStrategy={"MaximumRetryAttempts": 1}))
    assert (result.status, result.step("T").attempts) == ("Succeeded", 1)
    (summary,) = _summaries(result)
    assert home.exists(f"s3://models/{summary['TrainingJobName']}/output/model.tar.gz")


def test_time_limits_of_trials_and_of_the_whole(home: Home) -> None:
    script = "import sys, time; print('loss=1', flush=True); time.sleep(30 if float(sys.argv[2]) > 0.5 else 0)"
    step = tuning(home, "T", script, ranges=CHOICES, config={"Strategy": "Grid"}, StoppingCondition={"MaxRuntimeInSeconds": 1})
    slow = _summaries(run(home, step))[-1]
    assert (slow["TrainingJobStatus"], _x(slow)) == ("Stopped", 0.9)
    assert "longer than its 1 seconds" in slow["FailureReason"]
    whole = {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2, "MaxRuntimeInSeconds": 2}
    step = tuning(home, "T", script, ranges=CHOICES, config={"Strategy": "Grid", "ResourceLimits": whole})
    slow = _summaries(run(home, step))[-1]
    assert (slow["TrainingJobStatus"], "the tuning job ran longer than its 2 seconds" in slow["FailureReason"]) == ("Stopped", True)


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [({"TargetObjectiveMetricValue": 0.25}, 2), ({"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}, 4)],
)
def test_a_tuning_job_may_end_before_its_last_trial(home: Home, criteria: dict[str, Any], expected: int) -> None:
    ranges = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["0.3", "0.2" if expected == 2 else "0.8", "0.9", "0.7", "0.6"]}]}
    script = "import sys; print('loss=' + sys.argv[2])"
    config = {"Strategy": "Grid", "TuningJobCompletionCriteria": criteria}
    assert len(_summaries(run(home, tuning(home, "T", script, ranges=ranges, trials=5, parallel=1, config=config)))) == expected


def test_several_definitions_are_searched_in_turn_and_compared(home: Home) -> None:
    step = tuning(home, "T", PARABOLA, trials=4)
    config = step["Arguments"]["HyperParameterTuningJobConfig"]
    job = step["Arguments"].pop("TrainingJobDefinition")
    objective, _ = config.pop("HyperParameterTuningJobObjective"), config.pop("ParameterRanges")
    step["Arguments"]["TrainingJobDefinitions"] = [
        job | {
            "DefinitionName": name, "TuningObjective": objective,
            "HyperParameterRanges": {"ContinuousParameterRanges": [{"Name": "x", "MinValue": low, "MaxValue": high}]},
        }
        for name, low, high in (("near", "0.29", "0.31"), ("far", "0.8", "0.9"))
    ]  # fmt: skip
    summaries = _summaries(run(home, step))
    assert [summary["TrainingJobDefinitionName"] for summary in summaries] == ["near", "near", "far", "far"]


def test_progress_is_told(home: Home) -> None:
    parsed = Definition.parse(json.loads(json.dumps(definition(tuning(home, "T", PARABOLA, trials=3, parallel=1)))))
    events: list[Event] = []
    Execution(parsed, home, options=Options(slots=2), listener=events.append).run()
    told = [event.progress for event in events if event.progress]
    assert [text.partition(":")[0] for text in told] == ["trial 1 of 3", "trial 2 of 3", "trial 3 of 3"]
    assert ": best " in told[-1]


@pytest.mark.parametrize(
    ("ranges", "config", "reason"),
    [
        ({"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1", "ScalingType": "Logarithmic"}]}, {},
         "the range of x starts at 0: a Logarithmic one is above 0"),
        ({"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1", "ScalingType": "ReverseLogarithmic"}]}, {},
         "the range of x ends at 1: a ReverseLogarithmic one is within"),
        ({"IntegerParameterRanges": [{"Name": "x", "MinValue": "0.5", "MaxValue": "1"}]}, {}, "the range of x is of integers"),
        ({"IntegerParameterRanges": [{"Name": "x", "MinValue": "much", "MaxValue": "1"}]}, {}, "MinValue is 'much', which is no number"),
        ({"ContinuousParameterRanges": [{"Name": "x", "MinValue": "2", "MaxValue": "1"}]}, {}, "nothing lies between"),
        (None, {"Strategy": "Grid"}, "a Grid takes categorical ranges only, and that of x is none"),
        (None, {"Strategy": "Guess"}, "there is no Strategy 'Guess'"),
        (None, {"HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "auc"}}, "no metric definition is called auc"),
        (None, {"ResourceLimits": {"MaxParallelTrainingJobs": 2}}, "which only a Grid can do without"),
    ],
)  # fmt: skip
def test_a_wrong_request_says_what_is_wrong(home: Home, ranges: dict[str, Any] | None, config: dict[str, Any], reason: str) -> None:
    step = run(home, tuning(home, "T", PARABOLA, ranges=ranges, config=config)).step("T")
    assert (step.status, reason in step.reason) == ("Failed", True), step.reason


def test_what_counts_for_the_cache_and_what_does_not(home: Home) -> None:
    # Where the models go is of each run alone, and does not count.
    output = {"S3OutputPath": {"Std:Join": {"On": "/", "Values": ["s3://models", {"Get": "Execution.PipelineExecutionId"}]}}}

    def again(**change: Any) -> Any:
        step = tuning(home, "T", PARABOLA, OutputDataConfig=output, **({"trials": 2} | change))
        step |= {"CacheConfig": {"Enabled": True, "ExpireAfter": "P30D"}}
        return step, run(home, step)

    _, first = again()
    assert statuses(first) == {"T": "Succeeded"}
    step, same = again(Environment={"A": "b"}, StoppingCondition={"MaxRuntimeInSeconds": 50})
    assert statuses(same) == {"T": "Cached"}
    assert same.step("T").properties == first.step("T").properties
    assert explain(Definition.parse(definition(step)), home, "T", pipeline="test", overrides={}).is_hit
    _, changed = again(trials=3)
    assert "ResourceLimits.MaxNumberOfTrainingJobs: 2 → 3" in changed.step("T").why
    _, changed = again(static={"y": "1"})
    assert "TrainingJobDefinition.StaticHyperParameters.y is new" in changed.step("T").why
    home.path(f"s3://models/{first.execution}/{_summaries(first)[0]['TrainingJobName']}/output/model.tar.gz").unlink()
    _, gone = again()
    assert "is gone" in gone.step("T").why


PAIRED = """
import os, pathlib, sys, time
place = pathlib.Path(sys.argv[sys.argv.index('--place') + 1])
place.mkdir(exist_ok=True)
(place / os.environ['TRAINING_JOB_NAME']).write_text(f"{os.environ['OMP_NUM_THREADS']} {os.getpid()}")
deadline = time.monotonic() + float(sys.argv[sys.argv.index('--seconds') + 1])
while len(list(place.iterdir())) < 2 and time.monotonic() < deadline: time.sleep(0.01)
print('loss=' + str(len(list(place.iterdir()))))
"""


def _paired(home: Home, place: Path, *, seconds: int, trials: int = 2) -> dict[str, Any]:
    """Trials of which each waits for a second one beside it, and then tells how many there were."""
    static = {"place": json.dumps(str(place)), "seconds": str(seconds)}
    return tuning(home, "T", PAIRED, ranges={}, trials=trials, parallel=2, static=static)


def test_trials_run_side_by_side_and_share_the_slots(home: Home, tmp_path: Path) -> None:
    result = run(home, _paired(home, tmp_path / "p", seconds=20), slots=5)
    assert [_loss(summary) for summary in _summaries(result)] == [2, 2]
    assert {file.read_text().split()[0] for file in (tmp_path / "p").iterdir()} == {"2"}


def test_no_more_trials_run_than_there_are_slots(home: Home, tmp_path: Path) -> None:
    result = run(home, _paired(home, tmp_path / "p", seconds=1), slots=1)
    assert [_loss(summary) for summary in _summaries(result)] == [1, 2]


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_a_stop_kills_all_trials_and_starts_no_more(home: Home, tmp_path: Path) -> None:
    script = """
    import os, pathlib, sys, time
    place = pathlib.Path(sys.argv[sys.argv.index('--place') + 1])
    place.mkdir(exist_ok=True)
    (place / str(os.getpid())).touch()
    time.sleep(60)
    """
    step = tuning(home, "T", script, ranges={}, trials=5, static={"place": json.dumps(str(tmp_path / "p"))})
    execution = Execution(Definition.parse(json.loads(json.dumps(definition(step)))), home, options=Options(slots=2))

    def stop() -> None:
        deadline = time.monotonic() + 20
        while len(list(tmp_path.glob("p/*"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        execution.stop()

    stopper = threading.Thread(target=stop)
    stopper.start()
    result = execution.run()
    stopper.join()
    assert (result.status, result.step("T").status) == ("Stopped", "Stopped")
    pids = [int(file.name) for file in (tmp_path / "p").iterdir()]
    assert len(pids) == 2
    deadline = time.monotonic() + 10
    while any(map(_is_alive, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.02)

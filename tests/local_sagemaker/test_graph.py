"""Order, branches, parallel steps and the isolation of failures."""

from pathlib import Path
from typing import Any

import pytest

from local_sagemaker import BadInputError, Definition, Event, Execution, Home, Options, StepFailedError
from local_sagemaker.conditions import evaluate
from local_sagemaker.expressions import Resolver
from tests.support.definitions import content, definition, output, processing, put, run, statuses, training

COPY = """
import sys, pathlib
folders = [p for p in pathlib.Path('/opt/ml/processing/input').iterdir() if p.name != 'code']
text = ''.join(f.read_text() for folder in sorted(folders) for f in sorted(folder.iterdir()))
pathlib.Path('/opt/ml/processing/output/out/text').write_text(text + ' '.join(sys.argv[1:]))
"""
FAIL = "import sys; print('first line'); sys.exit('the disk of the toaster is full')"


def _condition(name: str, left: Any, right: Any, then: list[Any], otherwise: list[Any], kind: str = "Equals") -> dict[str, Any]:
    compared = {"Type": kind, "LeftValue": left, "RightValue": right}
    return {"Name": name, "Type": "Condition", "Arguments": {"Conditions": [compared], "IfSteps": then, "ElseSteps": otherwise}}


def test_data_flows_along_references_and_expressions_are_resolved(home: Home) -> None:
    put(home, "s3://data/in/a.txt", "hello ")
    number = {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Number"}]}}
    result = run(
        home,
        # Written in the wrong order: what counts is the reference.
        processing(home, "Second", COPY, inputs={"first": output("First")}, arguments=("b", {"Get": "Execution.PipelineName"})),
        processing(home, "First", COPY, inputs={"data": {"Get": "Parameters.Data"}}, arguments=("a", number)),
        parameters=({"Name": "Data", "Type": "String"}, {"Name": "Number", "Type": "Integer", "DefaultValue": 1}),
        overrides={"Data": "s3://data/in", "Number": "7"},
    )
    assert result.status == "Succeeded"
    assert content(home, result, "First", "text") == "hello a 7"
    assert content(home, result, "Second", "text") == "hello a 7b test"


def test_nested_conditions_take_one_branch(home: Home) -> None:
    report = processing(
        home, "Report", "import pathlib; pathlib.Path('/opt/ml/processing/output/out/r.json').write_text('{\"a\": [{\"auc\": 0.7}]}')",
        PropertyFiles=[{"PropertyFileName": "R", "OutputName": "out", "FilePath": "r.json"}],
    )  # fmt: skip
    get = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Report.PropertyFiles.R"}, "Path": "a[0].auc"}}
    inner = _condition("Inner", get, 0.9, [processing(home, "Great", COPY)], [processing(home, "Good", COPY)], "GreaterThan")
    outer = _condition("Outer", get, 0.5, [inner], [processing(home, "Bad", COPY)], "GreaterThanOrEqualTo")
    after = processing(home, "AfterBad", COPY, DependsOn=["Bad"])
    result = run(home, report, outer, after)
    assert statuses(result) == {
        "Report": "Succeeded", "Outer": "Succeeded", "Inner": "Succeeded", "Great": "NotExecuted", "Good": "Succeeded",
        "Bad": "NotExecuted", "AfterBad": "NotExecuted",
    }  # fmt: skip
    assert result.status == "Succeeded"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("Equals", "010"), ("GreaterThan", "001"), ("GreaterThanOrEqualTo", "011"), ("LessThan", "100"), ("LessThanOrEqualTo", "110")],
)
def test_every_comparison_at_below_and_above(home: Home, kind: str, expected: str) -> None:
    resolver = Resolver(parameters={}, variables={}, property_file=lambda step, name: "")
    found = [evaluate({"Type": kind, "LeftValue": left, "RightValue": 1}, resolver).holds for left in (0.5, 1, 1.5)]
    assert found == [digit == "1" for digit in expected]
    with pytest.raises(StepFailedError, match="cannot compare"):
        evaluate({"Type": "LessThan", "LeftValue": "a", "RightValue": 1}, resolver)


def test_all_conditions_must_hold(home: Home) -> None:
    holds = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}
    fails = {"Type": "Equals", "LeftValue": 1, "RightValue": 2}
    for conditions, expected in (([holds, holds], True), ([holds, fails], False), ([fails, holds], False)):
        step = {"Name": "C", "Type": "Condition", "Arguments": {"Conditions": conditions, "IfSteps": [], "ElseSteps": []}}
        assert run(home, step).step("C").properties["Outcome"] is expected


def test_an_output_cannot_leave_its_bucket(home: Home) -> None:
    step = processing(home, "A", COPY)
    step["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"] = "s3://b/../../../x"
    assert "leads out of its bucket" in run(home, step).step("A").reason


def test_conditions_know_not_or_in(home: Home) -> None:
    condition = {
        "Type": "Or",
        "Conditions": [
            {"Type": "Not", "Expression": {"Type": "In", "QueryValue": {"Get": "Parameters.P"}, "Values": ["a", "b"]}},
            {"Type": "LessThan", "LeftValue": 2, "RightValue": 1},
        ],
    }
    branches = {"IfSteps": [processing(home, "Yes", COPY)], "ElseSteps": []}
    step = {"Name": "C", "Type": "Condition", "Arguments": {"Conditions": [condition], **branches}}
    for value, expected in (("c", "Succeeded"), ("a", "NotExecuted")):
        result = run(home, step, parameters=({"Name": "P", "Type": "String", "DefaultValue": value},))
        assert statuses(result)["Yes"] == expected


def test_a_failed_branch_does_not_stop_the_others(home: Home) -> None:
    result = run(
        home,
        processing(home, "Broken", FAIL),
        processing(home, "AfterBroken", COPY, inputs={"x": output("Broken")}),
        processing(home, "Fine", COPY),
        processing(home, "AfterFine", COPY, inputs={"x": output("Fine")}),
    )
    assert result.status == "Failed"
    assert statuses(result) == {"Broken": "Failed", "AfterBroken": "NotExecuted", "Fine": "Succeeded", "AfterFine": "Succeeded"}
    broken = result.step("Broken")
    assert broken.reason == "the disk of the toaster is full"
    assert broken.log is not None
    assert "first line" in broken.log.read_text()
    # Nothing of a failed step is published.
    assert not home.exists(f"s3://runs/{result.execution}/Broken")


@pytest.mark.parametrize("broken", ["regex", "archive", "condition", "request"])
def test_a_step_that_breaks_the_machinery_fails_alone(home: Home, broken: str) -> None:
    train = training(home, "Broken", "print('x')")
    match broken:
        case "regex":
            train["Arguments"]["AlgorithmSpecification"]["MetricDefinitions"][0]["Regex"] = "m=([0-9"
        case "archive":
            put(home, "s3://code/Broken/sourcedir.tar.gz", "no archive")
        case "condition":
            train = {"Name": "Broken", "Type": "Condition", "Arguments": {"Conditions": ["x"], "IfSteps": [], "ElseSteps": []}}
        case "request":
            train = {"Name": "Broken", "Type": "RegisterModel", "Arguments": {"ModelPackageGroupName": {"a": 1}}}
    result = run(home, train, processing(home, "Fine", COPY))
    assert statuses(result) == {"Broken": "Failed", "Fine": "Succeeded"}
    assert result.step("Broken").reason


def test_independent_steps_run_side_by_side(home: Home, tmp_path: Path) -> None:
    """Each waits until the other has started: one after the other they would never end."""
    meet = """
    import pathlib, sys, time
    mine, other = (pathlib.Path(sys.argv[1], name) for name in sys.argv[2:4])
    mine.touch()
    deadline = time.time() + 20
    while not other.exists():
        assert time.time() < deadline, 'the other never came'
        time.sleep(0.01)
    """
    result = run(
        home,
        processing(home, "A", meet, arguments=(str(tmp_path), "a", "b")),
        processing(home, "B", meet, arguments=(str(tmp_path), "b", "a")),
    )
    assert result.status == "Succeeded"


def test_one_slot_runs_one_job_at_a_time(home: Home, tmp_path: Path) -> None:
    alone = """
    import pathlib, sys, time
    lock = pathlib.Path(sys.argv[1], 'running')
    lock.touch(exist_ok=False)
    time.sleep(0.1)
    lock.unlink()
    """
    result = run(home, *(processing(home, name, alone, arguments=(str(tmp_path),)) for name in "ABC"), slots=1)
    assert result.status == "Succeeded"


def test_threads_are_shared_by_the_graph_and_not_by_chance(home: Home) -> None:
    tell = "import os, pathlib; pathlib.Path('/opt/ml/processing/output/out/n').write_text(os.environ['OMP_NUM_THREADS'])"
    result = run(home, processing(home, "A", tell), processing(home, "B", tell), processing(home, "C", tell, DependsOn=["A", "B"]), slots=4)
    assert {name: content(home, result, name, "n") for name in "ABC"} == {"A": "2", "B": "2", "C": "4"}


def test_a_fail_step_ends_the_run_as_failed_with_its_message(home: Home) -> None:
    message = {"Std:Join": {"On": " ", "Values": ["too low:", {"Get": "Parameters.P"}]}}
    fail = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": message}}
    result = run(home, fail, parameters=({"Name": "P", "Type": "Float", "DefaultValue": 0.5},))
    assert (result.status, result.step("Stop").reason) == ("Failed", "too low: 0.5")


def test_events_tell_what_happens_in_order(home: Home) -> None:
    seen: list[Event] = []
    parsed = Definition.parse(definition(processing(home, "A", COPY), processing(home, "B", FAIL, DependsOn=["A"])))
    Execution(parsed, home, options=Options(pipeline="test"), listener=seen.append).run()
    assert [(event.step, event.status) for event in seen] == [
        ("A", "Executing"), ("A", "Succeeded"), ("B", "Executing"), ("B", "Failed"),
    ]  # fmt: skip


STEP = {"Name": "A", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([], "no list of Steps"),
        ({"Steps": "x"}, "no list of Steps"),
        ({"Steps": ["x"]}, "a step must be an object"),
        ({"Steps": [{"Type": "Fail"}]}, "a step has no Name"),
        ({"Steps": [{"Name": "A"}]}, "step A has no Type"),
        ({"Steps": [STEP, STEP]}, "step A is defined twice"),
        ({"Steps": [STEP | {"Type": "EMR"}]}, "step A has the type EMR, which cannot run locally"),
        ({"Steps": [STEP | {"Name": "../../out"}]}, "a name is 1 to 64 letters"),
        ({"Steps": [STEP | {"DependsOn": 5}]}, "DependsOn of step A must be a list"),
        ({"Steps": [STEP | {"DependsOn": [{"x": 1}]}]}, "an entry in DependsOn of step A has no Step"),
        ({"Steps": [STEP], "Parameters": 5}, "Parameters must be a list"),
        ({"Steps": [STEP], "Parameters": [{"Name": "P"}, {"Name": "P"}]}, "the parameter P is declared twice"),
        ({"Steps": [STEP | {"DependsOn": ["B"]}]}, "step A refers to the step B, which is not defined"),
        ({"Steps": [STEP | {"Arguments": {"ErrorMessage": {"Get": "Steps.B.x"}}}]}, "refers to the step B"),
        ({"Steps": [STEP | {"Arguments": {"ErrorMessage": {"Get": "Parameters.P"}}}]}, "parameter P, which is not declared"),
        ({"Steps": [STEP | {"Arguments": {"ErrorMessage": {"Get": "Nothing.P"}}}]}, "uses Nothing.P"),
        ({"Steps": [STEP | {"DependsOn": ["B"]}, STEP | {"Name": "B", "DependsOn": ["A"]}]}, "wait for each other: "),
    ],
)
def test_a_wrong_definition_is_refused_before_anything_runs(source: Any, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        Definition.parse(source)


def test_a_file_that_is_no_definition_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot read the definition"):
        Definition.read(tmp_path / "missing.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(BadInputError, match="is not JSON"):
        Definition.read(tmp_path / "broken.json")


@pytest.mark.parametrize(
    ("declared", "overrides", "message"),
    [
        ({"Type": "String"}, {}, "P has no default"),
        ({"Type": "Integer", "DefaultValue": 1}, {"Q": "1"}, "there is no parameter Q; the definition has P"),
        ({"Type": "Integer", "DefaultValue": "x"}, {}, "P is of type Integer, and 'x' is not"),
        ({"Type": "Integer", "DefaultValue": 1}, {"P": "1.5"}, "P is of type Integer, and '1.5' is not"),
        ({"Type": "Float", "DefaultValue": 1.0}, {"P": "x"}, "P is of type Float"),
        ({"Type": "Boolean", "DefaultValue": True}, {"P": "perhaps"}, "P is of type Boolean"),
        ({"Type": "String", "DefaultValue": "a", "EnumValues": ["a", "b"]}, {"P": "c"}, "it must be one of a, b"),
    ],
)
def test_wrong_parameters_are_refused(home: Home, declared: dict[str, Any], overrides: dict[str, str], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        run(home, processing(home, "A", COPY), parameters=({"Name": "P"} | declared,), overrides=overrides)
    assert not list((home.folder / "executions").iterdir())

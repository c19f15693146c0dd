"""The run report and what machines are told of a run: in short, gate, champion, bias, trials."""

import html
import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from fraud import trials_report
from fraud.gate import criteria
from local_sagemaker import Home
from tests.support import packages
from tests.support.cli import fraud
from tests.support.definitions import definition, tuning
from tests.support.packages import Registered

TRIAL = """
import argparse, os, pathlib, sys
parser = argparse.ArgumentParser()
parser.add_argument('--x', type=float)
parser.add_argument('--kind')
arguments = parser.parse_args()
if arguments.x > 0.8:
    sys.exit('too much')
pathlib.Path(os.environ['SM_MODEL_DIR'], 'model').write_text('')
print(f'loss={(arguments.x - 0.3) ** 2:.6f}')
"""


def _text(document: Any) -> str:
    """The report of a run as its reader sees it: without tags, and without the pages in it."""
    page = re.sub(r'srcdoc="[^"]*"', "", Path(document["report"]).read_text())
    page = re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def test_metrics_have_the_champion_and_bias_by_facet(registered: Registered) -> None:
    first, second = registered.runs
    evaluation = registered.candidates[1].evaluation
    assert second["metrics"]["champion_auc_loss"] == evaluation["champion"]["auc_loss"]
    low, high = evaluation["champion"]["auc_loss_interval"]
    assert (second["metrics"]["champion_auc_loss_lower"], second["metrics"]["champion_auc_loss_upper"]) == (low, high)
    assert second["champion"] == "claims-model/1"
    for folder in ("pre", "post"):
        for facet, values in json.loads(registered.candidates[1].path(folder, "bias.json").read_text()).items():
            for name, value in values.items():
                assert second["metrics"][f"bias.{facet}.{name}"] == value
    assert second["metrics"]["threshold"] == evaluation["review"]["threshold"]
    assert not any(name.startswith(("champion", "bias")) for name in first["metrics"])
    assert [one["criterion"] for one in second["gate"]] == ["AUC", "DPPL of customer_gender_female"]


def test_the_report_says_in_short_what_came_of_the_run(registered: Registered) -> None:
    first, second = (_text(run) for run in registered.runs)
    assert "registered the model package claims-model/1. A person decides" in first
    assert "There was no approved model to compare it with." in first
    evaluation = registered.candidates[1].evaluation
    auc, champion = evaluation["binary_classification_metrics"]["auc"]["value"], evaluation["champion"]["auc"]
    assert f"Compared with the champion claims-model/1 on the same claims, its AUC is {auc:.3f} against {champion:.3f}" in second
    assert "the claims cannot tell the two apart" in second
    assert "customer_gender_female, customer_age_below_30; 1 of 2 criteria of the gate is about it" in second
    assert "from −0.9 to 0.9 met" in second


def test_the_index_leads_to_every_section_and_page(registered: Registered) -> None:
    page = Path(registered.runs[1]["report"]).read_text()
    outer = re.sub(r'srcdoc="[^"]*"', "", page)
    links = re.findall(r'<a href="#([^"]+)">([^<]+)</a>', outer)
    assert [title for _, title in links][:4] == ["In short", "Pipeline", "Steps", "Metrics"]
    # Two of the pages have one name: their folders tell them apart.
    assert {"Evaluate: pre/bias", "Evaluate: post/bias", "Evaluate: evaluation", "Evaluate: explain"} <= {title for _, title in links}
    assert len({name for name, _ in links}) == len(links)
    for name, title in links:
        assert outer.count(f'id="{name}"') == 1, title


def test_a_failed_gate_is_told_criterion_by_criterion(registered: Registered) -> None:
    done = packages.register(registered.candidates[1], minimum=0.99, champion=registered.candidates[0])
    assert (done.code, done.json["model_package_arn"]) == (1, None)
    assert [one["is_met"] for one in done.json["gate"]] == [False, True]
    text = _text(done.json)
    assert "No model was registered: 1 of 2 criteria of the quality gate was not met." in text
    assert "at least 0.99 not met" in text


def test_a_failed_step_is_told_first(tmp_path: Path) -> None:
    file = tmp_path / "d.json"
    home = Home(tmp_path / "home")
    file.write_text(json.dumps(definition(tuning(home, "Tune", "raise SystemExit('no luck')", trials=1))))
    done = fraud("run", "--definition", file, "--home", home.folder, "--json")
    assert done.code == 1
    assert re.search(r"In short No model was registered: Tune failed\. none of its 1 trials completed", _text(done.json))
    assert "Trials of Tune" not in _text(done.json)


def test_the_trials_of_a_tuning_job_are_drawn_and_listed(tmp_path: Path) -> None:
    home, file = Home(tmp_path / "home"), tmp_path / "d.json"
    ranges = {
        "ContinuousParameterRanges": [{"Name": "x", "MinValue": "0.0", "MaxValue": "1.0"}],
        "CategoricalParameterRanges": [{"Name": "kind", "Values": ["plain", "odd"]}],
    }
    file.write_text(json.dumps(definition(tuning(home, "Tune", TRIAL, ranges=ranges, trials=12))))
    done = fraud("run", "--definition", file, "--home", home.folder, "--json")
    assert done.code == 0, done.error + done.out
    page = Path(done.json["report"]).read_text()
    section = page[page.index('<section id="step-tune">') :].split("</section>")[0]
    assert re.findall(r'aria-label="([^"]+)"', section) == ["Trials", "x", "kind"]
    rows = re.findall(r"<tr><td[^>]*>(\d+)</td><td>([^<]+)</td><td[^>]*>(\w+)</td><td[^>]*>([^<]+)</td>", section)
    assert len(rows) == 12
    losses = [float(value) for _, _, status, value in rows if status == "Completed"]
    failed = [row for row in rows if row[2] == "Failed"]
    assert losses == sorted(losses) and failed
    assert rows[-len(failed) :] == failed and {value for _, _, _, value in failed} == {"–"}
    assert f"best loss, trial {rows[0][0]}" in section
    # One cross a failed trial in each plot, and one in each legend.
    assert section.count("l7,7m0,-7l-7,7") == 3 * (len(failed) + 1)
    assert section.count("<circle") == 3 * (len(losses) + 1)
    assert "plain</text>" in section and ">odd</text>" in section


def _summary(number: int, status: str = "Completed", value: float | None = 0.5, **tuned: object) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "TrainingJobName": f"job-{number}", "TrainingJobStatus": status,
        "TunedHyperParameters": {name: str(setting) for name, setting in tuned.items()},
        "TrainingStartTime": f"2026-01-01T00:00:{number:02d}+00:00", "TrainingEndTime": f"2026-01-01T00:01:{number:02d}+00:00",
    }  # fmt: skip
    objective = {"MetricName": "validation:auc", "Type": "Maximize", "Value": value}
    return summary | ({} if value is None else {"FinalHyperParameterTuningJobObjectiveMetric": objective})


def _points(drawing: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", re.findall(r'<polyline points="([^"]+)"', drawing)[0])]


def test_the_best_so_far_never_falls_and_ignores_stopped_trials() -> None:
    values = [(1, "Completed", 0.6), (2, "Stopped", 0.9), (3, "Completed", 0.5), (4, "Completed", 0.7), (5, "Failed", None)]
    summaries = [_summary(number, status, value, eta=number) for number, status, value in values]
    section = trials_report.section("Tune", {"TrainingJobSummaries": [summaries[3], *summaries]}, anchor="a")
    heights = [y for _, y in _points(section)]
    assert heights == sorted(heights, reverse=True)
    assert len(set(heights)) == 2
    # The stopped trial is the highest point, and the line stays below it.
    circles = [float(y) for y in re.findall(r'cy="([\d.]+)"', section.split("</svg>")[0]) if float(y) > 20]
    assert min(circles) < min(heights)
    assert section.count('<td class="n">60</td>') == 6


def test_a_wide_range_has_an_axis_of_powers_and_a_fixed_one_has_no_plot() -> None:
    summaries = [_summary(number, value=0.5 + number / 100, eta=10.0 ** -number, depth=3) for number in range(1, 5)]
    section = trials_report.section("Tune", {"TrainingJobSummaries": summaries}, anchor="a")
    assert re.findall(r'aria-label="([^"]+)"', section) == ["Trials", "eta"]
    drawing = section[section.index('aria-label="eta"') :].split("</svg>")[0]
    circles = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', drawing)]
    assert len({round(left - right) for left, right in itertools.pairwise(circles[:4])}) == 1, circles
    for tick in (">0.0001<", ">0.001<", ">0.1<"):
        assert tick in drawing


@pytest.mark.parametrize("summaries", [[], [_summary(1, "Failed", None, eta=1)], [_summary(1, value=0.5)]])
def test_few_or_no_trials_are_no_error(summaries: list[Any]) -> None:
    section = trials_report.section("Tune", {"TrainingJobSummaries": summaries}, anchor="a")
    assert bool(section) == bool(summaries)
    assert "nan" not in section


def _judged(holds: bool, left: object = None, right: object = None) -> dict[str, Any]:
    return {"Holds": holds, "Left": left, "Right": right}


def test_conditions_of_any_shape_are_criteria() -> None:
    def compare(kind: str, path: str, bound: object) -> dict[str, Any]:
        left = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.E.PropertyFiles.P"}, "Path": path}}
        return {"Type": kind, "LeftValue": left, "RightValue": bound}

    loss, recall = compare("LessThanOrEqualTo", "champion.auc_loss", 0.02), compare("GreaterThanOrEqualTo", "review.recall", 0.2)
    conditions = [
        compare("GreaterThanOrEqualTo", "binary_classification_metrics.auc.lower", 0.6), loss,
        {"Type": "Or", "Conditions": [recall, {"Type": "Not", "Expression": loss}]},
        compare("Equals", "a.b", "x"),
    ]  # fmt: skip
    step = {"Name": "G", "Type": "Condition", "Arguments": {"Conditions": conditions, "IfSteps": [], "ElseSteps": []}}
    evaluate = {"Name": "E", "Type": "Processing", "Arguments": {}}
    judged = [_judged(True, 0.7, 0.6), _judged(False, 0.03, 0.02), _judged(True), _judged(True, "x", "x")]
    said = ["0.7 ≥ 0.6", "0.03 ≤ 0.02", "0.3 ≥ 0.2 or not (0.03 ≤ 0.02)", "x = x"]
    found = criteria(definition(evaluate, step), {"G": {"Outcome": False, "Judged": judged, "Compared": said}})
    assert [(one.name, one.value, one.bound, one.is_met) for one in found] == [
        ("AUC's lower bound", 0.7, "at least 0.6", True),
        ("AUC lost against the champion", 0.03, "at most 0.02", False),
        ("recall at the review capacity or AUC lost against the champion", None, said[2], True),
        ("a.b", None, said[3], True),
    ]
    # A gate that was not reached, and one of a run of before, have no criteria.
    assert criteria(definition(evaluate, step), {}) == ()
    assert criteria(definition(evaluate, step), {"G": {"Outcome": True, "Compared": said}}) == ()

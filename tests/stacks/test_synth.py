"""Synth itself: the same bytes each time, without an account, and failing where it should."""

import json
from pathlib import Path

import pytest

import settings
from tests.support import synth


@pytest.mark.parametrize("env", settings.environments())
def test_guardrails_and_validators_have_no_findings_and_two_synths_are_equal(env: str, tmp_path: Path) -> None:
    """One with all checks, one without: checks change nothing."""
    checked = synth.synthesize(env, tmp_path / "checked", has_guardrails=True)
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stderr[-3000:]
    again = synth.synthesize(env, tmp_path / "again")
    assert again.returncode == 0
    report = json.loads((tmp_path / "checked/validation-report.json").read_text())
    assert not [violation for plugin in report["pluginReports"] for violation in plugin["violations"]]
    first, second = (_content(tmp_path / name) for name in ("checked", "again"))
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def _content(folder: Path) -> dict[str, bytes]:
    """What gets deployed: templates, manifests of assets, and the assets."""
    kinds = (".template.json", ".assets.json")
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and (file.name.endswith(kinds) or "asset." in file.as_posix())
    }


def test_a_finding_fails_the_synth_and_names_rule_and_field(tmp_path: Path) -> None:
    project = synth.copy(tmp_path / "project")
    # The pipeline forgets to isolate its jobs, which settings ask for.
    resources = project / "stacks/stage.py"
    text = resources.read_text()
    assert "network = Network(isolated=settings.network_isolation)" in text
    resources.write_text(text.replace("network = Network(isolated=settings.network_isolation)", "network = Network(isolated=False)"))
    done = synth.synthesize("dev", tmp_path / "out", has_guardrails=True, project=project)
    assert done.returncode == 1
    assert "step Train, EnableNetworkIsolation: must be True, as network_isolation in settings says" in done.stderr
    assert "FraudDetection::job-isolated" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_finding_of_cdk_nag_fails_the_synth(tmp_path: Path) -> None:
    project = synth.copy(tmp_path / "project")
    buckets = project / "stacks/components/buckets.py"
    text = buckets.read_text()
    assert "            server_access_logs_bucket=self.access_logs,\n" in text
    buckets.write_text(text.replace("            server_access_logs_bucket=self.access_logs,\n", ""))
    done = synth.synthesize("dev", tmp_path / "out", has_guardrails=True, project=project)
    assert done.returncode == 1
    assert "AwsSolutions-S1" in done.stderr


def test_a_finding_of_nist_fails_the_synth(tmp_path: Path) -> None:
    project = synth.copy(tmp_path / "project")
    buckets = project / "stacks/components/buckets.py"
    text = buckets.read_text()
    assert 'policy.acknowledge(each, "NIST.800.53.R5-S3BucketReplicationEnabled", _NO_REPLICA)' in text
    accepted = 'policy.acknowledge(each, "NIST.800.53.R5-S3BucketReplicationEnabled", _NO_REPLICA)'
    buckets.write_text(text.replace(accepted, "pass"))
    done = synth.synthesize("dev", tmp_path / "out", has_guardrails=True, project=project)
    assert done.returncode == 1
    assert "NIST.800.53.R5-S3BucketReplicationEnabled" in done.stderr


def test_a_wildcard_without_a_reason_cannot_be_built(tmp_path: Path) -> None:
    project = synth.copy(tmp_path / "project")
    role = project / "stacks/components/step_role.py"
    text = role.read_text()
    reason = '        why="Metrics have no ARN; their namespace is limited",\n'
    assert reason in text
    role.write_text(text.replace(reason, ""))
    done = synth.synthesize("dev", tmp_path / "out", project=project)
    assert done.returncode != 0
    assert "statement WriteMetrics has a wildcard among its resources and does not say why" in done.stderr


def test_an_unknown_environment_names_those_that_are(tmp_path: Path) -> None:
    done = synth.synthesize("production", tmp_path)
    assert (done.returncode, done.stderr) == (
        2, "error: there is no environment 'production'; there are dev, prod, staging (or the path of a .yaml file)\n",
    )  # fmt: skip


def test_without_the_wheel_synth_says_what_to_do(tmp_path: Path) -> None:
    project = synth.copy(tmp_path / "project")
    (project / ".wheelhouse").unlink()
    done = synth.synthesize("dev", tmp_path / "out", project=project)
    assert done.returncode == 2
    assert "run `make setup`" in done.stderr

"""Every way to train, from raw claims to a registered model, run as a user would run it."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker import Home
from local_sagemaker.history import History
from local_sagemaker.registry import Registry
from tests.support.claims import Tables
from tests.support.cli import Done, fraud

# So low that any model that ranks at all passes: what is tested here is the way there.
_GATE = "gate: {minimum_auc_lower_bound: 0.05, minimum_average_precision: 0.001, minimum_recall: 0.001, maximum_auc_loss: 0.9, bias: []}\n"
_SPLIT = "review_capacity: 0.3\n"
_FEW_ROUNDS = "hyperparameters: {num_round: 40}"
_BEHIND = {"Evaluate", "PostTrainingBias", "Package", "QualityGate", "ModelCard", "Register", "CreateModel", "BatchTransform"}


def _run(folder: Path, name: str, content: str, tables: Tables, *arguments: object) -> Done:
    file = folder / f"{name}.yaml"
    file.write_text(_GATE + _SPLIT + content)
    return fraud(
        "run", "--env", file, "--claims", tables.claims, "--customers", tables.customers, "--home", folder / "home", "--json", *arguments
    )


def _steps(done: Done) -> dict[str, str]:
    assert done.code == 0, done.error[-3000:] + done.out[-2000:]
    return {step["name"]: step["status"] for step in done.json["steps"]}


def _packaged(home: Path) -> set[str]:
    """The files in the archive of the model that was registered last."""
    return set(_archive(home).getnames())


def _archive(home: Path) -> tarfile.TarFile:
    place = Home(home)
    (package, *_) = Registry(History(place)).packages()
    return tarfile.open(place.path(package.request["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]))


@pytest.mark.parametrize(
    ("name", "content", "model"),
    [
        ("logistic", "training: {algorithm: logistic-regression}", "linear.json"),
        ("built-in", f"training: {{algorithm: built-in-xgboost, {_FEW_ROUNDS}}}", "xgboost-model"),
        ("learner", "training: {algorithm: linear-learner}", "model_algo-1"),
        ("several", f"training: {{{_FEW_ROUNDS}}}\njobs: {{train: {{instance_count: 2}}}}", "model.ubj"),
        ("combined", f"training: {{{_FEW_ROUNDS}}}\ncombine_steps: true", "model.ubj"),
    ],
)
def test_a_model_of_any_kind_is_evaluated_packaged_registered_and_served(
    synthetic: Tables, tmp_path: Path, name: str, content: str, model: str
) -> None:
    done = _run(tmp_path, name, content, synthetic)
    statuses = _steps(done)
    wanted = _BEHIND - {"Evaluate"} | {"PrepareTrainEvaluate"} if name == "combined" else _BEHIND
    assert {step for step, status in statuses.items() if status == "Succeeded"} >= wanted | {"Explain"}
    assert {model, "features.json", "code/inference.py"} <= _packaged(tmp_path / "home")
    assert 0.4 < done.json["metrics"]["auc"] <= 1


def test_distance_to_the_usual_claims_is_a_baseline_without_labels(synthetic: Tables, tmp_path: Path) -> None:
    done = _run(tmp_path, "kmeans", "training: {algorithm: kmeans, hyperparameters: {k: 5}}\nexplain: false", synthetic)
    statuses = {step["name"]: step["status"] for step in done.json["steps"]}
    assert "Explain" not in statuses
    assert {statuses[step] for step in ("Train", "Evaluate", "PostTrainingBias", "Package")} == {"Succeeded"}
    # Without labels a model may well be no better than chance: then the gate says so, and nothing else fails.
    assert done.code == (0 if statuses["Register"] == "Succeeded" else 1)


def test_the_better_of_default_and_search_goes_on(synthetic: Tables, tmp_path: Path) -> None:
    content = (
        "training: {hyperparameters: {num_round: 40}, tuning: {max_trials: 3, "
        "ranges: {max_depth: {low: 1, high: 3}, eta: {low: 0.01, high: 0.3, scaling: Logarithmic}}}}"
    )
    done = _run(tmp_path, "tuned", content, synthetic)
    assert _steps(done)["SelectModel"] == "Succeeded"
    (file,) = (tmp_path / "home/s3").rglob("selection.json")
    selection = json.loads(file.read_text())
    objective = max(_values(selection))
    training = json.loads(_archive(tmp_path / "home").extractfile("training.json").read())  # type: ignore[union-attr]
    assert training["objective"]["value"] == pytest.approx(objective)
    report = Path(done.json["report"]).read_text()
    assert "trials" in report


def _values(selection: dict[str, Any]) -> list[float]:
    return [float(selection[side]["value"]) for side in ("default", "tuned")]


def test_a_mitigation_is_shown_beside_the_model_without_it(synthetic: Tables, tmp_path: Path) -> None:
    content = f"training: {{{_FEW_ROUNDS}, mitigation: {{method: reweighing}}}}"
    statuses = _steps(_run(tmp_path, "fairer", content, synthetic))
    assert statuses["TrainReference"] == statuses["CompareMitigation"] == "Succeeded"
    (file,) = (tmp_path / "home/s3").rglob("mitigation.json")
    assert "customer_gender" in file.read_text()


def test_a_container_of_ones_own_is_any_command_that_keeps_the_contract(synthetic: Tables, tmp_path: Path) -> None:
    script = tmp_path / "own.py"
    script.write_text(
        "import json\nfrom pathlib import Path\nimport pyarrow.parquet as pq\nimport xgboost as xgb\n"
        "config = json.loads(Path('/opt/ml/input/config/hyperparameters.json').read_text())\n"
        "table = pq.read_table('/opt/ml/input/data/train').drop_columns(['policy_id'])\n"
        "label = table['fraud'].to_numpy()\n"
        "features = table.drop_columns(['fraud'])\n"
        "matrix = xgb.DMatrix(features.to_pandas(), label)\n"
        "booster = xgb.train({'objective': 'binary:logistic', 'max_depth': 2}, matrix, int(config['rounds']))\n"
        "booster.save_model('/opt/ml/model/model.ubj')\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    (home / "runtimes.toml").write_text(f'[[runtime]]\nimage = "mine:*"\ncommand = ["python3", "{script}"]\n')
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/mine:1"
    content = f"training: {{algorithm: custom, container: {{image: '{image}'}}, hyperparameters: {{rounds: 20}}}}"
    assert _steps(_run(tmp_path, "own", content, synthetic))["Register"] == "Succeeded"
    assert "model.ubj" in _packaged(home)


def test_a_worse_model_than_the_champion_is_refused_with_the_reason(synthetic: Tables, tmp_path: Path) -> None:
    assert _run(tmp_path, "first", "", synthetic).code == 0
    assert fraud("models", "approve", "1", "--home", tmp_path / "home").code == 0
    # The same data, and a model that hardly learns.
    content = "training: {hyperparameters: {num_round: 1, linear_start: 0, max_depth: 1, reg_lambda: 100000}}\n"
    file = tmp_path / "second.yaml"
    file.write_text(_GATE.replace("maximum_auc_loss: 0.9", "maximum_auc_loss: 0.01") + _SPLIT + content)
    arguments = ("--env", file, "--claims", synthetic.claims, "--customers", synthetic.customers, "--home", tmp_path / "home", "--json")
    refused = fraud("run", *arguments)
    assert refused.code == 1
    (reason,) = (step["reason"] for step in refused.json["steps"] if step["name"] == "Reject")
    assert "AUC lost against the champion is 0." in reason
    assert "must be at most 0.01" in reason
    # Nobody to compare with: the same model passes.
    assert fraud("run", *arguments, "--param", "ChampionModelUri=").code == 0


def test_a_bias_bound_that_is_not_met_is_told_with_value_and_bound(synthetic: Tables, tmp_path: Path) -> None:
    content = "training: {hyperparameters: {num_round: 20}}\n"
    file = tmp_path / "strict.yaml"
    bound = "bias: [{facet: customer_gender=Female, metric: DI, minimum: 5, maximum: 6}]"
    file.write_text(_GATE.replace("bias: []", bound) + _SPLIT + content)
    done = fraud(
        "run", "--env", file, "--claims", synthetic.claims, "--customers", synthetic.customers, "--home", tmp_path / "home", "--json"
    )
    assert done.code == 1
    (reason,) = (step["reason"] for step in done.json["steps"] if step["name"] == "Reject")
    assert "DI of customer_gender=Female is " in reason
    assert "must be at least 5.0 and at most 6.0" in reason
    told = fraud("run", "--env", file, "--claims", synthetic.claims, "--customers", synthetic.customers, "--home", tmp_path / "home")
    # Of all that the gate asks, a person is told what was not met.
    (unmet,) = (line for line in told.out.splitlines() if line.startswith("not met: "))
    assert "DI of customer_gender_female is " in unmet and "from 5 to 6" in unmet


def test_clarify_is_an_alternative_by_setting(synthetic: Tables, tmp_path: Path) -> None:
    """Its stand-in reads the analysis config that the container expects, and writes the same layout."""
    content = f"training: {{{_FEW_ROUNDS}}}\nbias: {{engine: clarify, facets: [customer_gender=Female, 'customer_age=60:']}}"
    statuses = _steps(_run(tmp_path, "clarify", content, synthetic))
    assert statuses["PreTrainingBias"] == statuses["PostTrainingBias"] == statuses["Register"] == "Succeeded"
    reports = {file.parts[-4]: json.loads(file.read_text()) for file in (tmp_path / "home/s3").rglob("bias/analysis.json")}
    assert set(reports["PreTrainingBias"]["pre_training_bias_metrics"]["facets"]) == {"customer_gender_female", "customer_age"}
    found = reports["PostTrainingBias"]["post_training_bias_metrics"]["facets"]["customer_gender_female"][0]["metrics"]
    assert {"DPPL", "DI", "AD"} <= {metric["name"] for metric in found}

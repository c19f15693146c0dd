"""The stand-in for Clarify's container, against AWS's own report on the same configuration."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from smclarify.bias import metrics as oracle_metrics
from smclarify.bias import report as oracle

from tests.support import steps
from tests.support.claims import Tables
from tests.training_code.bias_inputs import predict
from training_code import encoded
from training_code.bias.analysis_config import analysis_config
from training_code.claims import schema
from training_code.claims.facets import Facet, FacetError

FACETS = ("customer_gender=Female", "customer_age=60:", "policy_liability=15/30", "vehicle_claim=5000.1:")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def splits(synthetic: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("splits")
    assert steps.preprocess(synthetic.claims, synthetic.customers, folder).code == 0
    age = schema.FEATURE_NAMES.index("customer_age")
    predict(folder, folder / "predictions", lambda x: -x[:, age] % 17 + x[:, age] / 1e3, with_features=True)
    return folder


def _run(config: dict[str, Any], data: Path, folder: Path) -> steps.Done:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "analysis_config.json").write_text(json.dumps(config))
    return steps.run("clarify", "--config", folder / "analysis_config.json", "--data", data, "--output", folder / "out")


def _analysis(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "out/analysis.json").read_text())
    return document


def _expected(frame: pd.DataFrame, config: dict[str, Any], stage: oracle.StageType) -> dict[str, list[dict[str, Any]]]:
    """smclarify's facets of a configuration; the identifier and what is excluded are no features."""
    apart = [config.get("joinsource_name_or_index"), *config.get("excluded_columns", [])]
    features = frame.drop(columns=[name for name in apart if name])
    group = config.get("group_variable")
    predicted = config.get("predicted_label")
    found: dict[str, list[dict[str, Any]]] = {}
    for facet in config["facet"]:
        found.setdefault(facet["name_or_index"], []).extend(
            oracle.bias_report(
                features, oracle.FacetColumn(facet["name_or_index"], list(facet.get("value_or_threshold", []))),
                oracle.LabelColumn(config["label"], frame[config["label"]], config["label_values_or_threshold"]), stage,
                oracle.LabelColumn(predicted, frame[predicted], config["label_values_or_threshold"]) if predicted else None,
                group_variable=frame[group] if group else None,
            )
        )  # fmt: skip
    return found


def _compare(found: dict[str, list[dict[str, Any]]], expected: dict[str, list[dict[str, Any]]], wanted: Any) -> None:
    assert list(found) == list(expected)
    for column, entries in found.items():
        ours = {entry["value_or_threshold"]: entry for entry in entries}
        for theirs in expected[column]:
            entry = ours.pop(theirs["value_or_threshold"])
            values = {metric["name"]: metric["value"] for metric in entry["metrics"]}
            for metric in theirs["metrics"]:
                if wanted != "all" and metric["name"] not in wanted:
                    assert metric["name"] not in values
                elif isinstance(metric["value"], str) or metric["value"] is None:
                    assert values[metric["name"]] is None
                else:
                    assert values[metric["name"]] == pytest.approx(metric["value"], abs=1e-9), (column, metric["name"])
        assert not ours


@pytest.mark.parametrize("group", ["policy_state", "policy_liability"])
def test_our_configuration_gives_what_awss_code_gives(splits: Path, tmp_path: Path, group: str) -> None:
    facets = [Facet.parse(text) for text in FACETS]
    for kind, data, stage in (
        ("pre", splits / "train", oracle.StageType.PRE_TRAINING), ("post", splits / "predictions", oracle.StageType.POST_TRAINING),
    ):  # fmt: skip
        config = analysis_config(kind, facets, group)  # type: ignore[arg-type]
        done = _run(config, data, tmp_path / kind)
        assert done.code == 0, done.output
        frame = pd.concat([pq.read_table(file).to_pandas() for file in encoded.parts(data)], ignore_index=True)
        method = f"{kind}_training_bias"
        found = _analysis(tmp_path / kind)[f"{method}_metrics"]
        assert (found["label"], found["label_value_or_threshold"]) == ("fraud", "1")
        _compare(found["facets"], _expected(frame, config, stage), config["methods"][method]["methods"])
        assert 'aria-label="Differences for' in (tmp_path / kind / "out/report.html").read_text()


def test_the_facet_of_a_configuration_is_the_facet_of_the_steps(splits: Path, tmp_path: Path) -> None:
    """From 60 on includes 60, although Clarify takes what is greater than a threshold; and so for amounts in single precision."""
    data = encoded.read(splits / "train")
    edge = sorted(data.features[:, schema.FEATURE_NAMES.index("vehicle_claim")].tolist())[900]
    facets = ("customer_gender=Female", "customer_age=60:", "policy_liability=15/30", f"vehicle_claim={edge:.9f}:")
    assert _run(analysis_config("pre", [Facet.parse(text) for text in facets], "policy_liability"), splits / "train", tmp_path).code == 0
    given = [argument for text in facets for argument in ("--facet", text)]
    done = steps.run("pre_training_bias", "--data", splits / "train", "--output", tmp_path, "--group", "policy_liability", *given)
    assert done.code == 0, done.output
    own = json.loads((tmp_path / "bias.json").read_text()).values()
    theirs = _analysis(tmp_path)["pre_training_bias_metrics"]["facets"]
    for one, (entry,) in zip(own, theirs.values(), strict=True):
        for metric in entry["metrics"]:
            assert one[metric["name"]] == metric["value"], (entry["value_or_threshold"], metric["name"])


@pytest.mark.parametrize("facet", ["customer_age=:25", "customer_age=25:40"])
def test_a_band_with_an_upper_end_is_refused_with_the_reason(facet: str) -> None:
    with pytest.raises(FacetError, match=rf"{facet}.*above one threshold.*customer_age=LOW:"):
        analysis_config("pre", [Facet.parse(facet)], "policy_state")


def test_the_configuration_needs_facets_and_a_categorical_group() -> None:
    with pytest.raises(FacetError, match="at least one facet"):
        analysis_config("pre", [], "policy_state")
    with pytest.raises(FacetError, match="no categorical column"):
        analysis_config("post", [Facet.parse("customer_age=60:")], "customer_age")


# Configurations that others wrote.

OTHERS = {
    "dataset_type": "text/csv",
    "label": "y",
    "label_values_or_threshold": [1],
    "facet": [
        {"name_or_index": "sex"},
        {"name_or_index": "age", "value_or_threshold": [40]},
        {"name_or_index": 0, "value_or_threshold": ["f", "x"]},
    ],
    "group_variable": "g",
    "predicted_label": "p",
    "methods": {"pre_training_bias": {"methods": "all"}, "post_training_bias": {"methods": ["DPPL", "DI", "RD", "GE", "CDDPL", "FT"]}},
}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    size = 400
    return pd.DataFrame(
        {
            "sex": rng.choice(["f", "m", "N/A"], size), "age": rng.integers(18, 80, size), "g": rng.choice(["a", "b"], size),
            "y": rng.integers(0, 2, size), "p": rng.integers(0, 2, size), "id": rng.permutation(size),
        }
    )  # fmt: skip


def test_csv_with_names_places_and_every_value(frame: pd.DataFrame, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for part in (0, 1):
        frame.iloc[part * 200 : part * 200 + 200].to_csv(data / f"{part}.csv", index=False)
    done = _run(OTHERS, data, tmp_path)
    assert done.code == 0, done.output
    found = _analysis(tmp_path)
    by_name = json.loads(json.dumps(OTHERS))
    by_name["facet"][2]["name_or_index"] = "sex"
    for stage, section, wanted in (
        (oracle.StageType.PRE_TRAINING, "pre_training_bias", "all"),
        (oracle.StageType.POST_TRAINING, "post_training_bias", ["DPPL", "DI", "RD", "GE", "CDDPL", "FT"]),
    ):
        facets = found[f"{section}_metrics"]["facets"]
        assert [entry["value_or_threshold"] for entry in facets["sex"]] == ["N/A", "f", "m", "f,x"]
        assert facets["age"][0]["value_or_threshold"] == "(40, 79]"
        _compare(facets, _expected(frame, by_name, stage), wanted)
    (flip,) = (metric for metric in found["post_training_bias_metrics"]["facets"]["age"][0]["metrics"] if metric["name"] == "FT")
    assert "sex, g" in flip["error"]
    assert not (tmp_path / "out/report.html").exists()


def test_headers_may_stand_in_the_configuration_or_nowhere(frame: pd.DataFrame, tmp_path: Path) -> None:
    numbers = frame[["age", "y", "p"]]
    numbers.to_csv(tmp_path / "named.csv", index=False)
    numbers.to_csv(tmp_path / "bare.csv", index=False, header=False)
    facet = [{"name_or_index": 0, "value_or_threshold": [40]}]
    config = {name: OTHERS[name] for name in ("dataset_type", "label_values_or_threshold")} | {
        "facet": facet, "label": 1, "methods": {"pre_training_bias": {"methods": ["DPL"]}},
    }  # fmt: skip
    values = []
    names = ["age", "y", "p"]
    for place, (file, headers) in enumerate((("named.csv", None), ("bare.csv", None), ("bare.csv", names), ("named.csv", names))):
        given = config if headers is None else config | {"headers": headers}
        assert _run(given, tmp_path / file, tmp_path / str(place)).code == 0
        section = _analysis(tmp_path / str(place))["pre_training_bias_metrics"]
        ((name, (entry,)),) = section["facets"].items()
        assert name == ("column_0" if file == "bare.csv" and headers is None else "age")
        values.append(entry["metrics"][0]["value"])
    assert len(set(values)) == 1


def test_predictions_beside_the_dataset_are_joined_by_identifier(frame: pd.DataFrame, tmp_path: Path) -> None:
    frame.drop(columns="p").to_csv(tmp_path / "data.csv", index=False)
    frame[["id", "p"]].sample(frac=1, random_state=1).rename(columns={"p": "said"}).to_csv(tmp_path / "said.csv", index=False)
    config = OTHERS | {
        "predicted_label": "said", "predicted_label_dataset_uri": str(tmp_path / "said.csv"), "joinsource_name_or_index": "id",
        "methods": {"post_training_bias": {"methods": ["DPPL"]}},
    }  # fmt: skip
    done = _run(config, tmp_path / "data.csv", tmp_path / "joined")
    assert done.code == 0, done.output
    whole = {key: value for key, value in config.items() if key != "predicted_label_dataset_uri"} | {"predicted_label": "p"}
    frame.to_csv(tmp_path / "whole.csv", index=False)
    assert _run(whole, tmp_path / "whole.csv", tmp_path / "whole").code == 0
    assert _analysis(tmp_path / "joined") == _analysis(tmp_path / "whole")
    frame.iloc[5:][["id", "p"]].rename(columns={"p": "said"}).to_csv(tmp_path / "said.csv", index=False)
    done = _run(config, tmp_path / "data.csv", tmp_path / "fewer")
    assert (done.code, "5 of 400 records have no prediction" in done.output) == (1, True), done.output


def test_excluded_columns_are_no_features(frame: pd.DataFrame, tmp_path: Path) -> None:
    """Here they are texts, by which the flip test could not compare."""
    frame = frame.assign(id=np.random.default_rng(2).normal(size=len(frame)))
    frame.to_csv(tmp_path / "data.csv", index=False)
    config = OTHERS | {
        "facet": [{"name_or_index": "age", "value_or_threshold": [40]}], "excluded_columns": ["sex", 2],
        "methods": {"post_training_bias": {"methods": ["FT"]}},
    }  # fmt: skip
    done = _run(config, tmp_path / "data.csv", tmp_path)
    assert done.code == 0, done.output
    (entry,) = _analysis(tmp_path)["post_training_bias_metrics"]["facets"]["age"]
    expected = oracle_metrics.FT(frame[["id"]], frame["age"] > 40, frame["p"] == 1)
    assert entry["metrics"] == [{"name": "FT", "description": "Flip Test (FT)", "value": pytest.approx(expected, abs=1e-9)}]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"predictor": {"model_name": "m"}}, "no endpoint to ask"),
        ({"methods": {"shap": {}}}, "methods shap"),
        ({"methods": {"pdp": {}, "pre_training_bias": {"methods": "all"}}}, "methods pdp"),
        ({"methods": {"report": {"name": "report"}}}, "nothing to compute"),
        ({"dataset_type": "application/x-image"}, "reads text/csv and application/x-parquet"),
        ({"version": "2.0"}, "there is only 1.0"),
        ({"time_series_data_config": {}}, "time_series_data_config: not understood"),
        ({"predicted_label": None}, "needs predicted_label"),
        ({"label": "z"}, "no column 'z'"),
        ({"label": 99}, "no column 99"),
        ({"facet": [{"name_or_index": "id"}]}, "needs a threshold"),
        ({"facet": [{"value_or_threshold": [1]}]}, "each needs name_or_index"),
        ({"facet": [{"name_or_index": "age", "value_or_threshold": ["old"]}]}, "must be one, too"),
        ({"group_variable": "state"}, "group_variable: the dataset has no column 'state'"),
        ({"headers": ["a"]}, "headers: 1 names for 6 columns"),
        ({"dataset_uri": "s3://bucket/data"}, "nothing is downloaded here"),
        ({"methods": {"pre_training_bias": {"methods": ["CI", "XX"]}}}, "no metric XX"),
    ],
)
def test_what_cannot_be_done_is_a_clear_error(frame: pd.DataFrame, tmp_path: Path, change: dict[str, Any], said: str) -> None:
    frame.to_csv(tmp_path / "data.csv", index=False)
    config = {key: value for key, value in (OTHERS | change).items() if value is not None}
    done = _run(config, tmp_path / "data.csv", tmp_path)
    assert (done.code, said in done.output) == (1, True), done.output
    assert not (tmp_path / "out").exists()


def test_files_that_are_not_there_or_not_readable(tmp_path: Path) -> None:
    done = steps.run("clarify", "--config", tmp_path / "none.json", "--data", tmp_path, "--output", tmp_path / "out")
    assert (done.code, "no analysis configuration" in done.output) == (1, True)
    (tmp_path / "data").mkdir()
    assert "no files at" in _run(OTHERS, tmp_path / "data", tmp_path).output
    (tmp_path / "data/part.parquet").write_text("no parquet")
    assert "cannot be read as parquet" in _run(OTHERS | {"dataset_type": "application/x-parquet"}, tmp_path / "data", tmp_path).output
    pq.write_table(pa.table({"y": pa.array([], pa.int8())}), tmp_path / "data/part.parquet")
    assert "no records at" in _run(OTHERS | {"dataset_type": "application/x-parquet"}, tmp_path / "data", tmp_path).output
    (tmp_path / "analysis_config.json").write_text("{")
    done = steps.run("clarify", "--config", tmp_path / "analysis_config.json", "--data", tmp_path, "--output", tmp_path / "out")
    assert (done.code, "is not JSON" in done.output) == (1, True)

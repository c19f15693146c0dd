"""The bias steps as processes on the real claims, checked by SQL-like arithmetic on the raw tables and by AWS's own report."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from smclarify.bias import report as oracle

from tests.support import steps
from tests.support.claims import Tables, read
from tests.training_code.bias_inputs import DEFAULT, Decided, facets, predict
from training_code import encoded
from training_code.bias import decisions, groups
from training_code.claims import schema
from training_code.claims.facets import Facet, FacetError


@pytest.fixture(scope="module")
def decided(real: Tables, tmp_path_factory: pytest.TempPathFactory) -> Decided:
    """The real splits, and a score that rises with young age and many claims."""
    folder = tmp_path_factory.mktemp("decided")
    assert steps.preprocess(real.claims, real.customers, folder).code == 0
    places = {name: place for place, name in enumerate(schema.FEATURE_NAMES)}
    predict(folder, folder / "predictions", lambda x: x[:, places["num_claims_past_year"]] - x[:, places["customer_age"]] / 40
            + x[:, places["injury_claim"]] / 1e6)  # fmt: skip
    return Decided(folder, folder / "predictions")


@pytest.fixture(scope="module")
def before(decided: Decided, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("before")
    done = steps.run("pre_training_bias", "--data", decided.splits / "train", "--output", folder, *facets())
    assert done.code == 0, done.output
    return folder


@pytest.fixture(scope="module")
def after(decided: Decided, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("after")
    done = _after(decided, folder, *facets())
    assert done.code == 0, done.output
    return folder


def _after(decided: Decided, output: Path, *arguments: object) -> steps.Done:
    return steps.run(
        "post_training_bias", "--test", decided.splits / "test", "--predictions", decided.predictions, "--output", output,
        "--resamples", 200, *arguments,
    )  # fmt: skip


def _json(file: Path) -> Any:
    return json.loads(file.read_text())


def test_all_real_claims_have_the_known_imbalance(real: Tables, tmp_path: Path) -> None:
    """The published .117 and .0271; where those are quoted as -.0271, no fraud is the positive label."""
    done = steps.preprocess(real.claims, real.customers, tmp_path / "splits", "--validation", 0, "--test", 0)
    assert done.code == 0, done.output
    done = steps.run("pre_training_bias", "--data", tmp_path / "splits/train", "--output", tmp_path, "--facet", "customer_gender=Female")
    assert done.code == 0, done.output
    found = _json(tmp_path / "bias.json")["customer_gender_female"]
    assert (found["CI"], found["DPL"]) == (pytest.approx(0.1168), pytest.approx(0.0271, abs=5e-5))
    fraud = {row["policy_id"]: int(row["fraud"]) for row in read(real.claims)}
    women = {row["policy_id"] for row in read(real.customers) if row["customer_gender"] == "Female"}
    rates = [np.mean([value for policy, value in fraud.items() if (policy in women) == side]) for side in (False, True)]
    assert found["DPL"] == pytest.approx(rates[0] - rates[1])


def test_both_documents_hold_every_facet_and_metric(before: Path, after: Path) -> None:
    slugs = [Facet.parse(text).slug for text in DEFAULT]
    for folder, section, count in ((before, "pre_training_bias_metrics", 8), (after, "post_training_bias_metrics", 13)):
        flat, document = _json(folder / "bias.json"), _json(folder / "analysis.json")
        assert list(flat) == slugs
        assert {len(metrics) for metrics in flat.values()} == {count}
        assert document["version"] == "1.0"
        found = document[section]
        assert (found["label"], found["label_value_or_threshold"]) == ("fraud", "1")
        assert [entry["value_or_threshold"] for entry in found["facets"]["customer_age"]] == [":25", "25:40", "40:60", "60:"]
        (female,) = found["facets"]["customer_gender"]
        assert female["value_or_threshold"] == "Female"
        assert [metric["name"] for metric in female["metrics"]] == sorted(flat["customer_gender_female"])
        assert {metric["name"]: metric["value"] for metric in female["metrics"]} == flat["customer_gender_female"]


def test_the_layout_is_that_of_awss_own_report(decided: Decided, before: Path, after: Path) -> None:
    """The same claims as a table with the raw gender, given to smclarify's report; FT apart, which goes by features in their units."""
    logging.disable(logging.CRITICAL)
    try:
        for split, folder, stage, section in (
            ("train", before, oracle.StageType.PRE_TRAINING, "pre_training_bias_metrics"),
            ("test", after, oracle.StageType.POST_TRAINING, "post_training_bias_metrics"),
        ):
            data = encoded.read(decided.splits / split)
            gender, state = (groups.group_column(name) for name in ("customer_gender", "policy_state"))
            frame = pd.DataFrame({"fraud": data.label.astype(int), "claim": data.features[:, 20]})
            frame["customer_gender"] = np.array(gender.levels)[groups.strata(gender, data.features)]
            predicted = None
            if split == "test":
                frame["predicted"] = decisions.read(decided.predictions, data).predicted.astype(int)
                predicted = oracle.LabelColumn("predicted", frame["predicted"], [1])
            (expected,) = oracle.bias_report(
                frame, oracle.FacetColumn("customer_gender", ["Female"]), oracle.LabelColumn("fraud", frame["fraud"], [1]), stage,
                predicted, group_variable=pd.Series(groups.strata(state, data.features)),
            )  # fmt: skip
            (found,) = _json(folder / "analysis.json")[section]["facets"]["customer_gender"]
            assert found["value_or_threshold"] == expected["value_or_threshold"]
            for ours, theirs in zip(found["metrics"], expected["metrics"], strict=True):
                assert (set(ours), ours["name"]) == (set(theirs), theirs["name"])
                if ours["name"] != "FT":
                    assert ours["value"] == pytest.approx(theirs["value"], abs=1e-9)
    finally:
        logging.disable(logging.NOTSET)


def test_the_flip_test_sees_every_column_but_the_facets(decided: Decided) -> None:
    places, units = groups.likeness(Facet.parse("customer_gender=Female"))
    names = [schema.FEATURE_NAMES[place] for place in places]
    assert not [name for name in names if name.startswith("customer_gender")]
    assert len(names) == len(schema.FEATURE_NAMES) - 4
    assert units[names.index("injury_claim")] == 1e5


@pytest.mark.parametrize("name", ["before", "after"])
def test_the_page_says_it_in_words_and_has_no_outside_reference(name: str, request: pytest.FixtureRequest) -> None:
    page = (request.getfixturevalue(name) / "bias.html").read_text()
    assert "In plain words" in page
    assert page.count('aria-label="Differences for') == 5
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    if name == "after":
        decided = request.getfixturevalue("decided")
        flagged = int(pq.read_table(decided.predictions / "predictions.parquet")["predicted"].to_numpy().sum())
        assert f"The model flags {flagged} of them" in page


def test_the_same_decisions_give_the_same_bytes(decided: Decided, after: Path, tmp_path: Path) -> None:
    assert _after(decided, tmp_path, *facets()).code == 0
    for name in ("analysis.json", "bias.json", "bias.html"):
        assert (tmp_path / name).read_bytes() == (after / name).read_bytes()


def test_a_model_that_flags_young_people_alone_stands_out(decided: Decided, tmp_path: Path) -> None:
    age = schema.FEATURE_NAMES.index("customer_age")
    predict(decided.splits, tmp_path / "young", lambda x: -x[:, age], capacity=0.05)
    done = _after(Decided(decided.splits, tmp_path / "young"), tmp_path, *facets("customer_age=:25"))
    assert done.code == 0, done.output
    found = _json(tmp_path / "bias.json")["customer_age_below_25"]
    assert found["DPPL"] < -0.4
    # Nobody older is flagged: the ratio is unbounded, which no number is.
    assert found["DI"] is None
    assert "unbounded" in (tmp_path / "analysis.json").read_text()


def test_a_facet_without_members_is_a_message_and_null(decided: Decided, tmp_path: Path) -> None:
    for step, arguments in (
        ("pre_training_bias", ("--data", decided.splits / "train")),
        ("post_training_bias", ("--test", decided.splits / "test", "--predictions", decided.predictions)),
    ):
        done = steps.run(step, *arguments, "--output", tmp_path, *facets("customer_age=110:", "customer_age=15:", "customer_gender=Female"))
        assert done.code == 0, done.output
        flat = _json(tmp_path / "bias.json")
        for slug in ("customer_age_from_110", "customer_age_from_15"):
            assert {value for name, value in flat[slug].items() if name != "GE"} == {None}
        assert flat["customer_gender_female"]["DPL" if step == "pre_training_bias" else "DPPL"] is not None
        (section,) = (value for key, value in _json(tmp_path / "analysis.json").items() if key != "version")
        nobody, everybody = section["facets"]["customer_age"]
        assert "belongs to this facet" in nobody["error"]
        assert "no others to compare with" in everybody["error"]
        assert all("error" in metric for metric in nobody["metrics"] if metric["name"] != "GE")
        assert "nothing to compare" in (tmp_path / "bias.html").read_text().lower()


def test_a_value_that_the_gate_needs_and_that_is_not_there_fails_the_step(decided: Decided, tmp_path: Path) -> None:
    arguments = facets("customer_age=110:", "customer_gender=Female")
    done = _after(decided, tmp_path, *arguments, "--require", "DPPL:customer_age=110:")
    assert done.code == 1
    assert "the quality gate needs DPPL of customer_age_from_110" in done.output
    assert "none of the" in done.output
    assert "widen the facet" in done.output
    assert (tmp_path / "bias.html").exists()
    assert _after(decided, tmp_path, *arguments, "--require", "DI:customer_gender_female").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no facet"),
        (["--facet", "customer_gender=Femal"], "Male, Female"),
        (["--facet", "customer_zip=1:"], "no feature column 'customer_zip'"),
        (["--facet", "customer_age=60:", "--facet", "customer_age=60.0:"], "given twice"),
        (["--facet", "customer_age=60:", "--group", "customer_age"], "no categorical column"),
        (["--facet", "customer_age=60:", "--require", "CI:customer_age=60:"], "no metric 'CI'"),
        (["--facet", "customer_age=60:", "--require", "DI:customer_age=:25"], "add it as --facet"),
    ],
)
def test_wrong_arguments_are_named(decided: Decided, tmp_path: Path, arguments: list[str], said: str) -> None:
    done = _after(decided, tmp_path, *arguments)
    assert (done.code, said in done.output) == (1, True), done.output
    assert not list(tmp_path.iterdir())


def test_predictions_of_other_claims_are_refused(decided: Decided, tmp_path: Path) -> None:
    table = pq.read_table(decided.predictions / "predictions.parquet")
    for content, said in (
        (table.take(np.arange(len(table))[::-1].copy()), "not about the claims of the test split"),
        (table.slice(1), "not about the claims of the test split"),
        (table.drop_columns(["predicted"]), "lacks predicted"),
    ):
        pq.write_table(content, tmp_path / "predictions.parquet")
        done = _after(Decided(decided.splits, tmp_path), tmp_path / "out", *facets())
        assert (done.code, said in done.output) == (1, True), done.output
    (tmp_path / "predictions.parquet").unlink()
    assert "no predictions.parquet" in _after(Decided(decided.splits, tmp_path), tmp_path / "out", *facets()).output


def test_a_model_that_flags_nobody_is_measured_all_the_same(decided: Decided, tmp_path: Path) -> None:
    table = pq.read_table(decided.predictions / "predictions.parquet")
    nobody = table.set_column(3, "predicted", [np.zeros(len(table), np.uint8)])
    pq.write_table(nobody, tmp_path / "predictions.parquet")
    done = _after(Decided(decided.splits, tmp_path), tmp_path, *facets())
    assert done.code == 0, done.output
    assert "The model flags no claim at all" in (tmp_path / "bias.html").read_text()
    found = _json(tmp_path / "bias.json")["customer_gender_female"]
    assert (found["DPPL"], found["CDDPL"]) == (0.0, None)


# Facets and strata over encoded features.


def test_groups_over_encoded_features_are_those_of_the_raw_tables(real: Tables, decided: Decided) -> None:
    customers = {int(row["policy_id"]): row for row in read(real.customers)}
    data = encoded.read(decided.splits / "train")
    raw = [customers[policy] for policy in data.policy.tolist()]
    for text, belongs in {
        "customer_gender=Female": lambda row: row["customer_gender"] == "Female",
        "policy_liability=30/60": lambda row: row["policy_liability"] == "30/60",
        "customer_age=:25": lambda row: int(row["customer_age"]) < 25,
        "customer_age=25:40": lambda row: 25 <= int(row["customer_age"]) < 40,
        "customer_age=60:": lambda row: int(row["customer_age"]) >= 60,
    }.items():
        assert groups.members(Facet.parse(text), data.features).tolist() == [belongs(row) for row in raw], text
    for name in ("policy_state", "customer_education"):
        column = groups.group_column(name)
        assert [column.levels[code] for code in groups.strata(column, data.features)] == [row[name] for row in raw]


def test_a_number_has_no_strata() -> None:
    with pytest.raises(FacetError, match=r"there are .*policy_state"):
        groups.group_column("injury_claim")

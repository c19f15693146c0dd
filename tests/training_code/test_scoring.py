"""Models of every format: their scores, and contributions that add up."""

import itertools
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from math import factorial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost as xgb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import models, steps
from training_code import scoring
from training_code.claims import schema
from training_code.scoring import ndarray
from training_code.scoring.tree_tables import TreeTables

_CLAIMS = models.claims(2000)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root, random = tmp_path_factory.mktemp("models"), np.random.default_rng(1)
    return {
        "xgboost": models.save_booster(root / "xgboost", models.booster(_CLAIMS)),
        "linear": models.save_linear(root / "linear"),
        "linear-learner": models.save_linear_learner(root / "learner", random.normal(size=models.FEATURES).astype(np.float32), -2.0),
        "kmeans": models.save_kmeans(root / "kmeans", random.normal(size=(4, models.FEATURES)).astype(np.float32)),
    }


@pytest.mark.parametrize("name", ["xgboost", "linear", "linear-learner", "kmeans"])
def test_scores_are_the_logistic_of_margins(folders: dict[str, Path], name: str) -> None:
    model = scoring.load(folders[name])
    assert (model.format, model.features) == (name, schema.FEATURE_NAMES)
    score, margin = model.score(_CLAIMS), model.margin(_CLAIMS)
    assert (score.dtype, margin.dtype, score.shape) == (np.float32, np.float64, (2000,))
    assert len(np.unique(score)) > 100
    np.testing.assert_allclose(score, 1 / (1 + np.exp(-margin)), rtol=2e-6)


@pytest.mark.parametrize("name", ["xgboost", "linear", "linear-learner", "kmeans"])
def test_a_claim_scores_the_same_alone_and_in_a_batch(folders: dict[str, Path], name: str) -> None:
    model = scoring.load(folders[name])
    score = model.score(_CLAIMS)
    for row in range(0, 2000, 97):
        assert model.score(_CLAIMS[row : row + 1])[0] == score[row]


@pytest.mark.parametrize("name", ["xgboost", "linear", "linear-learner"])
@pytest.mark.parametrize("rows", [1, 100, 2000])
def test_contributions_add_up_to_the_margin(folders: dict[str, Path], name: str, rows: int) -> None:
    model = scoring.load(folders[name])
    found = model.contributions(_CLAIMS[:rows])
    assert model.can_explain
    assert found.shape == (rows, models.FEATURES + 1)
    np.testing.assert_allclose(found.sum(axis=1, dtype=np.float64), model.margin(_CLAIMS[:rows]), atol=1e-5)
    assert np.unique(found[:, -1]).size == 1, "the base is the same for every claim"


def test_another_number_of_features(folders: dict[str, Path]) -> None:
    with pytest.raises(ValueError, match=r"the array has the shape \(5, 3\)"):
        scoring.load(folders["linear"]).score(np.zeros((5, 3), np.float32))


def test_a_booster_scores_as_xgboost_does(folders: dict[str, Path]) -> None:
    booster = xgb.Booster(model_file=folders["xgboost"] / "model.ubj")
    np.testing.assert_array_equal(scoring.load(folders["xgboost"]).score(_CLAIMS), booster.inplace_predict(_CLAIMS))


def test_the_built_in_xgboosts_file(tmp_path: Path) -> None:
    booster = models.booster(_CLAIMS)
    model = scoring.load(models.save_booster(tmp_path, booster, "xgboost-model"))
    np.testing.assert_array_equal(model.score(_CLAIMS), booster.inplace_predict(_CLAIMS))


def test_a_linear_model_by_hand(folders: dict[str, Path]) -> None:
    document = json.loads((folders["linear"] / "linear.json").read_text())
    weight, mean, scale, background = (np.array(document[key]) for key in ("coefficients", "mean", "scale", "background"))
    model = scoring.load(folders["linear"])
    np.testing.assert_allclose(model.margin(_CLAIMS), document["intercept"] + ((_CLAIMS - mean) / scale) @ weight, atol=1e-9)
    np.testing.assert_allclose(model.contributions(_CLAIMS)[:, :-1], weight / scale * (_CLAIMS - background), atol=1e-12)


def test_a_linear_learner_by_hand(tmp_path: Path) -> None:
    weight = np.random.default_rng(2).normal(size=models.FEATURES).astype(np.float32)
    models.save_linear_learner(tmp_path, weight, -1.5)
    expected = ((_CLAIMS - models.ORIGINS) / models.UNITS) @ weight - 1.5
    np.testing.assert_allclose(scoring.load(tmp_path).margin(_CLAIMS), expected, atol=1e-9)
    background = _CLAIMS.mean(axis=0, dtype=np.float64)
    (tmp_path / "background.json").write_text(json.dumps(background.tolist()))
    for model in (scoring.load(tmp_path), scoring.load(tmp_path, background=background)):
        np.testing.assert_allclose(model.margin(_CLAIMS), expected, atol=1e-9)
        found = model.contributions(_CLAIMS)
        np.testing.assert_allclose(found[:, :-1].mean(axis=0), 0, atol=1e-9)
        assert found[0, -1] == pytest.approx(expected.mean())


def test_kmeans_by_hand(tmp_path: Path) -> None:
    scaled = (_CLAIMS - models.ORIGINS) / models.UNITS
    centroids = scaled[:3].astype(np.float32)
    model = scoring.load(models.save_kmeans(tmp_path, centroids))
    distance = np.linalg.norm(scaled[:, None, :] - centroids, axis=2).min(axis=1)
    np.testing.assert_allclose(model.score(_CLAIMS), distance / (1 + distance), rtol=1e-5, atol=1e-6)
    assert np.isfinite(model.margin(_CLAIMS)).all(), "also of claims that are a centroid"
    assert not model.can_explain
    with pytest.raises(scoring.NotExplainableError, match="distance to the nearest centroid"):
        model.contributions(_CLAIMS)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(1, 8), st.integers(0, 1000), st.floats(0.3, 1), st.sampled_from([1, 3]))
def test_tables_give_xgboosts_shapley_values(depth: int, seed: int, subsample: float, parallel: int) -> None:
    features = models.claims(600, seed)
    booster = models.booster(
        features, seed=seed, rounds=6, max_depth=depth, subsample=subsample, num_parallel_tree=parallel, min_child_weight=0.1
    )
    expected = booster.predict(xgb.DMatrix(features), pred_contribs=True)
    np.testing.assert_allclose(TreeTables(booster).contributions(features), expected, atol=1e-5)


def test_shapley_values_by_their_definition() -> None:
    """All subsets of four features, each with the mean over the training claims of what is not in it."""
    features = models.claims(300)[:, :4]
    booster = xgb.train(
        {"objective": "binary:logistic", "max_depth": 4, "nthread": 1},
        xgb.DMatrix(features, features[:, 0] * features[:, 1] > features[:, 2] + features[:, 3]), 3,
    )  # fmt: skip
    trees = [json.loads(tree) for tree in booster.get_dump(with_stats=True, dump_format="json")]
    tables = TreeTables(booster).contributions(features[:20])
    for row, claim in enumerate(features[:20]):
        for feature in range(4):
            others = [other for other in range(4) if other != feature]
            expected = 0.0
            for size in range(4):
                weight = factorial(size) * factorial(3 - size) / factorial(4)
                for known in itertools.combinations(others, size):
                    with_it, without = ({*known, feature}, set(known))
                    expected += weight * sum(_value(tree, claim, with_it) - _value(tree, claim, without) for tree in trees)
            assert tables[row, feature] == pytest.approx(expected, abs=1e-5)


def _value(node: dict[str, Any], claim: np.ndarray, known: set[int]) -> float:
    if "leaf" in node:
        return float(node["leaf"])
    children = {child["nodeid"]: child for child in node["children"]}
    feature = int(node["split"][1:])
    if feature in known:
        return _value(children[node["yes"] if claim[feature] < node["split_condition"] else node["no"]], claim, known)
    return sum(child["cover"] * _value(child, claim, known) for child in children.values()) / node["cover"]


@pytest.mark.parametrize("parameters", [{"booster": "dart"}, {"max_depth": 12, "min_child_weight": 0, "rounds": 3}], ids=["dart", "deep"])
def test_trees_that_tables_do_not_fit(tmp_path: Path, parameters: dict[str, Any]) -> None:
    booster = models.booster(_CLAIMS, **parameters)
    with pytest.raises(ValueError, match=r"dart|conditions"):
        TreeTables(booster)
    model = scoring.load(models.save_booster(tmp_path, booster))
    np.testing.assert_allclose(model.contributions(_CLAIMS).sum(axis=1, dtype=np.float64), model.margin(_CLAIMS), atol=1e-5)


def test_missing_values_are_explained_as_they_are_scored(folders: dict[str, Path]) -> None:
    claims = _CLAIMS.copy()
    claims[::3, :5] = np.nan
    model = scoring.load(folders["xgboost"])
    np.testing.assert_allclose(model.contributions(claims).sum(axis=1, dtype=np.float64), model.margin(claims), atol=1e-5)


def _no_params(folder: Path) -> None:
    with zipfile.ZipFile(folder / "model_algo-1", "w") as archive:
        archive.writestr("meta.json", "{}")


def _bomb(folder: Path) -> None:
    with zipfile.ZipFile(folder / "model_algo-1", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.params", "w") as stream:
        for _ in range(80):
            stream.write(bytes(2**20))


def _cut_zip(folder: Path) -> None:
    models.save_linear_learner(folder, np.ones(models.FEATURES, np.float32), 0)
    content = bytearray((folder / "model_algo-1").read_bytes())
    content[60:80] = bytes(20)
    (folder / "model_algo-1").write_bytes(content)


def _features(folder: Path, text: str) -> None:
    models.save_booster(folder, models.booster(_CLAIMS, rounds=2))
    (folder / "features.json").write_text(text)


def _other_arrays(folder: Path) -> None:
    with zipfile.ZipFile(folder / "model_algo-1", "w") as archive:
        archive.writestr("x.params", ndarray.write([np.ones(3)], ["arg:other"]))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: None, "holds no model; expected one of model.ubj"),
        (lambda folder: (models.save_linear(folder), models.save_kmeans(folder, np.ones((1, 3)))), "linear.json and model_algo-1"),
        (lambda folder: (folder / "model.ubj").write_bytes(b""), "model.ubj is not a whole model"),
        (lambda folder: (folder / "model.ubj").write_bytes(b"{}"), "model.ubj is not a model that XGBoost"),
        (lambda folder: models.save_booster(folder, models.booster(_CLAIMS, objective="reg:squarederror")), "reg:squarederror"),
        (lambda folder: models.save_booster(folder, models.booster(_CLAIMS[:, :9])), "takes 9 features, and not the 47"),
        (lambda folder: _features(folder, "["), "features.json is not JSON"),
        (lambda folder: _features(folder, "{}"), "features.json is not a list of names"),
        (lambda folder: _features(folder, '["a"]'), "takes 47 features, and not the 1 expected"),
        (lambda folder: (folder / "linear.json").write_text("{"), "linear.json is not JSON"),
        (lambda folder: models.save_linear(folder, format=2), 'not of "format": 1'),
        (lambda folder: models.save_linear(folder, features="abc"), "features is not a list"),
        (lambda folder: models.save_linear(folder, scale=[1.0]), "scale is not 47 finite numbers"),
        (lambda folder: models.save_linear(folder, scale=[0.0] * 47), "a scale is zero"),
        (lambda folder: models.save_linear(folder, mean=[float("nan")] * 47), "mean is not 47 finite numbers"),
        (lambda folder: models.save_linear(folder, intercept=None), "intercept is not 1 finite number"),
        (lambda folder: (folder / "model_algo-1").write_bytes(b"PK"), "not an MXNet parameter file|longer than the file"),
        (lambda folder: models.save_kmeans(folder, np.ones((2, 5))), r"the shape \(2, 5\); expected \(k, 47\)"),
        (lambda folder: models.save_kmeans(folder, np.full((2, 47), np.inf)), "not finite"),
        (lambda folder: models.save_linear_learner(folder, np.ones(3, np.float32), 0), "3 weights and 1 biases"),
        (lambda folder: models.save_linear_learner(folder, np.full(47, np.nan, np.float32), 0), "not a finite number"),
        (_no_params, "expected one .params file in the zip, found 0"),
        (_bomb, "has 83,886,080 bytes"),
        (_cut_zip, "damaged zip"),
        (_other_arrays, "no array fc0_weight among other"),
    ],
)
def test_what_cannot_be_loaded_is_named(tmp_path: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(tmp_path)
    with pytest.raises(scoring.ModelError, match=message):
        scoring.load(tmp_path)


def test_names_in_the_booster_must_be_those_of_the_file(tmp_path: Path) -> None:
    booster = models.booster(_CLAIMS, rounds=2)
    booster.feature_names = list(schema.FEATURE_NAMES)
    models.save_booster(tmp_path, booster)
    (tmp_path / "features.json").write_text(json.dumps(schema.FEATURE_NAMES[::-1]))
    with pytest.raises(scoring.ModelError, match="in another order"):
        scoring.load(tmp_path)


def test_xgboost_is_loaded_only_for_boosters(folders: dict[str, Path]) -> None:
    code = (
        "import sys; from pathlib import Path; from training_code import scoring; "
        f"scoring.load(Path({str(folders['linear'])!r})); scoring.load(Path({str(folders['kmeans'])!r})); "
        "print({'xgboost', 'pandas', 'scipy', 'sklearn', 'pyarrow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=steps.PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

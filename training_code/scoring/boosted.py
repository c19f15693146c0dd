"""Gradient-boosted trees, as XGBoost saves them."""

import json
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from training_code.scoring.model import Contributions, Features, Floats, Model, ModelError
from training_code.scoring.tree_tables import TreeTables

_OBJECTIVES = ("binary:logistic", "reg:logistic")
"""Those whose prediction is a probability, and whose margin is its logit."""
_MANY = 1024
"""From so many claims on, making the tables takes less time than they save."""


class Boosted(Model):
    format = "xgboost"

    def __init__(self, file: Path, features: tuple[str, ...]) -> None:
        """Raises ModelError: not a booster, another objective, or other features."""
        content = file.read_bytes()
        # JSON and UBJSON are both in braces. XGBoost ends the process over an empty file and most cut ones.
        if not (content.startswith(b"{") and content.rstrip().endswith(b"}")):
            raise ModelError(f"{file.name} is not a whole model of XGBoost's")
        try:
            # From memory, XGBoost tells its formats apart by content; from a file, by the extension, which the built-in's has not.
            self.booster = xgb.Booster(model_file=bytearray(content))
            objective = json.loads(self.booster.save_config())["learner"]["objective"]["name"]
        except (xgb.core.XGBoostError, UnicodeDecodeError):
            raise ModelError(f"{file.name} is not a model that XGBoost {xgb.__version__} can read") from None
        if objective not in _OBJECTIVES:
            raise ModelError(f"{file.name} has the objective {objective}; its scores are probabilities only with {_OBJECTIVES[0]}")
        if self.booster.num_features() != len(features):
            raise ModelError(f"{file.name} takes {self.booster.num_features()} features, and not the {len(features)} expected")
        if self.booster.feature_names is not None and tuple(self.booster.feature_names) != features:
            raise ModelError(f"{file.name} was trained on other features, or in another order, than features.json says")
        self.features = features

    def use_threads(self, count: int) -> None:
        super().use_threads(count)
        self.booster.set_param({"nthread": count})

    def _score(self, features: Features) -> npt.NDArray[np.float32]:
        scores: npt.NDArray[np.float32] = self.booster.inplace_predict(features)
        return scores

    def _margin(self, features: Features) -> Floats:
        return np.asarray(self.booster.inplace_predict(features, predict_type="margin"), np.float64)

    def _contributions(self, features: Features) -> Contributions:
        """Exact Shapley values of the trees: float64 by tables for many claims, and float32 by XGBoost for a few."""
        if len(features) >= _MANY and self._tables is not None and not np.isnan(features).any():
            return self._tables.contributions(features)
        matrix = xgb.DMatrix(features, nthread=self._threads)
        found: npt.NDArray[np.float32] = self.booster.predict(matrix, pred_contribs=True, validate_features=False)
        return found

    @cached_property
    def _tables(self) -> TreeTables | None:
        try:
            return TreeTables(self.booster)
        except ValueError:
            # Trees that tables do not fit are left to XGBoost.
            return None

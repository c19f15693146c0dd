"""Stand-in for the built-in XGBoost: XGBoost itself, with the container's hyperparameters and log lines."""

import sys
from typing import Any

import xgboost as xgb

from local_sagemaker.algorithms import container
from local_sagemaker.algorithms.catalogue import XGBOOST_METRICS
from local_sagemaker.algorithms.hyperparameters import CustomerError, Parameter, boolean, choice, integer, number, text

_NAME = "XGBoost"
_OBJECTIVES = (
    "binary:logistic", "binary:logitraw", "binary:hinge", "count:poisson", "multi:softmax", "multi:softprob", "rank:pairwise",
    "rank:ndcg", "rank:map", "reg:linear", "reg:squarederror", "reg:logistic", "reg:gamma", "reg:pseudohubererror",
    "reg:squaredlogerror", "reg:tweedie", "survival:aft", "survival:cox",
)  # fmt: skip
_THRESHOLD_METRICS = ("error", "ndcg", "map")

PARAMETERS: dict[str, Parameter] = {
    "num_round": integer(1, is_required=True),
    "csv_weights": integer(0, 1, default=0),
    "early_stopping_rounds": integer(1),
    "booster": choice("gbtree", "gblinear", "dart"),
    "verbosity": integer(0, 3),
    "nthread": integer(1),
    "eta": number(0, 1),
    "gamma": number(0),
    "max_depth": integer(0),
    "min_child_weight": number(0),
    "max_delta_step": number(0),
    "subsample": number(0, 1, is_above=True),
    "colsample_bytree": number(0, 1, is_above=True),
    "colsample_bylevel": number(0, 1, is_above=True),
    "colsample_bynode": number(0, 1, is_above=True),
    "lambda": number(0),
    "alpha": number(0),
    "tree_method": choice("auto", "exact", "approx", "hist", "gpu_hist"),
    "scale_pos_weight": number(0, is_above=True),
    "updater": text(),
    "refresh_leaf": integer(0, 1),
    "process_type": choice("default", "update"),
    "grow_policy": choice("depthwise", "lossguide"),
    "max_leaves": integer(0),
    "max_bin": integer(0),
    "sampling_method": choice("uniform", "gradient_based"),
    "monotone_constraints": text(),
    "interaction_constraints": text(),
    "sample_type": choice("uniform", "weighted"),
    "normalize_type": choice("tree", "forest"),
    "rate_drop": number(0, 1),
    "one_drop": integer(0, 1),
    "skip_drop": number(0, 1),
    "tweedie_variance_power": number(1, 2, is_above=True),
    "objective": choice(*_OBJECTIVES),
    "num_class": integer(2),
    "base_score": number(0),
    "num_parallel_tree": integer(1),
    "eval_metric": text(),
    "seed": integer(),
    "deterministic_histogram": boolean(),
    "single_precision_histogram": boolean(),
    "save_model_on_termination": boolean(),
    "aft_loss_distribution": choice("normal", "logistic", "extreme"),
    "aft_loss_distribution_scale": number(0),
    "max_cat_to_onehot": integer(0),
    "max_cat_threshold": integer(0),
    container.TUNING_METRIC: text(),
}
_ALIASES = {"learning_rate": "eta", "min_split_loss": "gamma", "reg_lambda": "lambda", "reg_alpha": "alpha"}
_NOT_OF_THE_BOOSTER = (
    "num_round", "csv_weights", "early_stopping_rounds", "eval_metric", "nthread", "tree_method", "deterministic_histogram",
    "single_precision_histogram", "save_model_on_termination", container.TUNING_METRIC,
)  # fmt: skip


class _Print(xgb.callback.TrainingCallback):
    """A line a round. The service's logs show a tab as #011, and its expressions look for just that."""

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        values = [
            f"#011{channel}-{metric}:{numbers[-1]:.5f}" for channel, by_name in evals_log.items() for metric, numbers in by_name.items()
        ]
        print(f"[{epoch}]{''.join(values)}", flush=True)
        return False


def train() -> None:
    known = PARAMETERS | {alias: PARAMETERS[name] for alias, name in _ALIASES.items()}
    given = container.read_hyperparameters(known, _NAME)
    for alias, name in _ALIASES.items():
        if (value := given.pop(alias)) is not None:
            given[name] = value
    training, validation = _matrix("train", has_weights=bool(given["csv_weights"]), is_required=True), _matrix("validation")
    evaluations = [(matrix, name) for matrix, name in ((training, "train"), (validation, "validation")) if matrix is not None]
    for matrix, name in evaluations:
        print(f"INFO:root:{name.capitalize()} matrix has {matrix.num_row()} rows")
    patience = given["early_stopping_rounds"]
    callbacks: list[Any] = [_Print()]
    if patience:
        if validation is None:
            raise CustomerError("early_stopping_rounds needs a channel validation")
        # After the one that prints, so that the round which ends it is in the log too.
        callbacks.append(xgb.callback.EarlyStopping(patience, save_best=True))
    parameters = {name: value for name, value in given.items() if value is not None and name not in _NOT_OF_THE_BOOSTER}
    parameters |= {"nthread": given["nthread"] or container.threads()}
    if metrics := _metrics(given):
        parameters["eval_metric"] = metrics
    if given["tree_method"] not in (None, "gpu_hist"):
        parameters["tree_method"] = given["tree_method"]
    try:
        booster = xgb.train(
            parameters, training, given["num_round"], evals=evaluations, callbacks=callbacks, verbose_eval=False
        )
    except xgb.core.XGBoostError as error:
        raise CustomerError(f"XGBoost refuses this: {str(error).strip().splitlines()[-1]}") from error
    (container.ML / "model/xgboost-model").write_bytes(booster.save_raw("ubj"))


def _matrix(channel: str, *, has_weights: bool = False, is_required: bool = False) -> xgb.DMatrix | None:
    table = container.read_channel(channel, is_required=is_required, may_have_gaps=True)
    if table is None:
        return None
    if table.label is None:
        raise CustomerError(f"the channel {channel} has no label: {_NAME} takes it from the first column")
    if has_weights:
        return xgb.DMatrix(table.features[:, 1:], table.label, weight=table.features[:, 0])
    return xgb.DMatrix(table.features, table.label)


def _metrics(given: dict[str, Any]) -> list[str]:
    """Those asked for, and the tuning objective, which is the last and so the one that stops early."""
    wanted = [name.strip() for name in (given["eval_metric"] or "").split(",") if name.strip()]
    if objective := given[container.TUNING_METRIC]:
        wanted.append(objective.partition(":")[2] or objective)
    for name in wanted:
        base, sign, _ = name.partition("@")
        if base not in XGBOOST_METRICS or (sign and base not in _THRESHOLD_METRICS):
            raise CustomerError(f"the metric {name} is not computed locally; these are: {', '.join(XGBOOST_METRICS)}")
    return list(dict.fromkeys(wanted))


if __name__ == "__main__":
    sys.exit(container.run(train))

"""Stand-in for the built-in LinearLearner as a binary classifier.

Where the algorithm itself trains many models by gradient descent over small
batches and keeps the best, this trains one by a method that needs no rates
and schedules. The hyperparameters that steer these are checked and have no
effect; an epoch is an iteration over all rows.
"""

import io
import json
import sys
import zipfile
from typing import Any

import numpy as np

from local_sagemaker.algorithms import binary_scores, container, ndarray
from local_sagemaker.algorithms.hyperparameters import AUTO, CustomerError, Parameter, boolean, choice, integer, number, text
from local_sagemaker.algorithms.linear_model import Linear, Loss, Settings, fit

_NAME = "LinearLearner"
_WEIGHT_DECAY = 1e-4
_LOSSES = (
    "auto", "logistic", "hinge_loss", "squared_loss", "absolute_loss", "eps_insensitive_squared_loss", "eps_insensitive_absolute_loss",
    "quantile_loss", "huber_loss", "softmax_loss",
)  # fmt: skip
_OR_AUTO: dict[str, Any] = {"default": AUTO, "has_auto": True}

PARAMETERS: dict[str, Parameter] = {
    "feature_dim": integer(1, default=AUTO, has_auto=True),
    "predictor_type": choice("binary_classifier", "multiclass_classifier", "regressor", is_required=True),
    "loss": choice(*_LOSSES, default="auto"),
    "epochs": integer(1, default=15),
    "wd": number(0, **_OR_AUTO),
    "l1": number(0, **_OR_AUTO),
    "use_bias": boolean(default=True),
    "normalize_data": boolean(**_OR_AUTO),
    "positive_example_weight_mult": Parameter(
        lambda text: text if text == "balanced" else number(0, is_above=True).read(text), default=1.0, has_auto=True
    ),
    "early_stopping_patience": integer(1, default=3),
    "early_stopping_tolerance": number(0, default=0.001, is_above=True),
    "binary_classifier_model_selection_criteria": choice(*binary_scores.CRITERIA, default="accuracy"),
    "target_precision": number(0, 1, default=0.8),
    "target_recall": number(0, 1, default=0.8),
    "f_beta": number(0, default=1.0, is_above=True),
    # Without effect from here on.
    "learning_rate": number(0, is_above=True, **_OR_AUTO),
    "mini_batch_size": integer(1, default=1000),
    "num_models": integer(1, **_OR_AUTO),
    "num_calibration_samples": integer(1, **_OR_AUTO),
    "optimizer": choice("auto", "sgd", "adam", "adagrad", "rmsprop", default="auto"),
    "init_method": choice("uniform", "normal", default="uniform"),
    "init_scale": number(0, default=0.07, is_above=True),
    "init_sigma": number(0, default=0.01, is_above=True),
    "init_bias": number(default=0.0),
    "momentum": number(0, 1, **_OR_AUTO),
    "beta_1": number(0, 1, **_OR_AUTO),
    "beta_2": number(0, 1, **_OR_AUTO),
    "bias_lr_mult": number(0, is_above=True, **_OR_AUTO),
    "bias_wd_mult": number(0, **_OR_AUTO),
    "use_lr_scheduler": boolean(default=True),
    "lr_scheduler_step": integer(1, **_OR_AUTO),
    "lr_scheduler_factor": number(0, 1, **_OR_AUTO),
    "lr_scheduler_minimum_lr": number(0, **_OR_AUTO),
    "normalize_label": boolean(**_OR_AUTO),
    "unbias_data": boolean(**_OR_AUTO),
    "unbias_label": boolean(**_OR_AUTO),
    "num_point_for_scaler": integer(1, default=10_000),
    "margin": number(0, default=1.0, is_above=True),
    "quantile": number(0, 1, default=0.5),
    "loss_insensitivity": number(0, default=0.01, is_above=True),
    "huber_delta": number(0, default=1.0),
    "accuracy_top_k": integer(1, default=3),
    "balance_multiclass_weights": boolean(default=False),
    "num_classes": integer(2),
    container.TUNING_METRIC: text(),
}

Vector = np.ndarray[Any, np.dtype[Any]]


def train() -> None:
    given = container.read_hyperparameters(PARAMETERS, _NAME)
    if given["predictor_type"] != "binary_classifier":
        raise CustomerError(f"predictor_type {given['predictor_type']} has no local stand-in; binary_classifier has")
    if given["loss"] not in ("auto", "logistic", "hinge_loss"):
        raise CustomerError(f"{_NAME}'s loss is {given['loss']}; a binary_classifier has auto, logistic or hinge_loss")
    tables = {
        name: table
        for name in ("train", "validation", "test")
        if (table := _table(name, given["feature_dim"], is_required=name == "train")) is not None
    }
    label = _label(tables["train"])
    if label.min() == label.max():
        raise CustomerError("the channel train has rows of one class only: nothing to learn from")
    loss = Loss(given["loss"] == "hinge_loss", _positive_weight(given, label))
    model = _fit(tables, loss, given)
    judge = tables.get("validation", tables["train"])
    threshold = binary_scores.find_threshold(
        model.margin(judge.features), _label(judge), criteria=given["binary_classifier_model_selection_criteria"],
        beta=given["f_beta"], precision=given["target_precision"], recall=given["target_recall"],
    )  # fmt: skip
    for channel, table in tables.items():
        _measure(channel, model.margin(table.features), _label(table), loss, threshold, given["f_beta"])
    (container.ML / "model/model_algo-1").write_bytes(_archive(model, threshold))


def _table(channel: str, width: int | str, *, is_required: bool) -> container.Table | None:
    table = container.read_channel(channel, is_required=is_required)
    if table is not None and width not in (AUTO, table.features.shape[1]):
        raise CustomerError(f"feature_dim is {width}, and the channel {channel} has {table.features.shape[1]} features")
    if table is not None and not np.isin(_label(table), (0, 1)).all():
        raise CustomerError(f"the channel {channel} has labels besides 0 and 1, which the first column must hold")
    return table


def _label(table: container.Table) -> Vector:
    if table.label is None:
        raise CustomerError(f"a channel has no label: {_NAME} takes it from the first column")
    return table.label


def _positive_weight(given: dict[str, Any], label: Vector) -> float:
    weight = given["positive_example_weight_mult"]
    if weight == "balanced":
        return float((label == 0).sum() / (label == 1).sum())
    return 1.0 if weight == AUTO else float(weight)


def _fit(tables: dict[str, container.Table], loss: Loss, given: dict[str, Any]) -> Linear:
    """Epoch after epoch, until the loss no longer falls; the model of the best epoch."""
    judge = "validation" if "validation" in tables else "train"
    models: list[Linear] = []
    losses: list[float] = []

    def after(model: Linear) -> bool:
        for channel in dict.fromkeys(("train", judge)):
            found = loss.value(model.margin(tables[channel].features), _label(tables[channel]))
            container.quality(channel, loss.metric, found, is_loss=True, epoch=len(models))
        models.append(model)
        losses.append(found)
        patience, tolerance = given["early_stopping_patience"], given["early_stopping_tolerance"]
        return len(losses) <= patience or bool(min(losses[-patience:]) < min(losses[:-patience]) * (1 - tolerance))

    settings = Settings(
        decay=_WEIGHT_DECAY if given["wd"] == AUTO else given["wd"], sparsity=0.0 if given["l1"] == AUTO else given["l1"],
        has_bias=given["use_bias"], is_scaled=given["normalize_data"] in (AUTO, True), epochs=given["epochs"],
    )  # fmt: skip
    fit(tables["train"].features, _label(tables["train"]), loss, settings, after)
    if not models:
        raise CustomerError("there is nothing to learn: no weight makes the loss smaller")
    return models[int(np.argmin(losses))]


def _measure(channel: str, margin: Vector, label: Vector, loss: Loss, threshold: float, beta: float) -> None:
    container.quality(channel, loss.metric, loss.value(margin, label), is_loss=True)
    for metric, value in binary_scores.at_threshold(margin, label, threshold, beta).items():
        container.quality(channel, metric, value)
    if (auc := binary_scores.roc_auc(margin, label)) is not None:
        container.quality(channel, "roc_auc_score", auc)


def _archive(model: Linear, threshold: float) -> bytes:
    """A zip with the parameters and the graph that uses them, as MXNet's ``Module.load`` takes them."""
    parameters = ndarray.dumps({"arg:fc0_weight": model.weights[np.newaxis, :], "arg:fc0_bias": np.array([model.bias])})
    nodes: list[dict[str, Any]] = [{"op": "null", "name": name, "inputs": []} for name in ("data", "fc0_weight", "fc0_bias")]
    nodes.append({"op": "FullyConnected", "name": "fc0", "attrs": {"num_hidden": "1"}, "inputs": [[0, 0, 0], [1, 0, 0], [2, 0, 0]]})
    nodes.append({"op": "Activation", "name": "sigmoid0", "attrs": {"act_type": "sigmoid"}, "inputs": [[3, 0, 0]]})
    symbol = {
        "nodes": nodes, "arg_nodes": [0, 1, 2], "node_row_ptr": list(range(len(nodes) + 1)), "heads": [[len(nodes) - 1, 0, 0]],
        "attrs": {"mxnet_version": ["int", 10300]},
    }  # fmt: skip
    probability = float(1 / (1 + np.exp(-threshold)))
    files = {
        "additional-params.json": json.dumps({"predictor_type": "binary_classifier", "threshold": probability}).encode(),
        "manifest.json": json.dumps({"symbol": "mx-mod-symbol.json", "params": "mx-mod-0000.params"}).encode(),
        "mx-mod-symbol.json": json.dumps(symbol).encode(),
        "mx-mod-0000.params": parameters,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            # A fixed date: the same model is the same bytes.
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


if __name__ == "__main__":
    sys.exit(container.run(train))

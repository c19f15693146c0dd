"""How good a binary classifier is, and the margin from which on it says yes."""

from typing import Any

import numpy as np

CRITERIA = ("accuracy", "f_beta", "f1", "precision_at_target_recall", "recall_at_target_precision", "loss_function", "cross_entropy_loss")

Vector = np.ndarray[Any, np.dtype[Any]]


def find_threshold(margin: Vector, label: Vector, *, criteria: str, beta: float, precision: float, recall: float) -> float:
    """The best of the margins that occur; 0, which is even odds, where the criterion is the loss.

    Where a target cannot be reached, the threshold that comes nearest to it.
    """
    if criteria in ("loss_function", "cross_entropy_loss"):
        return 0.0
    order = np.argsort(-margin, kind="stable")
    sorted_margin, hits = margin[order], np.cumsum(label[order] == 1)
    # Rows of one margin are said yes to together.
    last = np.append(sorted_margin[1:] != sorted_margin[:-1], True)
    yes, hits, at = np.arange(1, len(margin) + 1)[last], hits[last], sorted_margin[last]
    positive = max(int((label == 1).sum()), 1)
    precisions, recalls = hits / yes, hits / positive
    match criteria:
        case "accuracy":
            value = (hits + (len(label) - positive) - (yes - hits)) / len(label)
        case "precision_at_target_recall":
            value = np.where(recalls >= recall, 1 + precisions, recalls)
        case "recall_at_target_precision":
            value = np.where(precisions >= precision, 1 + recalls, precisions)
        case _:
            weight = 1.0 if criteria == "f1" else beta**2
            value = (1 + weight) * hits / (weight * positive + yes)
    if criteria == "accuracy" and value.max() <= (len(label) - positive) / len(label):
        # No is the best answer to every row.
        return float(np.nextafter(at[0], np.inf))
    return float(at[int(np.argmax(value))])


def at_threshold(margin: Vector, label: Vector, threshold: float, beta: float) -> dict[str, float]:
    """Accuracy, F-beta, precision and recall by the names of the algorithm's metrics; 0 where there is nothing to divide by."""
    said, is_positive = margin >= threshold, label == 1
    hits, yes, positive = int((said & is_positive).sum()), int(said.sum()), int(is_positive.sum())
    return {
        "binary_classification_accuracy": float((said == is_positive).mean()),
        f"binary_f_{beta:.3f}": (1 + beta**2) * hits / (beta**2 * positive + yes) if positive + yes else 0.0,
        "precision": hits / yes if yes else 0.0,
        "recall": hits / positive if positive else 0.0,
    }


def roc_auc(margin: Vector, label: Vector) -> float | None:
    """How often a positive row has the greater margin of two, ties counting half; None with rows of one class only."""
    values, place = np.unique(margin, return_inverse=True)
    positive = np.bincount(place, weights=label == 1, minlength=len(values))
    negative = np.bincount(place, weights=label != 1, minlength=len(values))
    pairs = positive.sum() * negative.sum()
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum() / pairs) if pairs else None

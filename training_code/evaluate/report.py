"""The page of an evaluation, from ``evaluation.json`` alone."""

from typing import Any

from training_code.reporting import charts, page

Json = dict[str, Any]

_NOT_PROBABILITIES = {"kmeans": "The score is a distance brought into [0, 1], not a probability: only its order means something."}


def html(document: Json) -> str:
    """The page for people."""
    data = document["dataset"]
    return page.page(
        "Evaluation",
        f"{data['item_count']:,} claims of the test split, {data['fraud_count']:,} of them "
        "fraudulent; no step before this one has seen them.",
        [_cards(document), _ranking(document), _champion(document), _review(document)],
    )


def _cards(document: Json) -> str:
    found, at, folds = document["binary_classification_metrics"], document["review"], document["out_of_fold"]
    auc, precision, recall = found["auc"], found["precision"], found["recall"]
    cards = [
        (f"{auc['value']:.3f}", f"AUC ({_span(auc)})"),
        (f"{found['au_prc']['value']:.3f}", f"average precision ({_span(found['au_prc'])})"),
        (_percent(precision["value"]), f"precision at {at['capacity']:.0%} reviewed{_percents(precision)}"),
        (_percent(recall["value"]), f"recall at {at['capacity']:.0%} reviewed{_percents(recall)}"),
    ]
    if folds:
        cards.append((f"{folds['auc']:.3f}", f"AUC out of fold ({folds['auc_interval'][0]:.3f}–{folds['auc_interval'][1]:.3f})"))
    return page.cards(cards)


def _ranking(document: Json) -> str:
    found, champion = document["binary_classification_metrics"], document["champion"]
    roc, pr = found["receiver_operating_characteristic_curve"], found["precision_recall_curve"]
    lift, calibration = document["lift_curve"], document["calibration"]
    base = document["dataset"]["fraud_count"] / document["dataset"]["item_count"]
    top = max(calibration["predicted"] + calibration["observed"]) * 1.1
    curves = [charts.Series("model", roc["false_positive_rates"], roc["true_positive_rates"])]
    if champion["is_present"]:
        other = champion["receiver_operating_characteristic_curve"]
        curves.append(charts.Series("champion", other["false_positive_rates"], other["true_positive_rates"]))
    told = ["Intervals in brackets are 95 %: by bootstrap over claims for AUC and average precision, Wilson's for shares."]
    told += [_NOT_PROBABILITIES[document["model"]["format"]]] if document["model"]["format"] in _NOT_PROBABILITIES else []
    told += [] if document["out_of_fold"] else ["This algorithm came without out-of-fold scores, so the test split is all there is."]
    drawings = [
        charts.curves(
            "ROC", [*curves, charts.Series("chance", [0, 1], [0, 1], dashed=True)],
            x_label="false positive rate", y_label="true positive rate", x_range=(0, 1), y_range=(0, 1),
        ),
        charts.curves(
            "Precision and recall", [charts.Series("model", pr["recalls"], pr["precisions"]),
                                     charts.Series("chance", [0, 1], [base, base], dashed=True)],
            x_label="recall", y_label="precision", x_range=(0, 1),
            y_range=(0, min(1.0, max(pr["precisions"][len(pr["precisions"]) // 50 :]) * 1.2)),
        ),
        charts.curves(
            "Lift", [charts.Series("model", lift["shares"], lift["lifts"], markers=True),
                     charts.Series("chance", [0, 1], [1, 1], dashed=True)],
            x_label="share of claims reviewed", y_label="lift", x_range=(0, 1),
            y_range=(0, max([*lift["lifts"], 1]) * 1.15),
        ),
        charts.curves(
            "Calibration", [charts.Series("model", calibration["predicted"], calibration["observed"], markers=True),
                            charts.Series("perfect", [0, top], [0, top], dashed=True)],
            x_label="mean score", y_label="observed fraud", x_range=(0, top), y_range=(0, top),
        ),
    ]  # fmt: skip
    return page.section("How well claims are ranked", page.charts(drawings), note=" ".join(told))


def _champion(document: Json) -> str:
    champion, found = document["champion"], document["binary_classification_metrics"]
    if not champion["is_present"]:
        return page.section("Against the champion", note="There is no champion: no model was approved before this one.")
    low, high = champion["auc_loss_interval"]
    verdict = "is worse than the champion" if low > 0 else "is better than the champion" if high < 0 else "cannot be told from the champion"
    return page.section(
        "Against the champion",
        page.table(
            ["", "this model", "champion", "champion − this model"],
            [
                ("AUC", found["auc"]["value"], champion["auc"], f"{champion['auc_loss']:+.4f} ({low:+.4f} to {high:+.4f})"),
                (
                    "average precision", found["au_prc"]["value"], champion["average_precision"],
                    f"{champion['average_precision'] - found['au_prc']['value']:+.4f}",
                ),
            ],
        ),
        note=f"Both scored the same claims, and each resample drew the claims once for both. By AUC this model {verdict}.",
    )  # fmt: skip


def _review(document: Json) -> str:
    at, matrix = document["review"], document["binary_classification_metrics"]["confusion_matrix"]
    return page.section(
        "At the review capacity",
        page.table(
            ["", "not referred", "referred"],
            [("honest", matrix["0"]["0"], matrix["0"]["1"]), ("fraudulent", matrix["1"]["0"], matrix["1"]["1"])],
        ),
        note=f"Investigators review {at['capacity']:.0%} of the claims: those that score {at['threshold']:.4f} or more.",
    )


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _percents(estimate: Json) -> str:
    return "" if estimate["lower"] is None else f" ({estimate['lower']:.0%}–{estimate['upper']:.0%})"


def _span(estimate: Json) -> str:
    return f"{estimate['lower']:.3f}–{estimate['upper']:.3f}"

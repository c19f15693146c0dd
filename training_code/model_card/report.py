"""``model_card.html``: the card as a document that is read from top to bottom."""

from collections.abc import Iterable
from html import escape
from typing import Any

from training_code.model_card import content, fairness, words
from training_code.model_card.fairness import Rates
from training_code.model_card.sources import Found, feature_title
from training_code.model_card.words import Facts
from training_code.reporting import charts, page

Json = dict[str, Any]

_STYLE = """<style>
main { max-width: 860px; } ul { margin: 6px 0; padding-left: 20px; max-width: 76ch; color: #424a53; } li { margin: 4px 0; }
h3 { font-size: 14px; margin: 16px 0 4px; } td { vertical-align: top; overflow-wrap: anywhere; }
.bars { display: grid; grid-template-columns: max-content 1fr max-content; gap: 3px 10px; align-items: center; background: #fff;
  border: 1px solid #d8dee4; border-radius: 8px; padding: 10px 14px; }
.bars i { height: 12px; background: #1f6feb; border-radius: 2px; min-width: 1px; } .bars span { font-variant-numeric: tabular-nums; }
</style>"""
_SHOWN = 15


def html(facts: Facts, found: Found) -> str:
    """The whole page."""
    return page.page(
        f"Model card: {facts.name}",
        words.PURPOSE,
        [
            _STYLE,
            _cards(facts, found),
            page.section(
                "What it is for", _list(facts.for_uses), "<h3>What it is not for</h3>", _list(facts.not_for_uses), _risk(facts)
            ),
            _data(facts, found),
            _training(found),
            _quality(found),
            _fairness(found),
            _drivers(found),
            page.section("Limitations", _list(words.limitations(facts, found))),
            page.section("Ethical considerations", _list([words.ETHICS, words.RECOMMENDATION])),
            page.section("Version", page.table(["fact", "value"], content.details(facts, found).items())),
        ],
    )


def _cards(facts: Facts, found: Found) -> str:
    metrics, review = found.evaluation["binary_classification_metrics"], found.evaluation["review"]
    auc, precision, recall = metrics["auc"], metrics["precision"], metrics["recall"]
    cards = [(f"{auc['value']:.3f}", f"AUC on test ({auc['lower']:.3f}–{auc['upper']:.3f})")]
    for name, share in (("precision", precision), ("recall", recall)):
        if share["value"] is not None:
            label = f"{name} at {review['capacity']:.0%} reviewed ({share['lower']:.0%}–{share['upper']:.0%})"
            cards.append((f"{share['value']:.1%}", label))
    cards += [(text, label) for text, label in ((facts.risk_rating, "risk rating"), (facts.environment, "environment")) if text]
    return page.cards(cards)


def _risk(facts: Facts) -> str:
    rated = f"Risk rating: {facts.risk_rating}. {facts.risk_explanation}".strip()
    people = f" Those whom it concerns: {facts.stakeholders}." if facts.stakeholders else ""
    owner = f" Owner: {facts.owner}." if facts.owner else ""
    return _paragraph(rated + people + owner)


def _data(facts: Facts, found: Found) -> str:
    package, data, folds = found.package, found.evaluation["dataset"], found.evaluation["out_of_fold"]
    rows = [("training", package["rows"], package["fraud"], package["fraud"] / package["rows"])]
    if folds:
        # Out of fold every claim of train and validation takes part, unless there are too many.
        rows.append(("training and validation, out of fold", folds["claims"], folds["fraud"], folds["fraud"] / folds["claims"]))
    rows.append(("test", data["item_count"], data["fraud_count"], data["fraud_count"] / data["item_count"]))
    table = page.table(["split", "claims", "fraud", "share"], [(*row[:3], f"{row[3]:.2%}") for row in rows])
    uris = [uri for uri in (facts.claims_uri, facts.customers_uri) if uri]
    columns = [feature for feature in found.statistics["features"] if feature["name"] != "score"]
    numbers = [
        (feature["name"], *(round(feature["numerical_statistics"][key], 2) for key in ("mean", "std_dev", "min", "max")))
        for feature in columns
        if "numerical_statistics" in feature
    ]
    levels = [
        (feature["name"], ", ".join(f"{bucket['value']} {bucket['count'] / package['rows']:.0%}" for bucket in _buckets(feature)))
        for feature in columns
        if "string_statistics" in feature
    ]
    return page.section(
        "Data",
        table,
        _list([words.origin(facts), words.period(facts), words.split(), *(f"Source: {uri}" for uri in uris)]),
        "<details><summary>The columns of the training split</summary>",
        page.table(["number", "mean", "std. dev.", "smallest", "largest"], numbers),
        "<p></p>",
        page.table(["category", "levels"], levels),
        "</details>",
    )


def _buckets(feature: Json) -> list[Json]:
    found: list[Json] = feature["string_statistics"]["distribution"]["categorical"]["buckets"]
    return sorted(found, key=lambda bucket: -bucket["count"])


def _training(found: Found) -> str:
    training = found.evaluation["training"] or {}
    hyperparameters = training.get("hyperparameters", {})
    table = page.table(["hyperparameter", "value"], [(name, str(value)) for name, value in hyperparameters.items()])
    details = f"<details><summary>Hyperparameters</summary>{table}</details>" if hyperparameters else ""
    return page.section("How it was trained", _list(words.training(found)), details)


def _quality(found: Found) -> str:
    metrics, folds = found.evaluation["binary_classification_metrics"], found.evaluation["out_of_fold"]
    rows = [(title, *_estimate(metrics[key])) for title, key in _METRICS]
    if folds:
        for title, key in (("AUC, out of fold", "auc"), ("average precision, out of fold", "average_precision")):
            low, high = folds[f"{key}_interval"]
            rows.append((title, f"{folds[key]:.3f}", f"{low:.3f} to {high:.3f}"))
    roc = metrics["receiver_operating_characteristic_curve"]
    calibration = found.evaluation["calibration"]
    top = max(calibration["predicted"] + calibration["observed"]) * 1.1
    drawings = [
        charts.curves(
            "ROC", [charts.Series("model", roc["false_positive_rates"], roc["true_positive_rates"]),
                    charts.Series("chance", [0, 1], [0, 1], dashed=True)],
            x_label="false positive rate", y_label="true positive rate", x_range=(0, 1), y_range=(0, 1),
        ),
        charts.curves(
            "Calibration", [charts.Series("model", calibration["predicted"], calibration["observed"], markers=True),
                            charts.Series("perfect", [0, top], [0, top], dashed=True)],
            x_label="mean score", y_label="observed fraud", x_range=(0, top), y_range=(0, top),
        ),
    ]  # fmt: skip
    table = page.table(["metric", "value", "95% interval"], rows)
    return page.section("How good it is", _list(words.quality(found)), table, "<p></p>", page.charts(drawings))


_METRICS = (
    ("AUC", "auc"), ("average precision", "au_prc"),
    ("precision at the review capacity", "precision"), ("recall at the review capacity", "recall"),
)  # fmt: skip


def _estimate(found: Json) -> tuple[str, str]:
    if found["value"] is None or found["lower"] is None:
        return "–", "–"
    return f"{found['value']:.3f}", f"{found['lower']:.3f} to {found['upper']:.3f}"


def _fairness(found: Found) -> str:
    treatments = fairness.treatments(found)
    if not treatments:
        return page.section("How groups fare", note="Bias was not measured in this run.")
    rows = [
        (
            treatment.facet.title,
            "–" if treatment.share is None else f"{treatment.share:.1%}",
            *_rates(treatment.fraud),
            *_rates(treatment.referred),
            "–" if treatment.referred is None or treatment.referred.ratio is None else f"{treatment.referred.ratio:.2f}",
        )
        for treatment in treatments
    ]
    return page.section(
        "How groups fare",
        page.table(
            ["group", "share of training", "fraud in training", "of the others", "referred on test", "of the others", "ratio of referrals"],
            rows,
        ),
        _list([text for text in map(fairness.sentence, treatments) if text]),
        note="Each group against all other claims. A group with more fraud among its claims is referred more often by any model that "
        "finds fraud; whether the difference is justified is for people to judge.",
    )


def _rates(rates: Rates | None) -> tuple[str, str]:
    return ("–", "–") if rates is None else (f"{rates.facet:.1%}", f"{rates.others:.1%}")


def _drivers(found: Found) -> str:
    if not found.importance:
        return page.section("What drives the scores", note="Contributions to the scores were not measured in this run.")
    shown = found.importance[:_SHOWN]
    largest = abs(shown[0][1]) or 1
    bars = "".join(
        f'<span>{escape(feature_title(name))}</span><i style="width:{abs(value) / largest:.1%}"></i><span>{abs(value):.3f}</span>'
        for name, value in shown
    )
    return page.section(
        "What drives the scores",
        f'<div class="bars">{bars}</div>',
        note="By how much each input moves the log-odds of a claim on average, up or down: SHAP values, of all inputs the "
        f"{len(shown)} that move them most.",
    )


def _list(texts: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>"


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"

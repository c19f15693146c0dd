"""``model_card.json``: the content of a SageMaker model card.

Schema: https://docs.aws.amazon.com/sagemaker/latest/dg/model-cards.html#model-cards-json-schema,
of which the SDK's newer version has dropped some fields; only what both have is
written. Texts are cut, and lists thinned, to its limits.
"""

from collections.abc import Iterable
from typing import Any

from training_code.model_card import fairness, words
from training_code.model_card.sources import Facet, Found, feature_title
from training_code.model_card.words import Facts

Json = dict[str, Any]

_POINTS = 20
_LONG, _TEXT, _NAME, _SHORT = 2048, 1024, 255, 63


def build(facts: Facts, found: Found) -> Json:
    """The whole document."""
    overview: Json = {
        "model_description": _cut(words.PURPOSE, _TEXT),
        "problem_type": "Binary Classification",
        "algorithm_type": _cut(words.algorithm(found), _TEXT),
    }
    overview |= {name: _cut(value, _TEXT) for name, value in {"model_owner": facts.owner}.items() if value}
    if facts.model_uri:
        overview |= {"model_artifact": [_cut(facts.model_uri, _TEXT)]}
    uses = [*facts.for_uses, *(f"Not for: {use}" for use in facts.not_for_uses)]
    return {
        "model_overview": overview,
        "intended_uses": {
            "purpose_of_model": _cut(words.PURPOSE, _LONG),
            "intended_uses": _lines(uses, _LONG),
            "factors_affecting_model_efficiency": _lines([words.origin(facts), words.period(facts), words.split()], _LONG),
            "risk_rating": facts.risk_rating,
            **({"explanations_for_risk_rating": _cut(facts.risk_explanation, _LONG)} if facts.risk_explanation else {}),
        },
        "business_details": {
            "business_problem": "Investigators can review a share of the claims only; fraud is rare among them.",
            "line_of_business": "Auto insurance claims",
            **({"business_stakeholders": _cut(facts.stakeholders, _LONG)} if facts.stakeholders else {}),
        },
        "training_details": _training(facts, found),
        "evaluation_details": _evaluations(found),
        "additional_information": {
            "ethical_considerations": _cut(words.ETHICS, _LONG),
            "caveats_and_recommendations": _lines([*words.limitations(facts, found), words.RECOMMENDATION], _LONG),
            "custom_details": {name: _cut(str(value), _TEXT) for name, value in details(facts, found).items()},
        },
    }


def details(facts: Facts, found: Found) -> dict[str, str]:
    """What tells this model from every other: environment, run and hashes."""
    package = found.package
    known = {
        "model": facts.name,
        "environment": facts.environment,
        "execution": facts.execution,
        "approval status asked for": facts.approval_status,
        "training code": facts.code_uri,
        "SHA-256 of the training data": package["training_data_sha256"],
        "SHA-256 of the model package": package["model_sha256"],
        "SHA-256 of the inference code": package["inference_code_sha256"],
        "score threshold": f"{package['threshold']:.6g}",
        "review capacity": f"{package['review_capacity']:.4g}",
    }
    return {name: value for name, value in known.items() if value}


def _training(facts: Facts, found: Found) -> Json:
    job: Json = {}
    if datasets := [uri for uri in (facts.claims_uri, facts.customers_uri) if uri]:
        job["training_datasets"] = [_cut(uri, _TEXT) for uri in datasets]
    if facts.image_uri:
        job["training_environment"] = {"container_image": [_cut(facts.image_uri, _TEXT)]}
    training = found.evaluation["training"] or {}
    if objective := training.get("objective"):
        job["training_metrics"] = [{"name": objective["name"], "value": objective["value"], "notes": "The objective of the training"}]
    if hyperparameters := training.get("hyperparameters"):
        job["hyper_parameters"] = [
            {"name": _cut(name, _NAME), "value": _cut(str(value), _NAME)} for name, value in hyperparameters.items() if str(value)
        ]
    return {"training_observations": _lines(words.training(found), _TEXT), "training_job_details": job}


def _evaluations(found: Found) -> list[Json]:
    evaluation = found.evaluation
    data = evaluation["dataset"]
    result = [
        {
            "name": "Test split",
            "evaluation_observation": _lines(words.quality(found), _LONG),
            "metadata": {"claims": str(data["item_count"]), "fraud": str(data["fraud_count"])},
            "metric_groups": [_ranking(evaluation), _review(evaluation), _curves(evaluation)],
        }
    ]
    if folds := evaluation["out_of_fold"]:
        metrics = [
            _metric("AUC", folds["auc"], _interval(folds["auc_interval"])),
            _metric("average precision", folds["average_precision"], _interval(folds["average_precision_interval"])),
        ]
        result.append(
            {
                "name": "Out of fold",
                "evaluation_observation": "Training and validation claims, each scored by a model that did not see its policy.",
                "metadata": {"claims": str(folds["claims"]), "fraud": str(folds["fraud"])},
                "metric_groups": [{"name": "Ranking", "metric_data": metrics}],
            }
        )
    sentences = " ".join(fairness.sentence(treatment) for treatment in fairness.treatments(found))
    for name, facets in (("Bias before training", found.pre_training), ("Bias after training", found.post_training)):
        if facets:
            groups = [_facet(facet) for facet in facets]
            result.append({"name": name, "evaluation_observation": _cut(sentences, _LONG), "metric_groups": groups})
    if found.importance:
        result.append({"name": "Explanations", "metric_groups": [_importance(found.importance)]})
    return result


def _ranking(evaluation: Json) -> Json:
    metrics = evaluation["binary_classification_metrics"]
    data = [
        _metric(name, metrics[key]["value"], _interval([metrics[key]["lower"], metrics[key]["upper"]]))
        for name, key in (("AUC", "auc"), ("average precision", "au_prc"))
    ]
    champion = evaluation["champion"]
    if champion["is_present"]:
        data.append(_metric("champion AUC − AUC", champion["auc_loss"], _interval(champion["auc_loss_interval"])))
    return {"name": "Ranking", "metric_data": data}


def _review(evaluation: Json) -> Json:
    review, metrics = evaluation["review"], evaluation["binary_classification_metrics"]
    matrix = metrics["confusion_matrix"]
    data = [
        _metric("review capacity", review["capacity"], "Share of the claims that investigators can review"),
        _metric("score threshold", review["threshold"], "Claims that score so much or more are referred"),
        _metric("referred claims", review["flagged"]),
        *(
            _metric(name, metrics[name]["value"], _interval([metrics[name]["lower"], metrics[name]["upper"]]))
            for name in ("precision", "recall")
            if metrics[name]["value"] is not None
        ),
        {
            "name": "confusion matrix",
            "type": "matrix",
            "value": [[matrix[actual][said] for said in "01"] for actual in "01"],
            "x_axis_name": ["not referred", "referred"],
            "y_axis_name": ["honest", "fraudulent"],
        },
    ]
    return {"name": "At the review capacity", "metric_data": data}


def _curves(evaluation: Json) -> Json:
    metrics, calibration = evaluation["binary_classification_metrics"], evaluation["calibration"]
    roc, pr = metrics["receiver_operating_characteristic_curve"], metrics["precision_recall_curve"]
    lines = [
        ("ROC", roc["false_positive_rates"], roc["true_positive_rates"], "false positive rate", "true positive rate"),
        ("precision and recall", pr["recalls"], pr["precisions"], "recall", "precision"),
        ("calibration", calibration["predicted"], calibration["observed"], "mean score", "observed fraud"),
    ]
    return {
        "name": "Curves",
        "metric_data": [
            {"name": name, "type": "linear_graph", "value": _thin(x, y), "x_axis_name": x_name, "y_axis_name": y_name}
            for name, x, y, x_name, y_name in lines
        ],
    }


def _facet(facet: Facet) -> Json:
    data = [_metric(name, value) for name, value in facet.metrics.items() if value is not None]
    return {"name": _cut(facet.title, _SHORT), "metric_data": data}


def _importance(importance: Iterable[tuple[str, float]]) -> Json:
    top = list(importance)[:_POINTS]
    chart = {
        "name": "mean absolute contribution to the log-odds",
        "type": "bar_chart",
        "value": [value for _, value in top],
        "x_axis_name": [_cut(feature_title(name), _SHORT) for name, _ in top],
        "y_axis_name": "log-odds",
    }
    return {"name": "Global importance", "metric_data": [chart]}


def _metric(name: str, value: float, notes: str = "") -> Json:
    return {"name": _cut(name, _NAME), "type": "number", "value": value} | ({"notes": notes} if notes else {})


def _interval(bounds: list[float]) -> str:
    return f"95% interval {bounds[0]:.4f} to {bounds[1]:.4f}"


def _thin(x: list[float], y: list[float]) -> list[list[float]]:
    """At most so many points, the first and the last among them."""
    size = min(len(x), _POINTS)
    places = [round(step * (len(x) - 1) / max(1, size - 1)) for step in range(size)]
    return [[x[place], y[place]] for place in places]


def _lines(texts: Iterable[str], longest: int) -> str:
    return _cut("\n".join(texts), longest)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"

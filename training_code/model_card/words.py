"""What can be said about every model of this pipeline, and what follows from figures: one text for the card and the page."""

from dataclasses import dataclass
from typing import Any

from training_code.claims import schema
from training_code.model_card.sources import Found

Json = dict[str, Any]

FEW_FRAUDS = 100
"""Below so many frauds in the test split the card warns of its figures."""

PURPOSE = (
    "Ranks auto insurance claims by how likely they are fraudulent, so that investigators look first at those where they find most. "
    "The score decides who is asked more questions; it decides nothing else."
)
INTENDED = ("Choosing which of the open auto claims investigators review, within what they can review.",)
NOT_INTENDED = (
    "Refusing, reducing or delaying the payment of a claim without an investigator's finding.",
    "Setting premiums, cancelling policies or any decision about a customer beyond the review of one claim.",
    "Evidence of fraud: most referred claims are honest, as the precision below says.",
    "Claims of other kinds (health, home), or records that the schema does not allow.",
)
ETHICS = (
    "A referral costs an honest customer time and trust. The features include gender, age, education and state; how the groups fare "
    "is measured below and looked at before approval. Whoever is referred must be able to learn why: each score comes with its reasons."
)
RECOMMENDATION = (
    "Let a person decide each case. Watch the inputs and the scores for drift against the baseline of this package, measure "
    "precision on investigators' findings, and train anew when either leaves its bounds."
)


@dataclass(frozen=True)
class Facts:
    """What whoever runs the pipeline says about it; an empty text is not known."""

    name: str
    owner: str = ""
    environment: str = ""
    execution: str = ""
    approval_status: str = ""
    claims_uri: str = ""
    customers_uri: str = ""
    model_uri: str = ""
    image_uri: str = ""
    code_uri: str = ""
    data_origin: str = ""
    data_period: str = ""
    risk_rating: str = "Unknown"
    risk_explanation: str = ""
    intended_uses: tuple[str, ...] = ()
    not_intended_uses: tuple[str, ...] = ()
    limitations: tuple[str, ...] = ()
    stakeholders: str = ""

    @property
    def for_uses(self) -> tuple[str, ...]:
        return self.intended_uses or INTENDED

    @property
    def not_for_uses(self) -> tuple[str, ...]:
        return NOT_INTENDED + self.not_intended_uses


ALGORITHMS = {
    "xgboost": "Gradient-boosted decision trees (XGBoost)",
    "linear": "Logistic regression (scikit-learn)",
    "linear-learner": "Logistic regression (SageMaker's built-in LinearLearner)",
    "kmeans": "Distance to the nearest of some clusters (SageMaker's built-in KMeans); it never saw a label",
}


def algorithm(found: Found) -> str:
    name = str(found.evaluation["model"]["format"])
    return ALGORITHMS.get(name, name)


def origin(facts: Facts) -> str:
    return facts.data_origin or "Where the data come from was not stated."


def period(facts: Facts) -> str:
    return facts.data_period or (
        "Which period the claims cover is not known: a claim carries month, day and hour of the incident, and no year."
    )


def split() -> str:
    return (
        "Training, validation and test claims are told apart by the policy, so that no policy is on two sides. "
        "The pipeline learns and chooses nothing from the test split."
    )


def training(found: Found) -> list[str]:
    """How the model came to be, as its training tells it."""
    told = [f"{algorithm(found)}, with {len(schema.FEATURE_NAMES)} inputs; nothing in their encoding is learned from the data."]
    training = found.evaluation["training"]
    if not training:
        return [*told, "The algorithm is one without a script, and leaves no account of its hyperparameters."]
    objective = training.get("objective")
    if objective:
        told.append(f"Models are compared by {objective['name']}, of which it reached {objective['value']:.4f}.")
    mitigation = training.get("hyperparameters", {}).get("mitigation", "none")
    told.append(
        "The training data were used as they are: nothing was done about differences between groups."
        if mitigation == "none"
        else f"Against differences between groups the training data went through {mitigation}."
    )
    return told


def quality(found: Found) -> list[str]:
    """What the figures mean to those who work with them."""
    evaluation = found.evaluation
    metrics, review, data = evaluation["binary_classification_metrics"], evaluation["review"], evaluation["dataset"]
    auc = metrics["auc"]
    told = [
        f"Of a fraudulent and an honest claim, drawn by chance, the fraudulent one scores higher {auc['value']:.0%} of the time "
        f"(95% interval {auc['lower']:.0%} to {auc['upper']:.0%}; by guessing 50%)."
    ]
    precision, recall = metrics["precision"], metrics["recall"]
    if precision["value"] is None:
        told.append(f"At a capacity of {review['capacity']:.0%} no claim is referred: too many share the highest score.")
    else:
        base = data["fraud_count"] / data["item_count"]
        told.append(
            f"Investigators who review {review['capacity']:.0%} of the claims find fraud in {precision['value']:.1%} of those "
            f"(95% interval {precision['lower']:.1%} to {precision['upper']:.1%}); among claims picked by chance it would be {base:.1%}."
        )
        told.append(
            f"So they find {recall['value']:.0%} of all fraud (95% interval {recall['lower']:.0%} to {recall['upper']:.0%}), and "
            f"{1 - precision['value']:.0%} of the customers whom they look at are honest."
        )
    champion = evaluation["champion"]
    if champion["is_present"]:
        low, high = champion["auc_loss_interval"]
        told.append(
            f"The champion, scored on the same claims, has an AUC of {champion['auc']:.3f}; replacing it changes AUC by "
            f"{-champion['auc_loss']:+.3f} (95% interval {-high:+.3f} to {-low:+.3f})."
        )
    else:
        told.append("There was no approved model before this one to compare it with.")
    return told


def limitations(facts: Facts, found: Found) -> list[str]:
    """What the reader must know before relying on the figures."""
    evaluation = found.evaluation
    frauds = evaluation["dataset"]["fraud_count"]
    told = []
    if frauds < FEW_FRAUDS:
        told.append(
            f"The test split has {frauds} frauds only. Intervals are wide for that reason, and differences inside them mean nothing."
        )
    if not evaluation["out_of_fold"]:
        told.append("There are no out-of-fold scores, which would have told more than the test split alone.")
    if evaluation["model"]["format"] == "kmeans":
        told.append("The score is a distance, not a probability, and a claim's score has no reasons: nobody can be told why.")
    error = evaluation["calibration"]["expected_calibration_error"]
    base = frauds / evaluation["dataset"]["item_count"]
    if error > base / 2:
        told.append(f"Scores are no probabilities: they are {error:.2f} away from the observed share of fraud on average.")
    if not found.pre_training and not found.post_training:
        told.append("How groups fare was not measured.")
    elif unknown := [facet.title for facet in found.post_training if facet.error]:
        told.append(f"These groups could not be compared on the test split: {', '.join(unknown)}.")
    if not found.importance:
        told.append("What drives the scores was not measured.")
    told.append("Labels are what investigators found. Fraud that nobody looked for counts as honest, here and in training.")
    return [*told, *facts.limitations]

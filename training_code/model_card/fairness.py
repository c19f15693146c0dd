"""How each group fares, as rates that can be said in a sentence.

Clarify's metrics are differences and ratios of two groups' rates. Two of them
together give the rates themselves back, without the data: DPPL and DI those of
the decisions, CI and DPL with the overall rate those of the labels.
"""

import math
from dataclasses import dataclass

from training_code.model_card.sources import Facet, Found

_ALIKE = (0.8, 1.25)
"""The four-fifths rule of US employment law: a custom, no verdict."""

_ENOUGH = 10
"""With fewer frauds than so many, how many of them are found is chance."""


@dataclass(frozen=True)
class Rates:
    """The same share among the facet's claims and among all others."""

    facet: float
    others: float

    @property
    def ratio(self) -> float | None:
        return self.facet / self.others if self.others else None


@dataclass(frozen=True)
class Treatment:
    """One facet: its share of the training claims, fraud in training, referrals on test, and recall there; None where unknown.

    ``expected_frauds`` is how many of the test split's frauds are the facet's, if it has its share of training's.
    """

    facet: Facet
    share: float | None
    fraud: Rates | None
    referred: Rates | None
    recall_difference: float | None
    expected_frauds: float | None


def treatments(found: Found) -> list[Treatment]:
    """Every facet of either bias report, in their order."""
    before = {(facet.column, facet.value): facet for facet in found.pre_training}
    after = {(facet.column, facet.value): facet for facet in found.post_training}
    rows, fraud = found.package["rows"], found.package["fraud"]
    test = found.evaluation["dataset"]["item_count"]
    referred = found.evaluation["review"]["flagged"] / test
    result = []
    for key in {**before, **after}:
        labels, decisions = before.get(key), after.get(key)
        imbalance = labels.metrics.get("CI") if labels else None
        share = None if imbalance is None else (1 - imbalance) / 2
        rates = _from_difference(labels.metrics, fraud / rows) if labels else None
        result.append(
            Treatment(
                facet=labels or after[key],
                share=share,
                fraud=rates,
                referred=_from_ratio(decisions.metrics, referred) if decisions else None,
                recall_difference=decisions.metrics.get("RD") if decisions else None,
                expected_frauds=None if rates is None or share is None else rates.facet * share * test,
            )
        )
    return result


def _from_difference(metrics: dict[str, float | None], overall: float) -> Rates | None:
    """From DPL = others − facet, and CI, which says how the overall rate is made up of the two."""
    difference, imbalance = metrics.get("DPL"), metrics.get("CI")
    if difference is None or imbalance is None:
        return None
    others = overall + (1 - imbalance) / 2 * difference
    return Rates(_clean(others - difference), _clean(others))


def _from_ratio(metrics: dict[str, float | None], overall: float) -> Rates | None:
    """From DPPL = others − facet and DI = facet / others."""
    difference, ratio = metrics.get("DPPL"), metrics.get("DI")
    if difference is None:
        return None
    if ratio is None or not math.isfinite(ratio):
        # Of the others none is referred, so that no ratio exists.
        return Rates(_clean(-difference), 0.0)
    if math.isclose(ratio, 1, abs_tol=1e-12):
        return Rates(overall, overall)
    others = difference / (1 - ratio)
    return Rates(_clean(others * ratio), _clean(others))


def _clean(rate: float) -> float:
    """Without what rounding left beyond the ends."""
    return min(1.0, max(0.0, rate))


def sentence(treatment: Treatment) -> str:
    """What the rates say, in plain words."""
    facet = treatment.facet
    if facet.error and not treatment.referred and not treatment.fraud:
        return f"{facet.title}: {facet.error}."
    told = []
    who = f"Claims with {facet.title}"
    if treatment.referred:
        told.append(f"{who} are referred to investigators {_compared(treatment.referred)}.")
    if treatment.fraud:
        subject = "In the training data they" if told else f"{who} in the training data"
        told.append(f"{subject} are fraudulent {_compared(treatment.fraud)}.")
    if treatment.recall_difference is not None:
        told.append(_recall(treatment.recall_difference, treatment.expected_frauds))
    return " ".join(told)


def _compared(rates: Rates) -> str:
    against = f"{rates.facet:.1%} against {rates.others:.1%}"
    if rates.ratio is None:
        return f"in {rates.facet:.1%} of the cases, the others in none" if rates.facet else "never, as the others"
    low, high = _ALIKE
    often = "less often than" if rates.ratio < low else "more often than" if rates.ratio > high else "about as often as"
    return f"{often} others: {against} ({rates.ratio:.2f} times)"


def _recall(difference: float, expected: float | None) -> str:
    if expected is not None and expected < _ENOUGH:
        return f"The test split can have some {expected:.0f} frauds among them, too few to say how many of those are found."
    if abs(difference) < 0.005:
        return "Of the frauds among them the same share is found as among the others."
    more = "fewer" if difference > 0 else "more"
    return f"Of a hundred frauds among them {abs(difference) * 100:.0f} {more} are found than of a hundred of the others'."

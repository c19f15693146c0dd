"""The first section of the run report: what came of the run, in words that need no knowledge of its steps."""

from html import escape

from fraud.gate import Criterion
from fraud.outcome import Outcome
from local_sagemaker import Result
from training_code.reporting import page

_DECISIONS = {
    "PendingManualApproval": "A person decides whether it may be used.",
    "Approved": "It is approved: later models are compared with it.",
    "Rejected": "It is registered as rejected, and will not be used.",
}


def section(result: Result, outcome: Outcome, *, anchor: str) -> str:
    """Status, what was registered or why nothing was, the gate, the champion."""
    parts = [page.notice(*_verdict(result, outcome))]
    if outcome.package:
        parts.append(f"<p><code>{escape(outcome.package.arn)}</code></p>")
    if outcome.gate:
        rows = [(one.name, _number(one.value), one.bound, _met(one)) for one in outcome.gate]
        parts.append(page.table(("the model was asked for", "it has", "bound", ""), rows))
    parts += [page.paragraph(said) for said in (_champion(outcome), _bias(outcome)) if said]
    return page.section("In short", *parts, anchor=anchor)


def _verdict(result: Result, outcome: Outcome) -> tuple[str, str]:
    """A sentence, and whether it is a good one."""
    if outcome.package:
        name = f"{outcome.package.group}/{outcome.package.version}"
        decision = _DECISIONS.get(outcome.package.status, f"Its status is {outcome.package.status}.")
        begun = "The run succeeded and registered" if result.status == "Succeeded" else f"The run {result.status.lower()}, but registered"
        return f"{begun} the model package {name}. {decision}", "good" if result.status == "Succeeded" else "mixed"
    unmet = [one for one in outcome.gate if not one.is_met]
    if unmet:
        asked = "criterion" if len(outcome.gate) == 1 else "criteria"
        were = "was" if len(unmet) == 1 else "were"
        return f"No model was registered: {len(unmet)} of {len(outcome.gate)} {asked} of the quality gate {were} not met.", "bad"
    failed = [step for step in result.steps if step.status == "Failed"]
    if failed:
        return f"No model was registered: {failed[0].name} failed. {failed[0].reason}", "bad"
    return f"The run {result.status.lower()}, and registered no model.", "plain" if result.status == "Succeeded" else "bad"


def _champion(outcome: Outcome) -> str:
    found = outcome.metrics
    auc, champion, loss = found.get("auc"), found.get("champion_auc"), found.get("champion_auc_loss")
    if auc is None or outcome.champion is None:
        return ""
    if champion is None or loss is None:
        return "There was no approved model to compare it with."
    low, high = found.get("champion_auc_loss_lower"), found.get("champion_auc_loss_upper")
    said = f"Compared with the champion {outcome.champion} on the same claims, its AUC is {auc:.3f} against {champion:.3f}"
    if low is None or high is None:
        return f"{said}."
    if low <= 0 <= high:
        return f"{said}: the claims cannot tell the two apart (95 % interval of the gain: {_signed(-high)} to {_signed(-low)})."
    way = "better" if loss < 0 else "worse"
    return f"{said}: it is {way}, and not by chance (95 % interval of the gain: {_signed(-high)} to {_signed(-low)})."


def _bias(outcome: Outcome) -> str:
    if not outcome.bias:
        return ""
    facets = ", ".join(outcome.bias)
    judged = [one for one in outcome.gate if one.is_bias]
    how = f"{len(judged)} of {len(outcome.gate)} criteria of the gate {'is' if len(judged) == 1 else 'are'} about it"
    how = how if judged else "the gate asks nothing about it"
    return f"Bias was measured for {facets}; {how}."


def _met(one: Criterion) -> page.Marked:
    return page.Marked("met", "good") if one.is_met else page.Marked("not met", "bad")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}".replace("-", "−")


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")

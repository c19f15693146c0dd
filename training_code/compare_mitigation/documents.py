"""``mitigation.json``, and the sentence about each facet."""

from collections.abc import Mapping, Sequence
from typing import Any

from training_code.compare_mitigation.candidates import Candidate
from training_code.compare_mitigation.disparity import DECISIVE, FacetShift, Shift, Verdict
from training_code.compare_mitigation.performance import Change
from training_code.encoded import Split

Json = dict[str, Any]


def document(
    test: Split, reference: Candidate, mitigated: Candidate, shifts: Sequence[FacetShift], *,
    on_test: Mapping[str, Change], out_of_fold: Mapping[str, Change] | None, capacity: float,
) -> Json:  # fmt: skip
    """Everything that the page shows, JSON-ready; ``made_worse`` names the facets whose disparity grew."""
    return {
        "version": "1.0",
        "dataset": {"item_count": len(test), "fraud_count": int(test.label.sum())},
        "review_capacity": capacity,
        "models": {"reference": _model(reference), "mitigated": _model(mitigated)},
        "performance": {name: _change(change) for name, change in on_test.items()},
        "out_of_fold": None if out_of_fold is None else {name: _change(change) for name, change in out_of_fold.items()},
        "made_worse": [shift.reference.subject.name for shift in shifts if shift.verdict is Verdict.WORSE],
        "facets": {shift.reference.subject.name: _facet(shift) for shift in shifts},
    }


def _model(candidate: Candidate) -> Json:
    return {
        "format": candidate.format,
        "mitigation": candidate.mitigation,
        "threshold": candidate.at.threshold,
        "flagged": candidate.at.flagged,
    }


def _change(change: Change) -> Json:
    difference = change.difference
    better = None if difference is None else "equal" if difference == 0 else "mitigated" if difference > 0 else "reference"
    return {
        "reference": change.reference,
        "mitigated": change.mitigated,
        "difference": difference,
        "interval": list(change.interval) if change.interval else None,
        "better": better,
    }


def _facet(shift: FacetShift) -> Json:
    return {
        "title": shift.reference.subject.title,
        "verdict": str(shift.verdict),
        "widened": [each.name for each in shift.widened],
        "sentence": sentence(shift),
        "metrics": {each.name: _metric(each) for each in shift.shifts},
    }


def _metric(shift: Shift) -> Json:
    better = {Verdict.BETTER: "mitigated", Verdict.WORSE: "reference", Verdict.UNCHANGED: "equal", Verdict.UNKNOWN: None}
    finite = shift.distance is not None and abs(shift.distance) != float("inf")
    return {
        "reference": shift.reference.value,
        "mitigated": shift.mitigated.value,
        # A ratio of 0 is infinitely far from 1; the verdict stands, the distance has no number.
        "distance_change": shift.distance if finite else None,
        "interval": list(shift.interval) if shift.interval else None,
        "better": better[shift.verdict],
        "reason": shift.reference.reason or shift.mitigated.reason,
    }


def sentence(shift: FacetShift) -> str:
    """What happened to the disparity of one facet, in words that cannot be overlooked."""
    title, decisive = shift.reference.subject.title, shift[DECISIVE]
    if shift.verdict is Verdict.UNKNOWN:
        reason = decisive.reference.reason or decisive.mitigated.reason
        return f"{title}: nobody can tell whether mitigation changed anything, because {reason}."
    before, after = (abs(found.value or 0.0) * 100 for found in (decisive.reference, decisive.mitigated))
    gap = f"the gap between the shares of claims flagged went from {before:.1f} to {after:.1f} percentage points"
    said = {
        Verdict.WORSE: f"{title}: mitigation MADE DISPARITY WORSE; {gap}",
        Verdict.BETTER: f"{title}: mitigation made disparity smaller; {gap}",
        Verdict.UNCHANGED: f"{title}: mitigation left disparity as it was; {gap}",
    }[shift.verdict]
    if shift.verdict is not Verdict.UNCHANGED and decisive.may_be_chance:
        said += " (with other claims of the same kind, this change could be chance)"
    if widened := shift.widened:
        also = "also" if shift.verdict is Verdict.WORSE else "nevertheless"
        said += f". {also.capitalize()} further from equality: {', '.join(map(_values, widened))}"
    return said + "."


def _values(shift: Shift) -> str:
    return f"{shift.name} ({shift.reference.value:.3f} to {shift.mitigated.value:.3f})"

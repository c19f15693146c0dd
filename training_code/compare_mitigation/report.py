"""The page that puts a mitigated model beside its reference."""

from collections.abc import Sequence
from typing import Any

from training_code.compare_mitigation.disparity import FacetShift, Shift, Verdict
from training_code.reporting import page, rows

Json = dict[str, Any]

_NAMES = {
    "auc": "AUC: ranking of all claims",
    "average_precision": "average precision: ranking of the frauds",
    "precision": "precision at capacity: flags that are right",
    "recall": "recall at capacity: frauds that are found",
}
_CHARTED = ("DPPL", "CDDPL", "RD", "DAR", "SD", "DRR", "FT")
_BETTER = {"reference": "without", "mitigated": "with", "equal": "equal", None: "–"}


def html(document: Json, shifts: Sequence[FacetShift]) -> str:
    """The whole page; ``shifts`` are those of ``document``."""
    models, performance = document["models"], document["performance"]
    dataset = document["dataset"]
    return page.page(
        "With and without mitigation",
        f"Two models on the same {dataset['item_count']:,} test claims, {dataset['fraud_count']:,} of them fraudulent: one trained with "
        f"mitigation ({models['mitigated']['mitigation'] or 'of a kind that training did not record'}), the reference without. "
        f"Each flags by its own threshold, at the same review capacity of {document['review_capacity']:.0%}.",
        [
            page.section("Did mitigation reduce disparity?", *_verdicts(document, shifts)),
            page.section(
                "What it costs",
                page.cards([(_moved(performance[name]), label.partition(":")[0]) for name, label in _NAMES.items()]),
                _performance(performance),
                note="On the test split. The interval is that of the difference, over resamples of the same claims for both models; "
                "if it includes 0, these claims cannot tell the models apart.",
            ),
            page.section("What it costs, out of fold", *_folds(document["out_of_fold"])),
            *(_facet(shift, document["facets"][shift.reference.subject.name]) for shift in shifts),
        ],
    )


def _verdicts(document: Json, shifts: Sequence[FacetShift]) -> list[str]:
    titles = [shift.reference.subject.title for shift in shifts if shift.verdict is Verdict.WORSE]
    parts = []
    if titles:
        parts.append(page.notice(f"MITIGATION MADE DISPARITY WORSE for {len(titles)} of {len(shifts)} facets: {', '.join(titles)}.", "bad"))
    if document["models"]["mitigated"]["mitigation"] == "none":
        parts.append(page.notice("Training recorded no mitigation in the model that is to have it: both models are references.", "bad"))
    parts += [page.notice(document["facets"][shift.reference.subject.name]["sentence"], _kind(shift)) for shift in shifts]
    parts.append(
        page.paragraph(
            "The verdict rests on DPPL, the gap between the shares of claims flagged in the facet and among all others. Other measures "
            "may move the other way, and no model can satisfy all of them: an amber box is a facet whose gap in flags did not widen, "
            "while one in recall (RD), precision (DAR) or wrong flags (SD) did. See the tables below."
        )
    )
    return parts


def _kind(shift: FacetShift) -> str:
    """Green only where nothing that matters got worse: who is flagged, whose fraud is found, and whom flags hit wrongly."""
    if shift.verdict is Verdict.WORSE:
        return "bad"
    if {"RD", "DAR", "SD"} & {each.name for each in shift.widened}:
        return "mixed"
    return "good" if shift.verdict is Verdict.BETTER else "plain"


def _folds(found: Json | None) -> list[str]:
    if found is None:
        return [page.paragraph("Not known: one of the models, or both, came without out-of-fold scores, or with those of other claims.")]
    text = "On the training claims, each scored by models that had not seen its policy: many more frauds than the test split has."
    return [page.paragraph(text), _performance(found)]


def _performance(found: Json) -> str:
    return page.table(
        ["", "without", "with", "difference", "95 % interval", "better"],
        [
            [
                _NAMES[name],
                _value(change["reference"]),
                _value(change["mitigated"]),
                _value(change["difference"], signed=True),
                _interval(change["interval"]),
                _BETTER[change["better"]],
            ]
            for name, change in found.items()
        ],
    )


def _facet(shift: FacetShift, entry: Json) -> str:
    title = entry["title"]
    if shift.reference.error:
        return page.section(title, page.notice(entry["sentence"], "plain"))
    bars = [bar for name in _CHARTED for bar in _bars(shift[name])]
    impact = shift["DI"]
    drawings = [
        rows.diverging(f"Differences for {title}", bars, x_label="difference (0 is equal)", fair=shift["DPPL"].reference.metric.fair),
        rows.diverging(
            f"Ratio for {title}", _bars(impact), x_label="ratio (1 is equal)", fair=impact.reference.metric.fair, neutral=1.0, ratio=True
        ),
    ]
    body = [
        [
            each.name,
            each.reference.metric.title,
            _value(each.reference.value),
            _value(each.mitigated.value),
            f"{each.reference.metric.neutral:g}",
            _BETTER[entry["metrics"][each.name]["better"]],
            _said(each),
        ]
        for each in shift.shifts
    ]
    table = page.table(["metric", "", "without", "with", "equal at", "closer to equal", "what mitigation did"], body)
    return page.section(title, page.notice(entry["sentence"], _kind(shift)), page.charts(drawings, columns=2), table)


def _bars(shift: Shift) -> list[rows.Bar]:
    return [
        rows.Bar(f"{shift.name} {kind}", found.value, found.interval, "no value")
        for kind, found in (("without", shift.reference), ("with", shift.mitigated))
    ]


def _said(shift: Shift) -> str:
    if shift.verdict is Verdict.UNKNOWN:
        return f"no value: {shift.reference.reason or shift.mitigated.reason}"
    text = {Verdict.WORSE: "made it worse", Verdict.BETTER: "made it better", Verdict.UNCHANGED: "nothing"}[shift.verdict]
    if shift.verdict is Verdict.UNCHANGED:
        return text
    if shift.interval is None:
        return f"{text} (no interval)"
    return f"{text}, perhaps by chance" if shift.may_be_chance else f"{text}, by more than chance"


def _moved(change: Json) -> str:
    return f"{_value(change['reference'])} → {_value(change['mitigated'])}"


def _value(value: float | None, *, signed: bool = False) -> str:
    if value is None:
        return "–"
    return f"{value:+.3f}" if signed else f"{value:.3f}"


def _interval(interval: Sequence[float] | None) -> str:
    return "–" if interval is None else f"{interval[0]:+.3f} to {interval[1]:+.3f}"

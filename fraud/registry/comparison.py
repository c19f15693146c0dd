"""Two model packages side by side: what is better, what is worse, and what the data cannot tell apart."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fraud.gate import Criterion
from fraud.registry import reports, verdict
from fraud.registry.dossier import Dossier
from fraud.registry.reports import Estimate, Metric
from fraud.registry.verdict import Verdict

_AT_CAPACITY = "_at_capacity"
_TOP = 10
_HASHES = ("training_data_sha256", "train_and_validation_sha256")


@dataclass(frozen=True)
class Figure:
    """One metric of both; ``is_paired`` where both were scored on the same claims by one run, which tells them apart best."""

    name: str
    title: str
    a: Estimate | None
    b: Estimate | None
    verdict: Verdict
    is_paired: bool = False

    @property
    def difference(self) -> float | None:
        return self.b.value - self.a.value if self.a and self.b else None

    @property
    def is_tested(self) -> bool:
        """Whether an interval stands behind the verdict."""
        return self.is_paired or any(one is not None and one.lower is not None for one in (self.a, self.b))


@dataclass(frozen=True)
class Disparity:
    """One bias metric of one facet: ``verdict`` says whether the second package is nearer to equal treatment."""

    facet: str
    metric: str
    a: float | None
    b: float | None
    verdict: Verdict


@dataclass(frozen=True)
class Pair:
    """A named thing of both, as text; empty where one of them has none."""

    name: str
    a: str
    b: str

    @property
    def is_same(self) -> bool | None:
        """None where one of them did not say."""
        return self.a == self.b if self.a and self.b else None


@dataclass(frozen=True)
class Reason:
    """A feature's rank, from 1, and its importance in both."""

    feature: str
    a: tuple[int, float] | None
    b: tuple[int, float] | None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """``hyperparameters`` has those that differ; ``is_same_data`` and ``is_same_test`` are None where nobody knows."""

    a: Dossier
    b: Dossier
    figures: tuple[Figure, ...]
    disparities: tuple[Disparity, ...]
    gate: tuple[tuple[str, Criterion | None, Criterion | None], ...]
    facts: tuple[Pair, ...]
    hyperparameters: tuple[Pair, ...]
    data: tuple[Pair, ...]
    code: tuple[Pair, ...]
    reasons: tuple[Reason, ...]
    is_same_data: bool | None
    is_same_code: bool | None
    is_same_test: bool | None


def compare(a: Dossier, b: Dossier) -> Comparison:
    """Every difference is ``b`` minus ``a``."""
    data = _pairs(a.data, b.data)
    code = _pairs(a.code, b.code)
    is_same_data = _is_same_data(data)
    return Comparison(
        a=a, b=b,
        figures=tuple(_figure(metric, a, b) for metric in reports.METRICS if metric.name in a.metrics or metric.name in b.metrics),
        disparities=tuple(_disparities(a, b)),
        gate=tuple(_gate(a, b)),
        facts=(
            Pair("status", a.package.status, b.package.status),
            Pair("created", _created(a), _created(b)),
            Pair("framework", a.framework, b.framework),
            Pair("review capacity", a.metadata.get("review_capacity", ""), b.metadata.get("review_capacity", "")),
            Pair("threshold", a.threshold, b.threshold),
            Pair("test claims", _claims(a), _claims(b)),
            Pair("execution", a.package.execution, b.package.execution),
        ),
        hyperparameters=tuple(pair for pair in _pairs(a.hyperparameters, b.hyperparameters) if pair.a != pair.b),
        data=data, code=code, reasons=_reasons(a, b),
        is_same_data=is_same_data,
        is_same_code=_all_same(code),
        is_same_test=_is_same_test(a, b),
    )  # fmt: skip


def to_document(found: Comparison) -> dict[str, Any]:
    """For machines."""
    return {
        "a": found.a.name,
        "b": found.b.name,
        "facts": _both(found.facts),
        "metrics": [
            {
                "metric": figure.name,
                "a": figure.a.to_document() if figure.a else None,
                "b": figure.b.to_document() if figure.b else None,
                "difference": figure.difference,
                "verdict": str(figure.verdict),
                "is_tested": figure.is_tested,
                "is_paired": figure.is_paired,
            }
            for figure in found.figures
        ],
        "bias": [
            {"facet": one.facet, "metric": one.metric, "a": one.a, "b": one.b, "verdict": str(one.verdict)} for one in found.disparities
        ],
        "gate": [
            {"criterion": name, "a": a.to_document() if a else None, "b": b.to_document() if b else None} for name, a, b in found.gate
        ],
        "hyperparameters": _both(found.hyperparameters),
        "data": _both(found.data),
        "code": _both(found.code),
        "reasons": [
            {
                "feature": one.feature,
                "a": {"rank": one.a[0], "importance": one.a[1]} if one.a else None,
                "b": {"rank": one.b[0], "importance": one.b[1]} if one.b else None,
            }
            for one in found.reasons
        ],
        "is_same_data": found.is_same_data,
        "is_same_code": found.is_same_code,
        "is_same_test": found.is_same_test,
    }


def _figure(metric: Metric, a: Dossier, b: Dossier) -> Figure:
    left, right = a.metrics.get(metric.name), b.metrics.get(metric.name)
    if left is None or right is None:
        return Figure(metric.name, metric.title, left, right, Verdict.UNKNOWN)
    difference = right.value - left.value
    gain = difference if metric.is_better_high else -difference
    if difference == 0:
        return Figure(metric.name, metric.title, left, right, Verdict.EQUAL)
    paired = _paired_interval(a, b) if metric.name == "auc" else None
    is_noise = paired[0] <= 0 <= paired[1] if paired else _holds(left, right.value) or _holds(right, left.value)
    if metric.name.endswith(_AT_CAPACITY) and not has_same_capacity(a, b):
        found = Verdict.HIGHER if difference > 0 else Verdict.LOWER
    else:
        found = Verdict.NOISE if is_noise else Verdict.BETTER if gain > 0 else Verdict.WORSE
    return Figure(metric.name, metric.title, left, right, found, paired is not None)


def has_same_capacity(a: Dossier, b: Dossier) -> bool:
    """Whether what is measured at the review capacity is measured at the same one."""
    capacities = [(one.evaluation.get("review") or {}).get("capacity") for one in (a, b)]
    return capacities[0] == capacities[1]


def _paired_interval(a: Dossier, b: Dossier) -> tuple[float, float] | None:
    """The interval of the difference in AUC, where the run of one compared it with the other as its champion."""
    for one, other in ((a, b), (b, a)):
        loss = one.champion.get("champion_auc_loss")
        if one.champion_uri and one.champion_uri == other.model_uri and loss and loss.lower is not None and loss.upper is not None:
            return loss.lower, loss.upper
    return None


def _holds(estimate: Estimate, value: float) -> bool:
    return estimate.lower is not None and estimate.upper is not None and estimate.lower <= value <= estimate.upper


def _disparities(a: Dossier, b: Dossier) -> Iterable[Disparity]:
    for facet in dict.fromkeys((*a.bias, *b.bias)):
        left, right = a.bias.get(facet, {}), b.bias.get(facet, {})
        for metric in sorted({*left, *right}, key=_place):
            one, other = left.get(metric), right.get(metric)
            yield Disparity(facet, metric, one, other, verdict.nearer(metric, one, other))


def _place(metric: str) -> tuple[int, str]:
    """The main metrics first, in their order."""
    main = reports.MAIN_BIAS
    return main.index(metric) if metric in main else len(main), metric


def _gate(a: Dossier, b: Dossier) -> Iterable[tuple[str, Criterion | None, Criterion | None]]:
    left, right = ({criterion.name: criterion for criterion in one.gate} for one in (a, b))
    for name in dict.fromkeys((*left, *right)):
        yield name, left.get(name), right.get(name)


def _reasons(a: Dossier, b: Dossier) -> tuple[Reason, ...]:
    """Every feature that is among the first in either, in the order of its better rank."""
    left, right = (
        {name: (rank, value) for rank, (name, value) in enumerate(one.importance.items(), start=1)} for one in (a, b)
    )
    shown = {name for ranks in (left, right) for name, (rank, _) in ranks.items() if rank <= _TOP}
    found = [Reason(name, left.get(name), right.get(name)) for name in shown]
    return tuple(sorted(found, key=lambda one: (min(place[0] for place in (one.a, one.b) if place), one.feature)))


def _pairs(a: Mapping[str, str], b: Mapping[str, str]) -> tuple[Pair, ...]:
    return tuple(Pair(name, a.get(name, ""), b.get(name, "")) for name in dict.fromkeys((*a, *b)))


def _is_same_data(data: Iterable[Pair]) -> bool | None:
    """By a hash that both have of what they learnt from; without one by the inputs, whose URIs hold their hashes."""
    known = {pair.name: pair.is_same for pair in data}
    learnt = [known.pop(name, None) for name in _HASHES]
    return next((is_same for is_same in learnt if is_same is not None), _combined(known.values()))


def _is_same_test(a: Dossier, b: Dossier) -> bool | None:
    if a.test_claims is None or b.test_claims is None:
        return None
    if a.test_claims != b.test_claims:
        return False
    return _combined(Pair(name, a.data.get(name, ""), b.data.get(name, "")).is_same for name in ("claims_uri", "customers_uri"))


def _all_same(pairs: tuple[Pair, ...]) -> bool | None:
    return _combined(pair.is_same for pair in pairs)


def _combined(same: Iterable[bool | None]) -> bool | None:
    known = list(same)
    if False in known:
        return False
    return True if known and None not in known else None


def _both(pairs: Iterable[Pair]) -> dict[str, dict[str, str | None]]:
    return {pair.name: {"a": pair.a or None, "b": pair.b or None} for pair in pairs}


def _created(one: Dossier) -> str:
    return one.package.created.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _claims(one: Dossier) -> str:
    return f"{one.test_claims[0]:,} ({one.test_claims[1]:,} fraudulent)" if one.test_claims else ""

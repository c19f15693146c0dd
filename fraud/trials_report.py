"""The section of the run report on a tuning job: its trials as plots and as a table."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from training_code.reporting import charts, page
from training_code.reporting.charts import COLOURS, Points, Series

_LOGARITHMIC_FROM = 30
"""The largest value over the smallest, from which on an axis is one of powers."""
_MOST_ROWS = 50
_REACHED = "FinalHyperParameterTuningJobObjectiveMetric"
_GOOD, _STOPPED, _FAILED = COLOURS[0], COLOURS[1], "#cf222e"
_WAYS = {"Maximize": "the more the better", "Minimize": "the less the better"}


@dataclass(frozen=True)
class Trial:
    """``number`` is its place in the order of start; ``value`` is None where it reported nothing."""

    number: int
    name: str
    status: str
    value: float | None
    seconds: float | None
    hyperparameters: Mapping[str, str]


@dataclass(frozen=True)
class Tuning:
    """``trials`` are in the order of start, ``best_first`` in that of the job."""

    objective: str
    is_maximized: bool
    strategy: str
    trials: Sequence[Trial]
    best_first: Sequence[Trial]

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> "Tuning | None":
        """From the properties of a Tuning step; None where it has no trials."""
        summaries = properties.get("TrainingJobSummaries") or []
        if not summaries:
            return None
        started = sorted(summaries, key=lambda summary: str(summary.get("TrainingStartTime") or "~"))
        numbers = {summary["TrainingJobName"]: number for number, summary in enumerate(started, start=1)}
        trials = [_trial(summary, numbers[summary["TrainingJobName"]]) for summary in summaries]
        reached: list[Mapping[str, Any]] = [one[_REACHED] for one in summaries if one.get(_REACHED)]
        objective = reached[0] if reached else {}
        config = properties.get("HyperParameterTuningJobConfig") or {}
        wanted = (config.get("HyperParameterTuningJobObjective") or {}).get("Type") or objective.get("Type")
        return cls(
            objective=str(objective.get("MetricName") or "objective"),
            is_maximized=wanted != "Minimize",
            strategy=str(config.get("Strategy") or ""),
            trials=sorted(trials, key=lambda trial: trial.number),
            best_first=trials,
        )

    @property
    def best(self) -> Trial:
        return self.best_first[0]

    @property
    def tuned(self) -> list[str]:
        """The hyperparameters that differ between trials, in their order."""
        names = dict.fromkeys(name for trial in self.trials for name in trial.hyperparameters)
        return [name for name in names if len({trial.hyperparameters.get(name) for trial in self.trials}) > 1]


def section(step: str, properties: Mapping[str, Any], *, anchor: str) -> str:
    """The section of one Tuning step; empty without trials."""
    found = Tuning.of(properties)
    if found is None:
        return ""
    counts = {status: sum(trial.status == status for trial in found.trials) for status in ("Completed", "Stopped", "Failed")}
    told = ", ".join(f"{count} {status.lower()}" for status, count in counts.items() if count)
    way = _WAYS["Maximize" if found.is_maximized else "Minimize"]
    note = f"{found.strategy} search over {len(found.trials)} trials ({told}) by {found.objective}: {way}. A trial that was stopped early "
    note += "shows what it had reached."
    drawings = [_over_time(found), *(_against(found, name) for name in found.tuned)]
    return page.section(
        f"Trials of {step}", _cards(found), page.charts([drawing for drawing in drawings if drawing]), _table(found), note=note.strip(),
        anchor=anchor,
    )  # fmt: skip


def _cards(found: Tuning) -> str:
    best = found.best
    cards = [(_shown(best.value), f"best {found.objective}, trial {best.number}")]
    first = found.trials[0]
    if first is not best and first.value is not None and best.value is not None:
        cards.append((f"{best.value - first.value:+.4f}", "against the first trial"))
    cards += [(_rounded(value), name) for name, value in best.hyperparameters.items() if name in found.tuned]
    return page.cards(cards)


def _over_time(found: Tuning) -> str:
    """Every trial in the order of start, and the best so far."""
    values = [trial.value for trial in found.trials if trial.value is not None]
    if not values:
        return ""
    numbers = [(float(tick), f"{tick:g}") for tick in charts.ticks(1, max(len(found.trials), 2)) if tick == int(tick) and tick >= 1]
    return charts.scatter(
        "Trials", _groups(found, lambda trial: float(trial.number)), x_label="trial, in the order of start", y_label=found.objective,
        line=_best_so_far(found), x_names=numbers or [(1.0, "1")],
    )  # fmt: skip


def _best_so_far(found: Tuning) -> Series | None:
    """The best value of the completed trials up to each."""
    pick = max if found.is_maximized else min
    x: list[float] = []
    y: list[float] = []
    for trial in found.trials:
        if trial.status == "Completed" and trial.value is not None:
            best = pick([*y[-1:], trial.value])
            if y and best != y[-1]:
                # A step, and not a slope: there is nothing between two trials.
                x.append(float(trial.number))
                y.append(y[-1])
            x.append(float(trial.number))
            y.append(best)
    if x and x[-1] < len(found.trials):
        x.append(float(len(found.trials)))
        y.append(y[-1])
    return Series("best so far", x, y) if len(x) > 1 else None


def _against(found: Tuning, name: str) -> str:
    """The objective against one hyperparameter."""
    texts = [trial.hyperparameters[name] for trial in found.trials if name in trial.hyperparameters]
    numbers = [number for text in texts if (number := _number(text)) is not None]
    if not any(trial.value is not None for trial in found.trials):
        return ""
    if len(numbers) < len(texts):
        levels = sorted(set(texts))
        groups = _groups(found, lambda trial: float(levels.index(trial.hyperparameters[name])) if name in trial.hyperparameters else None)
        names: list[tuple[float, str]] | None = [(float(place), level) for place, level in enumerate(levels)]
        ends: tuple[float, float] | None = (-0.6, len(levels) - 0.4)
        is_logarithmic = False
    else:
        groups = _groups(found, lambda trial: _number(trial.hyperparameters.get(name, "")))
        names, ends = None, None
        is_logarithmic = min(numbers) > 0 and max(numbers) / min(numbers) >= _LOGARITHMIC_FROM
    return charts.scatter(name, groups, x_label=name, y_label=found.objective, x_names=names, x_range=ends, is_logarithmic=is_logarithmic)


def _groups(found: Tuning, place: Callable[[Trial], float | None]) -> list[Points]:
    """Trials by how they ended; one without a value stands at the bottom, where it cannot be taken for a good one."""
    values = [trial.value for trial in found.trials if trial.value is not None]
    worst = min(values) if found.is_maximized else max(values)
    groups = []
    for status, sign, colour in (("Completed", "dot", _GOOD), ("Stopped", "ring", _STOPPED), ("Failed", "cross", _FAILED)):
        points = [
            (x, trial.value if trial.value is not None else worst)
            for trial in found.trials
            if trial.status == status and (x := place(trial)) is not None
        ]
        groups.append(Points(status.lower(), [x for x, _ in points], [y for _, y in points], sign, colour))
    return groups


def _table(found: Tuning) -> str:
    rows = [
        (
            trial.number, trial.name, page.Marked(trial.status, {"Failed": "bad", "Stopped": "faint"}.get(trial.status, "good")),
            _shown(trial.value), "–" if trial.seconds is None else round(trial.seconds, 1),
            *(_rounded(trial.hyperparameters.get(name, "–")) for name in found.tuned),
        )
        for trial in found.best_first[:_MOST_ROWS]
    ]  # fmt: skip
    more = len(found.best_first) - len(rows)
    told = f"<p>and {more} more</p>" if more > 0 else ""
    return "<p>Best first:</p>" + page.table(("trial", "job", "status", found.objective, "seconds", *found.tuned), rows) + told


def _trial(summary: Mapping[str, Any], number: int) -> Trial:
    value = (summary.get(_REACHED) or {}).get("Value")
    return Trial(
        number=number,
        name=str(summary["TrainingJobName"]),
        status=str(summary.get("TrainingJobStatus") or ""),
        value=float(value) if isinstance(value, int | float) and math.isfinite(value) else None,
        seconds=_seconds(summary),
        hyperparameters={name: str(value) for name, value in (summary.get("TunedHyperParameters") or {}).items()},
    )


def _seconds(summary: Mapping[str, Any]) -> float | None:
    try:
        start, end = (datetime.fromisoformat(summary[name]) for name in ("TrainingStartTime", "TrainingEndTime"))
    except (KeyError, TypeError, ValueError):
        return None
    return (end - start).total_seconds()


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _rounded(text: str) -> str:
    number = _number(text)
    return text if number is None else f"{number:.4g}"


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"

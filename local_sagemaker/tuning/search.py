"""One search: which hyperparameters to try next, and which trials are not worth going on with.

Optuna does both; it is loaded by a step that tunes and by nothing else.
"""

import itertools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_sagemaker.errors import StepFailedError
from local_sagemaker.tuning.ranges import Range

if TYPE_CHECKING:
    import optuna

STRATEGIES = ("Bayesian", "Random", "Grid", "Hyperband")
_TRIALS_BEFORE_A_MEDIAN = 3
_REDUCTION = 3


@dataclass(frozen=True)
class Proposal:
    """Hyperparameters to try, as strings; ``trial`` is the search's own."""

    hyperparameters: Mapping[str, str]
    trial: "optuna.Trial"


class Search:
    """Asked and told from several threads, one at a time.

    ``size`` is how many trials there will be at most; None leaves it to the
    grid. The draws depend on ``seed`` and on the order of questions and answers.

    Raises:
        StepFailedError: the strategy and the ranges do not fit.
    """

    def __init__(
        self, ranges: Sequence[Range], *, strategy: str, is_maximized: bool, seed: int | None, size: int | None,
        stops_early: bool, resources: Mapping[str, Any],
    ) -> None:  # fmt: skip
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        if strategy not in STRATEGIES:
            raise StepFailedError(f"there is no Strategy {strategy!r}; there are {', '.join(STRATEGIES)}")
        self._ranges = {entry.name: entry for entry in ranges}
        self._lock = threading.Lock()
        # Its name decides which trial is in which of Hyperband's brackets.
        self._study = optuna.create_study(
            study_name="search",
            direction="maximize" if is_maximized else "minimize",
            sampler=_sampler(strategy, seed, size),
            pruner=_pruner(strategy, resources, stops_early),
        )
        self._points = _grid(ranges) if strategy == "Grid" else []
        self.size = min(size or len(self._points), len(self._points)) if strategy == "Grid" else size
        for point in self._points[: self.size]:
            # In order and each once: a sampler over a grid repeats itself when trials run side by side.
            self._study.enqueue_trial(point)

    def ask(self) -> Proposal:
        with self._lock:
            trial = self._study.ask({name: entry.distribution for name, entry in self._ranges.items()})
        return Proposal({name: self._ranges[name].to_text(value) for name, value in trial.params.items()}, trial)

    def report(self, proposal: Proposal, step: int, value: float) -> bool:
        """Take the objective's value after ``step`` reports, and say whether the trial is worth going on with."""
        with self._lock:
            proposal.trial.report(value, step)
            return not proposal.trial.should_prune()

    def tell(self, proposal: Proposal, value: float | None, *, is_stopped: bool = False) -> None:
        """How a trial ended: with the objective's value, stopped early, or, with neither, failed."""
        from optuna.trial import TrialState

        with self._lock:
            if value is None or is_stopped:
                self._study.tell(proposal.trial, state=TrialState.PRUNED if is_stopped else TrialState.FAIL)
            else:
                self._study.tell(proposal.trial, value)


def _sampler(strategy: str, seed: int | None, size: int | None) -> "optuna.samplers.BaseSampler":
    from optuna.samplers import RandomSampler, TPESampler

    if strategy in ("Random", "Grid"):
        return RandomSampler(seed=seed)
    # A third of the trials look around before the others follow what was found.
    return TPESampler(seed=seed, n_startup_trials=min(10, max(2, (size or 30) // 3)))


def _pruner(strategy: str, resources: Mapping[str, Any], stops_early: bool) -> "optuna.pruners.BasePruner":
    from optuna.pruners import HyperbandPruner, MedianPruner, NopPruner

    if strategy == "Hyperband":
        low, high = int(resources.get("MinResource", 1)), int(resources.get("MaxResource", 0))
        if high and high < low:
            raise StepFailedError(f"Hyperband's MaxResource is {high}, which is less than its MinResource, {low}")
        return HyperbandPruner(min_resource=low, max_resource=high or "auto", reduction_factor=_REDUCTION)
    return MedianPruner(n_startup_trials=_TRIALS_BEFORE_A_MEDIAN) if stops_early else NopPruner()


def _grid(ranges: Sequence[Range]) -> list[dict[str, Any]]:
    from optuna.distributions import CategoricalDistribution

    choices = []
    for entry in ranges:
        if not isinstance(entry.distribution, CategoricalDistribution):
            raise StepFailedError(f"a Grid takes categorical ranges only, and that of {entry.name} is none")
        choices.append(entry.distribution.choices)
    names = [entry.name for entry in ranges]
    return [dict(zip(names, point, strict=True)) for point in itertools.product(*choices)]

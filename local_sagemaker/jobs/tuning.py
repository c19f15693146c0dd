"""A tuning job: many training jobs, some side by side, of which the best is known at the end."""

import concurrent.futures
import dataclasses
import shutil
import threading
import time
from collections.abc import Mapping
from typing import Any

from local_sagemaker import metrics
from local_sagemaker.errors import ServiceFaultError, StepFailedError, StoppedError, TimeLimitError
from local_sagemaker.jobs import base, training
from local_sagemaker.tuning import trial as trials
from local_sagemaker.tuning.request import Trained, definitions, limits
from local_sagemaker.tuning.trial import Trial

_NAME_LENGTH = 32
"""Of a tuning job, as on the service; a trial adds its number."""


class _TrialStoppedError(Exception):
    """A trial is not to run on; the message says why."""


def run(request: Mapping[str, Any], context: base.Context) -> base.Outcome:
    """Run CreateHyperParameterTuningJob's request.

    Raises:
        StepFailedError: no trial completed; a fault of the service if the first failed by one.
    """
    return _TuningJob(request, context).run()


class _TuningJob:
    def __init__(self, request: Mapping[str, Any], context: base.Context) -> None:
        self._request = request
        self._context = context
        self._name = base.shortened(context.job_name.removeprefix("pipelines-"), _NAME_LENGTH)
        self._trained = definitions(request)
        self._limits = limits(request, self._trained)
        # As many threads for each as if all ran side by side, so that a rerun computes with the same number.
        side_by_side = min(self._limits.parallel, context.slots.count)
        self._threads = max(1, context.slots.count // side_by_side)
        self._trials: list[Trial] = []
        self._lock = threading.Lock()
        self._started, self._clock = time.time(), time.monotonic()
        self._is_over = False
        self._best: Trial | None = None
        self._ended = 0
        self._since_best = 0

    def run(self) -> base.Outcome:
        with concurrent.futures.ThreadPoolExecutor(self._limits.parallel) as pool:
            workers = [pool.submit(self._work) for _ in range(self._limits.parallel)]
            for worker in concurrent.futures.as_completed(workers):
                worker.result()
        if self._best is None:
            raise self._failure()
        properties = trials.properties(self._request, self._name, self._trials, self._started)
        return base.Outcome(properties, [move for trial in self._trials for move in trial.moves])

    def _work(self) -> None:
        """One trial after the other, until there are no more."""
        try:
            while not self._is_over:
                # Asked for when it can run, so that it knows of all that have ended.
                with self._context.slots.take(self._threads):
                    trial = self._next()
                    if trial is None:
                        return
                    self._try(trial)
                self._end(trial)
        except BaseException:
            self._is_over = True
            raise

    def _next(self) -> Trial | None:
        with self._lock:
            number = len(self._trials)
            if self._is_over or number >= self._limits.trials or self._seconds_left() <= 0:
                return None
            trained = self._definition_for(number)
            trial = Trial(number + 1, f"{self._name}-{number + 1:03d}", trained, trained.search.ask())
            self._trials.append(trial)
            return trial

    def _definition_for(self, number: int) -> Trained:
        """The definitions take turns, but for those whose grid is at its end."""
        used = [sum(trial.trained is entry for trial in self._trials) for entry in self._trained]
        open_ = [entry for entry, count in zip(self._trained, used, strict=True) if count < (entry.search.size or count + 1)]
        return min(open_, key=lambda entry: used[self._trained.index(entry)])

    def _try(self, trial: Trial) -> None:
        """Run it to its end, whatever that is, and say in it how that was.

        Raises:
            StoppedError: the whole run was stopped.
        """
        for attempt in range(1, trial.trained.attempts + 1):
            try:
                self._attempt(trial, attempt)
                return
            except StoppedError:
                raise
            except _TrialStoppedError as stopped:
                trial.status, trial.reason = "Stopped", str(stopped)
                return
            except TimeLimitError as error:
                trial.status, trial.reason = "Stopped", str(error)
                return
            except ServiceFaultError as error:
                trial.status, trial.reason, trial.fault = "Failed", str(error), error.fault
            except StepFailedError as error:
                trial.status, trial.reason, trial.fault = "Failed", str(error), ""
                return
            except Exception as error:
                # A request that lacks something, a full disk: the failure of this trial.
                trial.status, trial.reason, trial.fault = "Failed", f"{type(error).__name__}: {error}", ""
                return

    def _attempt(self, trial: Trial, attempt: int) -> None:
        suffix = "" if attempt == 1 else f"-{attempt}"
        folder = self._context.folder / f"trial-{trial.number:03d}{suffix}"
        folder.mkdir()
        context = dataclasses.replace(
            self._context, job_name=f"{trial.name}{suffix}", folder=folder, threads=self._threads, tell=lambda text: None
        )
        request = trial.trained.training_job(trial.proposal.hyperparameters)
        pattern = metrics.definitions(request["AlgorithmSpecification"])[trial.trained.objective.metric]
        trial.intermediate = []
        tail = metrics.Tail(context.log)

        def watch() -> None:
            trial.intermediate += metrics.values(pattern, tail.lines())
            if not self._report(trial):
                reports = len(trial.intermediate)
                raise _TrialStoppedError(f"stopped early: {trial.intermediate[-1]:g} after {reports} reports is worse than others were")
            if self._seconds_left() <= 0:
                raise _TrialStoppedError(f"the tuning job ran longer than its {self._limits.seconds:g} seconds (ResourceLimits)")

        try:
            outcome = training.run(request, context, watch)
        except (_TrialStoppedError, TimeLimitError):
            self._discard(context)
            trial.value = trial.intermediate[-1] if trial.intermediate else None
            raise
        self._discard(context)
        trial.intermediate = metrics.values(pattern, context.log.read_text(errors="replace").splitlines())
        self._report(trial)
        final = {entry["MetricName"]: entry["Value"] for entry in outcome.properties["FinalMetricDataList"]}
        trial.value = final.get(trial.trained.objective.metric)
        if trial.value is None:
            metric = trial.trained.objective.metric
            raise StepFailedError(f"it never printed the objective {metric}: no line of its log matches {pattern.pattern}")
        trial.name, trial.status, trial.reason, trial.fault = context.job_name, "Completed", "", ""
        trial.moves = tuple(outcome.moves)

    def _report(self, trial: Trial) -> bool:
        """Tell the search what it does not know yet; a further attempt prints again what an earlier one did."""
        new = list(enumerate(trial.intermediate, start=1))[trial.reported :]
        trial.reported += len(new)
        # All of them are told, whatever is said of the first: later trials are compared to each.
        worth = [trial.trained.search.report(trial.proposal, step, value) for step, value in new]
        return all(worth)

    def _end(self, trial: Trial) -> None:
        trial.ended = time.time()
        trial.trained.search.tell(trial.proposal, trial.value, is_stopped=trial.status == "Stopped")
        with self._lock:
            self._ended += 1
            self._since_best += 1
            self._write_log(trial)
            if trial.status == "Completed" and trial.value is not None:
                if self._best is None or self._best.value is None or trial.trained.objective.is_better(trial.value, self._best.value):
                    self._best, self._since_best = trial, 0
                target = self._limits.target
                if target is not None and not trial.trained.objective.is_better(target, trial.value):
                    self._is_over = True
            if self._limits.not_improving is not None and self._since_best >= self._limits.not_improving:
                self._is_over = True
            best = f"best {self._best.value:.4g}" if self._best and self._best.value is not None else "none has completed"
            self._context.tell(f"trial {self._ended} of {self._limits.trials}: {best}")

    def _write_log(self, trial: Trial) -> None:
        """A line a trial, in the order of their ends."""
        chosen = " ".join(f"{name}={value}" for name, value in trial.proposal.hyperparameters.items())
        value = "" if trial.value is None else f" {trial.trained.objective.metric}={trial.value:g}"
        reason = f": {trial.reason}" if trial.reason else ""
        with self._context.log.open("a", encoding="utf-8") as log:
            log.write(f"{trial.name} {trial.status}{value} with {chosen}{reason}\n")

    def _discard(self, context: base.Context) -> None:
        """The working folder goes when its trial has ended: every one holds a copy of the data."""
        for entry in context.folder.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)

    def _seconds_left(self) -> float:
        return self._limits.seconds - (time.monotonic() - self._clock)

    def _failure(self) -> StepFailedError:
        first = next((trial for trial in self._trials if trial.status == "Failed"), None) or next(iter(self._trials), None)
        if first is None:
            return StepFailedError("no trial was started in the time that it has (ResourceLimits)")
        message = f"none of its {len(self._trials)} trials completed; the first, {first.name}: {first.reason}"
        return ServiceFaultError(first.fault, message) if first.fault else StepFailedError(message)

"""Runs one execution of a definition: which step when, and what follows from how it ends."""

import concurrent.futures
import graphlib
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local_sagemaker import cache, conditions, parameters
from local_sagemaker.attempt import Attempt
from local_sagemaker.definition import CHECK_TYPES, Definition, Node
from local_sagemaker.errors import BadInputError, ServiceFaultError, StepFailedError, StoppedError
from local_sagemaker.events import Event, Listener, ignore
from local_sagemaker.expressions import Resolver
from local_sagemaker.history import History
from local_sagemaker.home import Home
from local_sagemaker.jobs import base, check, processing, requests, training, transform, tuning
from local_sagemaker.models import Models
from local_sagemaker.processes import Processes
from local_sagemaker.registry import Registry
from local_sagemaker.results import Options, Result, StepResult
from local_sagemaker.retries import Retries
from local_sagemaker.runtimes import Runtimes
from local_sagemaker.slots import Slots, threads_per_job

_JOBS: Mapping[str, Callable[[Mapping[str, Any], base.Context], base.Outcome]] = {
    "Processing": processing.run, "Training": training.run, "Tuning": tuning.run, "Transform": transform.run,
    **dict.fromkeys(CHECK_TYPES, check.run),
}  # fmt: skip
_IMAGES = {
    **dict.fromkeys(("Processing", *CHECK_TYPES), ("AppSpecification", "ImageUri")),
    **dict.fromkeys(("Training", "Tuning"), ("AlgorithmSpecification", "TrainingImage")),
}
# Their parts take slots when they run.
_SLOTLESS = ("Tuning",)
_ARN = "arn:aws:sagemaker:eu-west-1:000000000000:pipeline/{pipeline}"


class Execution:
    """One run. ``run`` blocks until it has ended; ``stop`` may be called from elsewhere.

    Raises:
        BadInputError: the parameters or an image do not fit; nothing has run.
    """

    def __init__(
        self, definition: Definition, home: Home, *,
        overrides: Mapping[str, object] | None = None, options: Options | None = None, listener: Listener = ignore,
    ) -> None:  # fmt: skip
        self.id = secrets.token_hex(6)
        self._definition = definition
        self._home = home
        self._options = options or Options()
        self._listener = listener
        self._values = parameters.resolve(definition, overrides or {})
        self._history = History(home)
        self._registry = Registry(self._history)
        self._runtimes = Runtimes(home.folder, self._options.runtimes)
        self._processes = Processes()
        self._slots = Slots(self._options.slots)
        self._threads = threads_per_job(definition, self._options.slots)
        self._stopping = threading.Event()
        self._results: dict[str, StepResult] = {}
        self._resolver = Resolver(parameters=self._values, variables=self._variables(), property_file=self._property_file)
        self._check_images()

    def run(self) -> Result:
        """Run to the end: a step starts when all that it needs has succeeded.

        A failed step stops what depends on it and nothing else. An interrupt
        (Ctrl-C) stops everything and is raised again.
        """
        started = datetime.now(UTC)
        clock = time.monotonic()
        with self._history.start(self.id, self._options.pipeline, self._definition.source, self._values):
            status = "Stopped"
            try:
                self._schedule()
                status = self._status()
            except BaseException:
                self.stop()
                raise
            finally:
                self._history.end(self.id, status)
        steps = tuple(self._results[name] for name in self._definition.nodes)
        return Result(self.id, status, started, time.monotonic() - clock, steps)

    def stop(self) -> None:
        """Kill all jobs and start nothing more."""
        self._stopping.set()
        self._processes.stop()

    def _schedule(self) -> None:
        nodes = self._definition.nodes
        graph = graphlib.TopologicalSorter({name: node.needs for name, node in nodes.items()})
        graph.prepare()
        running: dict[concurrent.futures.Future[StepResult], str] = {}
        with concurrent.futures.ThreadPoolExecutor(max_workers=max(len(nodes), 1)) as pool:
            try:
                while graph.is_active():
                    ready = graph.get_ready()
                    for name in ready:
                        if self._is_to_run(nodes[name]):
                            running[pool.submit(self._run_step, nodes[name])] = name
                        else:
                            self._results[name] = StepResult(name, nodes[name].type, "NotExecuted")
                            self._listener(Event(step=name, type=nodes[name].type, status="NotExecuted"))
                            graph.done(name)
                    if any(name in self._results for name in ready):
                        # What was waiting for a step that is not to run may be ready now.
                        continue
                    done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
                    for future in done:
                        name = running.pop(future)
                        self._results[name] = future.result()
                        graph.done(name)
            except BaseException:
                self.stop()
                raise

    def _is_to_run(self, node: Node) -> bool:
        if self._stopping.is_set() or any(self._results[need].status != "Succeeded" for need in node.needs):
            return False
        if node.branch:
            condition, outcome = node.branch
            return bool(self._results[condition].properties["Outcome"]) == outcome
        return True

    def _run_step(self, node: Node) -> StepResult:
        clock = time.monotonic()
        attempt = Attempt()
        self._tell(node, "Executing", clock, attempt)
        status, reason = "Succeeded", ""
        properties: Mapping[str, Any] = {}
        try:
            properties = self._execute(node, attempt, clock)
            self._resolver.ended(node.name, properties)
        except StoppedError:
            status, reason = "Stopped", "the run was stopped"
        except (StepFailedError, BadInputError) as error:
            status, reason = "Failed", str(error)
        except Exception as error:
            # A request that lacks what its operation requires, a broken archive, a full disk: the failure of
            # this step, which must not take the steps beside it along.
            status, reason = "Failed", f"{type(error).__name__}: {error}"
        if status != "Succeeded" and attempt.is_recorded:
            self._history.fail(self.id, node.name, status, reason, attempt.number)
        self._tell(node, status, clock, attempt, reason)
        seconds = time.monotonic() - clock
        return StepResult(
            node.name, node.type, status, seconds, attempt.is_cached, attempt.number, reason, attempt.why, attempt.log, properties
        )

    def _execute(self, node: Node, attempt: Attempt, clock: float) -> Mapping[str, Any]:
        if node.type == "Condition":
            self._record(node, attempt, None, "")
            judged = self._condition(node)
            self._history.succeed(self.id, node.name, judged)
            return judged
        request: Mapping[str, Any] = self._resolver.resolve(node.arguments)
        decision = cache.decide(
            node, request, pipeline=self._options.pipeline, history=self._history, home=self._home, enabled=self._options.use_cache
        )
        self._record(node, attempt, decision.key, decision.why)
        if decision.hit:
            attempt.is_cached = True
            self._history.succeed(self.id, node.name, decision.hit.properties, cached_from=decision.hit.execution)
            return decision.hit.properties
        if not node.is_job:
            properties = self._request(node, request)
            self._history.succeed(self.id, node.name, properties, attempts=1)
            attempt.number = 1
            return properties
        with self._slots.take(0 if node.type in _SLOTLESS else self._threads[node.name]):
            outcome = self._job(node, request, attempt, clock)
        self._history.succeed(self.id, node.name, outcome.properties, attempts=attempt.number, moves=outcome.moves)
        self._discard(attempt.folder)
        return outcome.properties

    def _job(self, node: Node, request: Mapping[str, Any], attempt: Attempt, clock: float) -> base.Outcome:
        """Attempts at a job, until one succeeds or no policy allows another."""
        retries = Retries(node.request.get("RetryPolicies") or [], self._options.retry_wait_scale)
        while True:
            if self._stopping.is_set():
                raise StoppedError
            attempt.number += 1
            attempt.folder = self._home.job(self.id, node.name) / str(attempt.number)
            attempt.folder.mkdir(parents=True)
            context = base.Context(
                name=node.name, execution=self.id, job_name=base.job_name(self.id, node.name, attempt.number),
                folder=attempt.folder, home=self._home, history=self._history, runtimes=self._runtimes, processes=self._processes,
                isolation=self._options.isolation, threads=self._threads[node.name], slots=self._slots,
                tell=lambda text: self._tell(node, "Executing", clock, attempt, progress=text),
            )  # fmt: skip
            attempt.log = context.log
            try:
                return _JOBS[node.type](request, context)
            except ServiceFaultError as fault:
                wait = retries.wait_before_next(fault.fault)
                if wait is None:
                    raise
                self._tell(node, "Retrying", clock, attempt, f"{fault}; again in {wait:.1f} s")
                self._stopping.wait(wait)

    def _condition(self, node: Node) -> dict[str, Any]:
        judged = [conditions.evaluate(condition, self._resolver) for condition in node.arguments["Conditions"]]
        return {
            "Outcome": all(one.holds for one in judged),
            "Compared": [one.said for one in judged],
            "Judged": [{"Holds": one.holds, "Left": one.left, "Right": one.right} for one in judged],
        }

    def _request(self, node: Node, request: Mapping[str, Any]) -> Mapping[str, Any]:
        match node.type:
            case "Model":
                return requests.create_model(request, execution=self.id, name=node.name, home=self._home, models=Models(self._history))
            case "RegisterModel":
                return requests.register_model(request, execution=self.id, home=self._home, registry=self._registry)
            case _:
                raise StepFailedError(str(request.get("ErrorMessage") or "the pipeline says that it failed"))

    def _record(self, node: Node, attempt: Attempt, key: Mapping[str, Any] | None, why: str) -> None:
        self._history.start_step(self.id, self._options.pipeline, node.name, node.type, key=key, why=why)
        attempt.is_recorded, attempt.why = True, why

    def _tell(self, node: Node, status: str, clock: float, attempt: Attempt, reason: str = "", progress: str = "") -> None:
        self._listener(
            Event(
                step=node.name, type=node.type, status=status, seconds=time.monotonic() - clock,
                cached=attempt.is_cached, attempts=attempt.number, reason=reason, progress=progress, log=attempt.log,
            )
        )  # fmt: skip

    def _property_file(self, step: str, name: str) -> str:
        node = self._definition.nodes[step]
        file = next((f for f in node.request.get("PropertyFiles") or [] if f["PropertyFileName"] == name), None)
        if file is None:
            raise StepFailedError(f"step {step} has no property file {name}")
        outputs = self._results[step].properties["ProcessingOutputConfig"]["Outputs"]
        path: Path = self._home.path(outputs[file["OutputName"]]["S3Output"]["S3Uri"]) / file["FilePath"]
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise StepFailedError(f"the property file {name} of step {step} is not there: {path}") from error

    def _variables(self) -> dict[str, str]:
        arn = _ARN.format(pipeline=self._options.pipeline)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "PipelineName": self._options.pipeline,
            "PipelineArn": arn,
            "PipelineExecutionId": self.id,
            "PipelineExecutionArn": f"{arn}/execution/{self.id}",
            "StartDateTime": now,
            "CurrentDateTime": now,
        }

    def _check_images(self) -> None:
        """An image without a runtime is known before the first job runs, unless an expression hides it."""
        for node in self._definition.nodes.values():
            group, name = _IMAGES.get(node.type, ("", ""))
            for request in _job_requests(node):
                holder = request.get(group) if isinstance(request, Mapping) else None
                image = holder.get(name) if isinstance(holder, Mapping) else None
                if isinstance(image, str):
                    self._runtimes.for_image(image)

    def _status(self) -> str:
        statuses = {result.status for result in self._results.values()}
        if self._stopping.is_set() or "Stopped" in statuses:
            return "Stopped"
        return "Failed" if "Failed" in statuses else "Succeeded"

    def _discard(self, folder: Path | None) -> None:
        """A finished job leaves its logs and those of its parts; its inputs and what it wrote elsewhere go."""
        if folder:
            for entry in folder.iterdir():
                if entry.is_dir() and not any(entry.glob("*.log")):
                    shutil.rmtree(entry, ignore_errors=True)


def _job_requests(node: Node) -> list[Any]:
    """The parts of a step's request that name an image."""
    if node.type != "Tuning":
        return [node.arguments]
    return [node.arguments.get("TrainingJobDefinition"), *(node.arguments.get("TrainingJobDefinitions") or [])]

"""Says, without running anything, which steps a run would reuse and why not."""

from collections.abc import Mapping
from dataclasses import dataclass

from local_sagemaker import cache, parameters
from local_sagemaker.definition import Definition
from local_sagemaker.errors import BadInputError, StepFailedError
from local_sagemaker.expressions import Resolver
from local_sagemaker.history import History
from local_sagemaker.home import Home


@dataclass(frozen=True)
class Explanation:
    """``is_hit`` and ``why`` speak of the next run, ``last_ran`` of the last time the step really ran."""

    step: str
    is_hit: bool
    why: str
    last_ran: str


def explain(definition: Definition, home: Home, step: str, *, pipeline: str, overrides: Mapping[str, object]) -> Explanation:
    """Why the next run would or would not reuse ``step``.

    Raises:
        BadInputError: there is no such step.
    """
    if step not in definition.nodes:
        raise BadInputError(f"there is no step {step}; there are {', '.join(definition.nodes)}")
    history = History(home)
    is_hit, why = _next(definition, home, history, step, pipeline, parameters.resolve(definition, overrides))
    row = history.last_run(pipeline, step)
    if row is None:
        return Explanation(step, is_hit, why, "has not run here yet")
    reason = row["why"] or "it is never cached"
    return Explanation(step, is_hit, why, f"last ran in execution {row['execution']} ({row['status']}): {reason}")


def _next(
    definition: Definition, home: Home, history: History, step: str, pipeline: str, values: Mapping[str, object]
) -> tuple[bool, str]:
    # Only what the service itself would know beforehand: execution variables are not part of any key that hits.
    resolver = Resolver(parameters=values, variables={}, property_file=_no_property_file)
    levels = definition.levels()
    for name in sorted(definition.nodes, key=levels.__getitem__):
        node = definition.nodes[name]
        if node.type not in cache.KEY_ATTRIBUTES:
            if name == step:
                return False, f"a {node.type} step is never cached"
            continue
        try:
            request = resolver.resolve(cache.key_of(node.type, node.arguments))
        except (StepFailedError, KeyError) as error:
            if name == step:
                return False, f"it reads what {_source(error)} writes, which will run again"
            continue
        decision = cache.decide(node, request, pipeline=pipeline, history=history, home=home, enabled=True)
        if name == step:
            return decision.hit is not None, decision.why
        if decision.hit:
            resolver.ended(name, decision.hit.properties)
    raise AssertionError(step)


def _source(error: Exception) -> str:
    """Which step's properties are not known yet."""
    return f"step {error.args[0]}" if isinstance(error, KeyError) else str(error)


def _no_property_file(step: str, name: str) -> str:
    raise StepFailedError(f"the property file {name} of step {step}")

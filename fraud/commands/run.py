"""``fraud run``: the pipeline on this machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fraud.commands.shared import DEFAULT_HOME, AsJson, Env, HomeOption, pairs, print_json
from fraud.errors import FAILED, InputError
from local_sagemaker import Definition, Execution, Home, Options, Result

if TYPE_CHECKING:
    from fraud.outcome import Outcome

_LOG_LINES = 20
_CHAMPION = "ChampionModelUri"


def run(
    claims: Annotated[Path | None, typer.Option(help="Claims: a file or a folder, CSV or Parquet.")] = None,
    customers: Annotated[Path | None, typer.Option(help="Customers: likewise.")] = None,
    env: Env = "dev",
    param: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A pipeline parameter; may be repeated.")] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Run every step.")] = False,
    why: Annotated[str | None, typer.Option(metavar="STEP", help="Run nothing; say why STEP would be reused or not.")] = None,
    definition: Annotated[Path | None, typer.Option(help="Run this definition instead of the project's.")] = None,
    template: Annotated[
        Path | None, typer.Option(help="Run the definition out of a synthesized template, or out of the folder of a synth.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Run the whole pipeline on this machine, without AWS and without Docker.

    Without --claims it runs on 5,000 generated claims. Steps whose code and
    inputs have not changed are reused.

    Examples:

      fraud run

      fraud run --claims claims.csv --customers customers.csv --json

      fraud run --param ReviewCapacity=0.05

      fraud run --why Train

      fraud run --template cdk.out/dev
    """
    place = Home(home)
    overrides = pairs(param or [])
    if definition and template:
        raise InputError("--definition and --template are two ways to say what runs: give one")
    if definition:
        if claims or customers:
            raise InputError("--claims and --customers are for the project's pipeline; give --definition its --param instead")
        parsed, pipeline = Definition.read(definition), definition.stem
    elif template:
        from fraud import local_inputs, template_run

        parsed, pipeline = template_run.provide(place, template)
        overrides = template_run.parameters(place, local_inputs.provide(place, claims, customers)) | overrides
    else:
        parsed, pipeline = _project(place, env, claims, customers)
    if not definition:
        # Given as nothing, there is to be no champion: the parameter's default says so.
        overrides = _against_champion(place, pipeline) | overrides
        if overrides.get(_CHAMPION) == "":
            del overrides[_CHAMPION]
    if why:
        _explain(parsed, place, why, pipeline, overrides, as_json)
        return
    from fraud.local_resources import RUNTIMES

    result = _execute(parsed, place, overrides, Options(pipeline=pipeline, use_cache=not no_cache, runtimes=RUNTIMES), as_json)
    found = _finish(parsed, place, result, as_json)
    if found.package and not (definition or template):
        _collect(place, env, found.package.group)
    if result.status != "Succeeded":
        raise typer.Exit(FAILED)


def _project(home: Home, env: str, claims: Path | None, customers: Path | None) -> tuple[Definition, str]:
    import pipeline_definition
    import settings
    from fraud import local_inputs, local_resources

    chosen = settings.load(env)
    data = local_inputs.provide(home, claims, customers)
    resources = local_resources.provide(home, chosen, data=data)
    return Definition.parse(pipeline_definition.build(chosen, resources)), local_resources.PIPELINE


def _against_champion(home: Home, group: str) -> dict[str, str]:
    """The parameter that names the champion, where there is one; pipeline and group have the same name."""
    from fraud import local_champion

    uri = local_champion.uri(home, group)
    return {local_champion.PARAMETER: uri} if uri else {}


def _execute(definition: Definition, home: Home, overrides: Mapping[str, str], options: Options, as_json: bool) -> Result:
    from fraud.progress import progress

    shown = progress(list(definition.nodes), is_quiet=as_json)
    execution = Execution(definition, home, overrides=overrides, options=options, listener=shown)
    with shown:
        return execution.run()


def _collect(home: Home, env: str, group: str) -> None:
    """Put the group where the settings want it, as a deploy does in the account."""
    import settings
    from local_sagemaker.history import History
    from local_sagemaker.registry import Registry

    Registry(History(home)).collect(group, "/".join(settings.load(env).collections))


def _finish(definition: Definition, home: Home, result: Result, as_json: bool) -> "Outcome":
    from fraud import outcome, run_report

    found = outcome.read(home, result)
    report = home.folder / "reports" / f"{result.execution}.html"
    run_report.write(report, definition=definition.source, result=result, outcome=found)
    if as_json:
        print_json(_document(result, found, report))
        return found
    for step in result.steps:
        if step.status == "Failed":
            _show_failure(step.name, step.reason, step.log)
    for criterion in found.gate:
        if not criterion.is_met:
            value = "not known" if criterion.value is None else f"{criterion.value:.4g}"
            print(f"not met: {criterion.name} is {value}, and must be {criterion.bound}")
    if told := _figures(found.metrics):
        print(told)
    if found.model_package_arn:
        print(f"model package: {found.model_package_arn}")
    print(f"report: {report}")
    print(f"{result.status} in {result.seconds:.1f} s")
    return found


def _figures(metrics: Mapping[str, float | None]) -> str:
    """The figures that there are, in a line; built-in algorithms have none out of fold."""
    auc, low, high = (metrics.get(name) for name in ("auc", "auc_lower", "auc_upper"))
    if auc is None:
        return ""
    parts = [f"test: AUC {auc:.3f}" + ("" if low is None or high is None else f" ({low:.3f}–{high:.3f})")]
    if (precision := metrics.get("average_precision")) is not None:
        parts.append(f", average precision {precision:.3f}")
    if (folds := metrics.get("out_of_fold_auc")) is not None:
        parts.append(f"; out of fold: AUC {folds:.3f}")
    if (loss := metrics.get("champion_auc_loss")) is not None:
        parts.append(f"; {abs(loss):.3f} {'below' if loss > 0 else 'above'} the champion")
    return "".join(parts)


def _show_failure(step: str, reason: str, log: Path | None) -> None:
    print(f"{step} failed: {reason}")
    if log and log.exists():
        lines = log.read_text(errors="replace").splitlines()
        print(f"last lines of {log}:")
        print("\n".join(f"  {line}" for line in lines[-_LOG_LINES:]))


def _explain(definition: Definition, home: Home, step: str, pipeline: str, overrides: Mapping[str, str], as_json: bool) -> None:
    from local_sagemaker.explain import explain

    found = explain(definition, home, step, pipeline=pipeline, overrides=overrides)
    if as_json:
        print_json({"step": step, "would_be_reused": found.is_hit, "why": found.why, "last_ran": found.last_ran})
    else:
        print(f"{step} would {'be reused' if found.is_hit else 'run'}: {found.why}")
        print(f"{step} {found.last_ran}")


def _document(result: Result, found: "Outcome", report: Path) -> dict[str, Any]:
    return {
        "execution": result.execution,
        "status": result.status,
        "seconds": round(result.seconds, 3),
        "steps": [
            {
                "name": step.name,
                "type": step.type,
                "status": step.status,
                "seconds": round(step.seconds, 3),
                "cached": step.is_cached,
                "attempts": step.attempts,
            }
            | ({"reason": step.reason} if step.reason else {})
            for step in result.steps
        ],
        "metrics": dict(found.metrics),
        "gate": [criterion.to_document() for criterion in found.gate],
        "champion": found.champion or None,
        "model_package_arn": found.model_package_arn,
        "report": str(report),
    }

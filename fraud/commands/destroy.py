"""``fraud destroy``: an environment and all that it holds."""

import sys
from typing import Annotated

import typer

from fraud.commands.shared import AsJson, Env, context_of, print_json
from fraud.errors import FAILED, InputError

_TRIES = 3


def destroy(
    context: typer.Context,
    env: Env = "dev",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Destroy an environment: its stacks, its claims, its models.

    Refuses environments whose settings retain their data. Ends with a list of
    what nobody can delete. What stands behind -- goes to `cdk destroy` as it is.

    Examples:

      fraud destroy --env dev
    """
    import settings
    from fraud.deployment import account, teardown, toolchain

    chosen = settings.load(env)
    toolchain.check_passed_on(context.args)
    teardown.refuse_if_retained(chosen)
    toolchain.node()
    place = account.connect(chosen)
    teardown.refuse_if_protected(place, chosen)
    standing = teardown.stacks(place, chosen)
    if not standing:
        print(f"nothing of {chosen.name} stands in {place.place}", file=sys.stderr if as_json else sys.stdout)
    else:
        _ask(chosen.name, place.place, standing, yes)
    common = ["--force", "-c", f"env={context_of(env)}", "-c", "guardrails=false", "--output", f"cdk.out/{chosen.name}", *context.args]
    key = None
    for attempt in range(_TRIES):
        if not standing:
            break
        teardown.stop(place, chosen, said=_said)
        # Once there is no pipeline, nothing fills the buckets again but access logs, which S3 delivers late.
        toolchain.cdk(["destroy", chosen.stack_name("pipeline"), *common], region=place.region, is_quiet=as_json)
        key = teardown.purge(place, chosen, said=_said) or key
        toolchain.cdk(["destroy", "--all", *common], region=place.region, is_quiet=as_json)
        for orphan in teardown.orphans(teardown.stacks(place, chosen), chosen):
            teardown.delete(place, orphan, said=_said)
        standing = teardown.stacks(place, chosen)
        if standing and attempt + 1 < _TRIES:
            print("not everything could be deleted; trying again", file=sys.stderr)
    left = teardown.leftovers(place, key)
    if as_json:
        print_json({"env": chosen.name, "account": place.id, "region": place.region, "standing": standing, "left": left})
    else:
        print("\n".join(["what is left:", *(f"  {line}" for line in left)]))
    if standing:
        print(f"error: {', '.join(standing)} could not be deleted; CloudFormation's events say why", file=sys.stderr)
        raise typer.Exit(FAILED)


def _said(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _ask(name: str, place: str, standing: list[str], yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise InputError("without a terminal nobody can confirm: give --yes")
    _said(f"this deletes {', '.join(standing)} in {place}, with all claims, models and logs in them")
    print(f"type {name} to go on: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != name:
        raise InputError("not confirmed; nothing has been deleted")

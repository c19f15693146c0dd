"""``fraud deploy``: the environment's stacks into an account."""

import sys
from typing import Annotated

import typer

from fraud.commands.shared import Env, context_of
from fraud.errors import FAILED, InputError


def deploy(
    context: typer.Context,
    env: Env = "dev",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before permissions are widened.")] = False,
) -> None:
    """Deploy an environment with the CDK CLI, after a look at whose account it is.

    What stands behind -- goes to `cdk deploy` as it is.

    Examples:

      fraud deploy --env dev

      fraud deploy --env prod --yes -- --no-rollback
    """
    import settings
    from fraud.deployment import account, teardown, toolchain

    chosen = settings.load(env)
    toolchain.check_passed_on(context.args)
    if not yes and not sys.stdin.isatty():
        raise InputError("without a terminal nobody can approve wider permissions: give --yes")
    toolchain.node()
    place = account.connect(chosen)
    account.check_bootstrap(place)
    print(f"deploying {chosen.name} to {place.place}", flush=True)
    approval = "never" if yes else "broadening"
    arguments = ["deploy", "--all", "--require-approval", approval, "-c", f"env={context_of(env)}", "--output", f"cdk.out/{chosen.name}"]
    if toolchain.cdk([*arguments, *context.args], region=place.region):
        raise typer.Exit(FAILED)
    for orphan in teardown.orphans(teardown.stacks(place, chosen), chosen):
        print(f"note: {orphan} stands, and the settings of {chosen.name} ask for it no more: delete it with CloudFormation")

"""``fraud cdk``: the pinned CDK CLI, with whichever Node set-up has found."""

import typer


def cdk(context: typer.Context) -> None:
    """Run the CDK CLI of this project: all that follows goes to it as it is.

    Examples:

      fraud cdk bootstrap aws://111111111111/eu-west-1

      fraud cdk diff -c env=prod
    """
    from fraud.deployment import toolchain

    raise typer.Exit(toolchain.cdk(context.args))

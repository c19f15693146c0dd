"""The CDK app: one environment's settings in, its CloudFormation templates out.

    python app.py                         # dev, into cdk.out
    cdk synth -c env=prod                 # another environment, by name or by the path of its .yaml file
    cdk synth -c guardrails=false         # templates only, without checking them
"""

import gc
import json
import os
import sys
from pathlib import Path

# A synth makes objects until it ends: to look for garbage on the way takes a tenth of its time and finds next to none.
gc.disable()

# Node's and jsii's own notes on versions would stand between ours; what is too old is said by `fraud`.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
os.environ.setdefault("NODE_NO_WARNINGS", "1")

import aws_cdk as cdk

import settings
from pipeline_definition.errors import DefinitionError
from stacks.stage import compose


def build(env: str = "dev", *, outdir: str | None = None, has_guardrails: bool = True) -> cdk.App:
    """The app of one environment, not yet synthesized.

    Raises:
        SettingsError: there is no such environment, or its file is wrong.
    """
    chosen = settings.load(env)
    app = cdk.App(outdir=outdir, analytics_reporting=False, context=_feature_flags())
    compose(app, chosen)
    if has_guardrails:
        # It takes seconds to load.
        from stacks.guardrails.enforce import enforce

        enforce(app, chosen)
    return app


def _feature_flags() -> dict[str, object]:
    """Those of cdk.json, which only the CLI would read."""
    found: dict[str, object] = json.loads(Path(__file__).with_name("cdk.json").read_text())["context"]
    return found


def main() -> int:
    given = json.loads(os.environ.get("CDK_CONTEXT_JSON", "{}"))
    has_guardrails = str(given.get("guardrails", "true")).lower() != "false"
    try:
        build(given.get("env", "dev"), outdir=os.environ.get("CDK_OUTDIR"), has_guardrails=has_guardrails).synth()
    except (settings.SettingsError, DefinitionError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except RuntimeError as error:
        # The findings have been printed; what jsii adds is the way they came.
        if "ValidationFailed" not in str(error):
            raise
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

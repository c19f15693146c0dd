"""``fraud models``: the local model registry."""

import sys
from typing import Annotated, Any

import typer

from fraud.commands.shared import DEFAULT_HOME, AsJson, HomeOption, print_json
from local_sagemaker import Home
from local_sagemaker.history import History
from local_sagemaker.registry import ModelPackage, Registry

app = typer.Typer(no_args_is_help=True, help="List, describe, approve and reject the model packages of local runs.")

Package = Annotated[str, typer.Argument(help="An ARN, GROUP/VERSION, or a version.")]


@app.command("list")
def list_packages(home: HomeOption = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Show all model packages, latest first.

    Example: fraud models list
    """
    packages = _registry(home).packages()
    if as_json:
        print_json([_document(package) for package in packages])
        return
    if not packages:
        print(f"no model packages in {home} yet: `fraud run` registers one")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("PACKAGE", "STATUS", "CREATED", "THRESHOLD", "EXECUTION"):
        table.add_column(heading, no_wrap=True)
    for package in packages:
        threshold = package.request.get("CustomerMetadataProperties", {}).get("threshold", "")
        table.add_row(
            f"{package.group}/{package.version}", package.status, package.created.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            str(threshold)[:8], package.execution,
        )  # fmt: skip
    # A pipe has no width: nothing is cut off there.
    Console(width=None if sys.stdout.isatty() else 200).print(table)


@app.command()
def describe(package: Package, home: HomeOption = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Show everything that was registered with a model package.

    Example: fraud models describe fraud-detection/1
    """
    found = _registry(home).find(package)
    document = _document(found) | {"request": found.request}
    if as_json:
        print_json(document)
        return
    for name, value in _document(found).items():
        print(f"{name:12} {value}")
    for name, value in found.request.get("CustomerMetadataProperties", {}).items():
        print(f"  {name:14} {value}")
    for container in found.request.get("InferenceSpecification", {}).get("Containers", []):
        print(f"  model          {Home(home).path(container['ModelDataUrl'])}")
    for kind, sources in found.request.get("ModelMetrics", {}).items():
        for source in sources.values():
            print(f"  {kind:14} {Home(home).path(source['S3Uri'])}")


@app.command()
def approve(package: Package, home: HomeOption = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Approve a model package.

    Example: fraud models approve fraud-detection/1
    """
    _decide(package, home, "Approved", as_json)


@app.command()
def reject(package: Package, home: HomeOption = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Reject a model package.

    Example: fraud models reject fraud-detection/1
    """
    _decide(package, home, "Rejected", as_json)


def _decide(name: str, home: Any, status: str, as_json: bool) -> None:
    registry = _registry(home)
    package = registry.find(name)
    registry.set_status(package.arn, status)
    if as_json:
        print_json(_document(registry.find(package.arn)))
    else:
        print(f"{package.arn}: {package.status} → {status}")


def _registry(home: Any) -> Registry:
    return Registry(History(Home(home)))


def _document(package: ModelPackage) -> dict[str, Any]:
    return {
        "arn": package.arn,
        "group": package.group,
        "version": package.version,
        "status": package.status,
        "created": package.created.isoformat(),
        "execution": package.execution,
    }

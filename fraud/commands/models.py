"""``fraud models``: the local model registry."""

from pathlib import Path
from typing import Annotated, Any

import typer

from fraud.commands import collections
from fraud.commands.shared import DEFAULT_HOME, AsJson, HomeOption, print_json
from fraud.errors import InputError
from local_sagemaker import Home
from local_sagemaker.history import History
from local_sagemaker.registry import ModelPackage, Registry

app = typer.Typer(no_args_is_help=True, help="List, describe, compare, approve and reject the model packages of local runs.")
app.add_typer(collections.app, name="collections")

Package = Annotated[str, typer.Argument(help="An ARN, GROUP/VERSION, or a version.")]


@app.command("list")
def list_packages(
    collection: Annotated[str | None, typer.Option(metavar="PATH", help="Only of groups in this collection, or in one inside it.")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Show all model packages, latest first.

    Examples:

      fraud models list

      fraud models list --collection insurance/auto-claims
    """
    from fraud.registry import dossier, reports, tables

    registry, place = _registry(home), Home(home)
    packages = sorted(registry.packages(), key=lambda package: package.created, reverse=True)
    if collection is not None:
        groups = collections.groups_below(registry, collection)
        packages = [package for package in packages if package.group in groups]
    evaluations = [dossier.evaluation(place, package) for package in packages]
    if as_json:
        figures = [{name: one.to_document() for name, one in reports.metrics(found).items()} for found in evaluations]
        print_json([_document(package) | {"metrics": found} for package, found in zip(packages, figures, strict=True)])
        return
    if not packages:
        print(f"no model packages in {collection or home} yet: `fraud run` registers one")
        return
    rows = [
        (
            f"{package.group}/{package.version}", package.status, package.created.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            *tables.metrics_of(found), str(_metadata(package).get("threshold", ""))[:8],
            str(_metadata(package).get("framework", "")), package.execution,
        )
        for package, found in zip(packages, evaluations, strict=True)
    ]  # fmt: skip
    headings = ("PACKAGE", "STATUS", "CREATED", "AUC", "AVG PRECISION", "THRESHOLD", "FRAMEWORK", "EXECUTION")
    tables.print_all([tables.table(headings, rows)])


@app.command()
def describe(package: Package, home: HomeOption = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Show all that a model package was registered with.

    Metrics with their intervals, what the gate asked, bias of every facet,
    what the score depends on, the hashes of data and code, the drift
    baselines and the model card.

    Examples:

      fraud models describe fraud-detection/1

      fraud models describe 3 --json
    """
    from fraud.registry import dossier, tables

    history = History(Home(home))
    found = dossier.read(Home(home), history, Registry(history).find(package))
    if as_json:
        print_json(_document(found.package) | dossier.to_document(found) | {"request": found.package.request})
    else:
        tables.print_all(tables.describe(found))


@app.command()
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="An ARN, GROUP/VERSION, or a version.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Likewise; what is better or worse is said of this one.")],
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the comparison as a page with charts.")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Put two model packages side by side.

    A difference within the intervals is said to be noise, and whether data
    and code are the same is told from their hashes.

    Examples:

      fraud models compare 1 2

      fraud models compare fraud-detection/1 fraud-detection/2 --html comparison.html
    """
    from fraud.registry import comparison, dossier, tables

    place, history = Home(home), History(Home(home))
    registry = Registry(history)
    left, right = (dossier.read(place, history, registry.find(name)) for name in (a, b))
    if left.package.arn == right.package.arn:
        raise InputError(f"{a} and {b} are the same model package, {left.name}: give two")
    found = comparison.compare(left, right)
    if html:
        from fraud.registry import comparison_page

        _write(html, comparison_page.html(found))
    if as_json:
        print_json(comparison.to_document(found) | ({"html": str(html)} if html else {}))
        return
    tables.print_all([*tables.compare(found), "\n".join(tables.notes(found))])
    if html:
        print(f"\npage: {html}")


@app.command()
def card(
    package: Package,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Copy the card's page there, or its content to a .json file.")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Say where the model card of a package is, or copy it.

    Examples:

      fraud models card fraud-detection/1

      fraud models card 1 --out card.html
    """
    from fraud.registry import dossier

    history = History(Home(home))
    found = dossier.read(Home(home), history, Registry(history).find(package))
    if found.card is None:
        raise InputError(f"{found.name} was registered without a model card: register a version by a new `fraud run` to have one")
    wanted = found.card.content if out and out.suffix == ".json" else found.card.page
    chosen = wanted or (None if out else found.card.content)
    if chosen is None:
        raise InputError(f"the model card of {found.name} is not at {found.metadata['model_card_uri']} any more")
    if out:
        _write(out, chosen.read_text(encoding="utf-8"))
    if as_json:
        files = {"page": found.card.page, "content": found.card.content, "out": out}
        print_json({name: str(file) if file else None for name, file in files.items()})
    else:
        print(out or chosen)


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


def _decide(name: str, home: Path, status: str, as_json: bool) -> None:
    registry = _registry(home)
    package = registry.find(name)
    registry.set_status(package.arn, status)
    if as_json:
        print_json(_document(registry.find(package.arn)))
    else:
        print(f"{package.arn}: {package.status} → {status}")


def _write(file: Path, content: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror}") from error


def _registry(home: Path) -> Registry:
    return Registry(History(Home(home)))


def _metadata(package: ModelPackage) -> dict[str, Any]:
    return package.request.get("CustomerMetadataProperties") or {}


def _document(package: ModelPackage) -> dict[str, Any]:
    return {
        "arn": package.arn,
        "group": package.group,
        "version": package.version,
        "status": package.status,
        "created": package.created.isoformat(),
        "execution": package.execution,
    }

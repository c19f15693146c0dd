"""``fraud models collections``: the tree of collections that hold model package groups."""

from typing import Annotated, Any

import typer

from fraud.commands.shared import DEFAULT_HOME, AsJson, HomeOption, print_json
from fraud.errors import InputError
from local_sagemaker import Home
from local_sagemaker.history import History
from local_sagemaker.registry import Registry

app = typer.Typer(no_args_is_help=True, help="Order model package groups in collections, which may hold collections in turn.")

CollectionPath = Annotated[str, typer.Argument(metavar="PATH", help="Names with / between them, from the outermost collection.")]
Group = Annotated[str, typer.Argument(metavar="GROUP", help="A model package group.")]


@app.command("list")
def list_collections(home: HomeOption = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Show the tree of collections with their groups.

    Example: fraud models collections list
    """
    registry = _registry(home)
    found = registry.collections()
    if as_json:
        print_json([{"path": one.path, "groups": list(one.groups)} for one in found])
        return
    if not found:
        print(f"no collections in {home} yet: `fraud run` makes one, and so does `fraud models collections add PATH GROUP`")
        return
    from rich.tree import Tree

    from fraud.registry import tables

    packages = registry.packages()
    root = Tree("collections", guide_style="dim")
    branches: dict[str, Any] = {"": root}
    for one in found:
        parent, _, name = one.path.rpartition("/")
        branches[one.path] = branches[parent].add(f"{name}/")
        for group in one.groups:
            versions = [package for package in packages if package.group == group]
            approved = [package.version for package in versions if package.status == "Approved"]
            said = f"{len(versions)} version{'s' if len(versions) != 1 else ''}"
            branches[one.path].add(f"{group} ({said}{f', version {max(approved)} approved' if approved else ''})")
    tables.console().print(root)


@app.command()
def add(
    path: CollectionPath,
    group: Annotated[str | None, typer.Argument(metavar="GROUP", help="Without a group, only the collection is made.")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Put a model package group into a collection, which is made if it is not there.

    Examples:

      fraud models collections add insurance/auto-claims fraud-detection

      fraud models collections add insurance/property
    """
    registry = _registry(home)
    if group is None:
        registry.create_collection(path)
    else:
        registry.collect(group, path)
    _said(registry, path, f"{group} is in {path}" if group else f"{path} is there", as_json)


@app.command()
def remove(path: CollectionPath, group: Group, home: HomeOption = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Take a model package group out of a collection; its packages stay.

    Example: fraud models collections remove insurance/auto-claims fraud-detection
    """
    registry = _registry(home)
    registry.uncollect(group, path)
    _said(registry, path, f"{group} is not in {path} any more", as_json)


@app.command()
def delete(path: CollectionPath, home: HomeOption = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Delete a collection that holds nothing.

    Example: fraud models collections delete insurance/property
    """
    registry = _registry(home)
    registry.delete_collection(path)
    _said(registry, path, f"{path} is deleted", as_json)


def groups_below(registry: Registry, path: str) -> set[str]:
    """The groups in a collection and in those inside it.

    Raises:
        InputError: there is no such collection.
    """
    known = registry.collections()
    found = [one for one in known if one.path == path or one.path.startswith(f"{path}/")]
    if not found:
        raise InputError(f"there is no collection {path}; there are {', '.join(one.path for one in known) or 'none yet'}")
    return {group for one in found for group in one.groups}


def _said(registry: Registry, path: str, text: str, as_json: bool) -> None:
    if as_json:
        groups = next((list(one.groups) for one in registry.collections() if one.path == path), None)
        print_json({"path": path, "groups": groups})
    else:
        print(text)


def _registry(home: Any) -> Registry:
    return Registry(History(Home(home)))

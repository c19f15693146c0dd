"""The champion of local runs: what a new model is compared with."""

from local_sagemaker import Home
from local_sagemaker.history import History
from local_sagemaker.registry import ModelPackage, Registry

PARAMETER = "ChampionModelUri"


def package(home: Home, group: str) -> ModelPackage | None:
    """The approved package with the highest version."""
    approved = [package for package in Registry(History(home)).packages(group) if package.status == "Approved"]
    return max(approved, key=lambda package: package.version, default=None)


def uri(home: Home, group: str) -> str:
    """The URI of the champion's model; empty without a champion."""
    found = package(home, group)
    return model_uri(found) if found else ""


def model_uri(package: ModelPackage) -> str:
    """The URI of a package's model; empty where its request names none."""
    containers = (package.request.get("InferenceSpecification") or {}).get("Containers") or [{}]
    return str(containers[0].get("ModelDataUrl") or "")


def name(home: Home, uri: str) -> str:
    """What people call the champion at ``uri``: GROUP/VERSION, or the URI itself if no package has that model."""
    found = (package for package in Registry(History(home)).packages() if model_uri(package) == uri)
    return next((f"{package.group}/{package.version}" for package in found), uri)

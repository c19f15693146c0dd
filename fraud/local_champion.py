"""The champion of local runs: what a new model is compared with."""

from local_sagemaker import Home
from local_sagemaker.history import History
from local_sagemaker.registry import Registry

PARAMETER = "ChampionModelUri"


def uri(home: Home, group: str) -> str:
    """The URI of the model of the approved package with the highest version; empty without one."""
    approved = [package for package in Registry(History(home)).packages(group) if package.status == "Approved"]
    if not approved:
        return ""
    latest = max(approved, key=lambda package: package.version)
    return str(latest.request["InferenceSpecification"]["Containers"][0]["ModelDataUrl"])

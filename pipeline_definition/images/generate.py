"""Writes the table of container images out of the SageMaker SDK's own: ``make images``.

Runs with the SDK's interpreter, not with the project's.
"""

import json
import sys

IMAGES: dict[str, tuple[str, str, str | None]] = {
    "XGBoost": ("xgboost", "3.2-0", "training"),
    "ScikitLearn": ("sklearn", "1.9-0", "training"),
    "LinearLearner": ("linear-learner", "1", None),
    "KMeans": ("kmeans", "1", None),
    "Clarify": ("clarify", "1.0", "processing"),
}
"""By our name: the SDK's name of the framework, the version, and the scope, where the SDK has several."""


def uris() -> dict[str, dict[str, str]]:
    """The whole URI of each image in each region, as the SDK composes it."""
    from sagemaker.core import image_uris

    found: dict[str, dict[str, str]] = {}
    for name, (framework, version, scope) in IMAGES.items():
        config = image_uris.config_for_framework(framework)
        registries = (config[scope] if scope else config)["versions"][version]["registries"]
        more = {"image_scope": "training"} if scope == "training" else {}
        found[name] = {region: image_uris.retrieve(framework, region=region, version=version, **more) for region in sorted(registries)}
    return found


def table() -> dict[str, dict[str, object]]:
    """Repository, tag, and the account that holds the repository in each region."""
    found: dict[str, dict[str, object]] = {}
    for name, by_region in uris().items():
        places = {uri.partition("/")[2] for uri in by_region.values()}
        repository, _, tag = places.pop().partition(":")
        if places:
            raise SystemExit(f"{name} has another repository or tag in some regions: {places}")
        accounts = {region: uri.partition(".")[0] for region, uri in by_region.items()}
        found[name] = {"repository": repository, "tag": tag, "accounts": accounts}
    return found


if __name__ == "__main__":
    json.dump(uris() if "--uris" in sys.argv else table(), sys.stdout, indent=2)
    print()

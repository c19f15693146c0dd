"""Writes the table of container images out of the SageMaker SDK's own: ``make images``.

Runs with the SDK's interpreter, not with the project's.
"""

import json
import sys

IMAGES = {"XGBoost": ("xgboost", "training", "3.2-0")}
"""By our name: the SDK's name of the framework, its scope, and the version."""


def table() -> dict[str, dict[str, object]]:
    """Repository, tag, and the account that holds the repository in each region."""
    from sagemaker.core import image_uris

    found: dict[str, dict[str, object]] = {}
    for name, (framework, scope, version) in IMAGES.items():
        config = image_uris.config_for_framework(framework)[scope]["versions"][version]
        accounts = dict(sorted(config["registries"].items()))
        found[name] = {"repository": config["repository"], "tag": version, "accounts": accounts}
    return found


def uris() -> dict[str, dict[str, str]]:
    """The whole URI of each image in each region, as the SDK composes it."""
    from sagemaker.core import image_uris

    return {
        name: {
            region: image_uris.retrieve(IMAGES[name][0], region=region, version=IMAGES[name][2], image_scope=IMAGES[name][1])
            for region in entry["accounts"]  # type: ignore[attr-defined]
        }
        for name, entry in table().items()
    }


if __name__ == "__main__":
    json.dump(uris() if "--uris" in sys.argv else table(), sys.stdout, indent=2)
    print()

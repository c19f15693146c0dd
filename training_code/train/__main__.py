"""Train: a model of the encoded splits, and its metrics out of fold.

    python -m training_code.train --train out/train --validation out/validation --model-dir model
    python -m training_code.train --framework logistic_regression …

XGBoost trains with early stopping on the validation split, on one host or on
several that share the training claims; scikit-learn's logistic regression on
one. Writes below --model-dir: model.ubj or linear.json, features.json (the
order of the inputs), training.json, and out of fold the metrics (.json) and
the scores (.parquet). Hyperparameters have the frameworks' own names.
"""

import hashlib
import json
import os
import sys
from collections.abc import Sequence
from importlib import resources
from typing import Any

from training_code import failure
from training_code.claims import schema
from training_code.encoded import DataError
from training_code.train import arguments, cluster, data, frameworks, out_of_fold
from training_code.train.arguments import Arguments
from training_code.train.mitigation import Mitigation

_CLAIMS_PER_THREAD = 25_000


def main(argv: Sequence[str] | None = None) -> int:
    given = arguments.parse(argv, __doc__)
    try:
        _train(given, cluster.Hosts.of(os.environ))
    except (DataError, frameworks.HyperparameterError, cluster.ClusterError) as error:
        return failure.report(str(error))
    return 0


def _train(given: Arguments, hosts: cluster.Hosts) -> None:
    mitigation = Mitigation.of(given.mitigation, given.mitigation_facet, given.hyperparameters.seed)
    if len(hosts.names) > 1 and given.framework != frameworks.XGBOOST:
        raise frameworks.HyperparameterError(
            f"framework={given.framework} trains on one instance, not on {len(hosts.names)}: set the count to 1, or framework=xgboost"
        )
    with cluster.joined(hosts) as peers:
        found = data.read(given.train, given.validation, peers)
        fingerprint = _fingerprint(given, found.sha256, peers.size)
        checkpoint = given.checkpoints / f"{fingerprint}.ubj"
        framework = frameworks.create(given.framework, given.hyperparameters, threads=_threads(len(found.train)))
        sample = mitigation.sample(found.train, peers)
        validation = frameworks.Sample(found.validation.features, found.validation.label)
        fit = framework.fit(sample, validation, checkpoint=checkpoint, cluster=peers)
    if peers.rank:
        print(f"{hosts.own} has done its part; {hosts.names[0]} writes the model")
        return
    for name, value in fit.validation.items():
        print(f"validation:{name}={value:.6f}", flush=True)
    predictions = out_of_fold.predict(
        found.train.join(found.validation), lambda rest: fit.model.refit(mitigation.sample(rest)).score,
        max_rows=given.out_of_fold_rows, on_fold=out_of_fold.tell,
    )  # fmt: skip
    folds: dict[str, Any] = out_of_fold.measure(predictions, resamples=given.resamples)
    if peers.size > 1:
        folds["scope"] = f"{hosts.names[0]}'s share of the training claims, one of {peers.size}, and the validation claims"
    values: dict[str, Any] = {f"validation:{name}": value for name, value in fit.validation.items()}
    values |= {f"out_of_fold:{name}": folds[name] for name in ("auc", "average_precision")}
    training = {
        "framework": given.framework,
        "hyperparameters": given.told,
        "objective": {"name": given.objective, "value": values[given.objective]},
        "validation": dict(fit.validation),
        "instances": peers.size,
        "fingerprint": fingerprint,
        "data_sha256": found.sha256,
    } | dict(fit.told)
    given.model_dir.mkdir(parents=True, exist_ok=True)
    fit.model.save(given.model_dir)
    for name, content in {"features.json": list(schema.FEATURE_NAMES), "out_of_fold.json": folds, "training.json": training}.items():
        (given.model_dir / name).write_text(json.dumps(content, indent=2) + "\n")
    out_of_fold.save(predictions, given.model_dir)
    checkpoint.unlink(missing_ok=True)


def _threads(claims: int) -> int:
    """One thread per so many claims, and no more than there are CPUs.

    With less to do than that, threads spend a round waiting for each other:
    two are no faster than one, and beside another job twenty times slower.
    """
    cpus = int(os.environ.get("OMP_NUM_THREADS") or os.environ.get("SM_NUM_CPUS") or os.cpu_count() or 1)
    return max(1, min(cpus, claims // _CLAIMS_PER_THREAD))


def _fingerprint(given: Arguments, content: str, hosts: int) -> str:
    """Names a checkpoint: another file of data, another value, another number of hosts or another program is another name."""
    found = hashlib.sha256(json.dumps([given.framework, given.told, content, hosts], sort_keys=True).encode())
    found.update(frameworks.version(given.framework).encode())
    # Also where the code is run from a zip.
    for file in sorted(resources.files("training_code.train").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".py"):
            found.update(file.read_bytes())
    return found.hexdigest()[:32]


if __name__ == "__main__":
    sys.exit(main())

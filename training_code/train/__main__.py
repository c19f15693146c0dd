"""Train: XGBoost with early stopping on the validation split, and out-of-fold metrics.

    python -m training_code.train --train out/train --validation out/validation --model-dir model

Writes below --model-dir: model.ubj, features.json (the order of the inputs),
training.json, and out of fold the metrics (.json) and the scores (.parquet). Hyperparameters have XGBoost's own names.
"""

import argparse
import dataclasses
import hashlib
import json
import os
import sys
from pathlib import Path

import xgboost as xgb

from training_code import encoded, failure
from training_code.claims import schema
from training_code.paths import ML
from training_code.train import boosting, out_of_fold

_CLAIMS_PER_THREAD = 25_000


def main() -> int:
    parser = _parser()
    arguments = parser.parse_args()
    names = [field.name for field in dataclasses.fields(boosting.Hyperparameters)]
    hyperparameters = boosting.Hyperparameters(**{name: getattr(arguments, name) for name in names})
    try:
        train, validation = encoded.read(arguments.train), encoded.read(arguments.validation)
        for name, split in (("train", train), ("validation", validation)):
            if split.label.min() == split.label.max():
                raise encoded.DataError(f"the {name} split has {len(split)} claims of one class only: nothing to learn from")
    except encoded.DataError as error:
        return failure.report(str(error))
    threads = _threads(len(train))
    fingerprint = _fingerprint(hyperparameters, encoded.digest(arguments.train, arguments.validation))
    features = list(schema.FEATURE_NAMES)
    d_train = xgb.QuantileDMatrix(train.features, train.label, feature_names=features)
    d_validation = xgb.QuantileDMatrix(validation.features, validation.label, feature_names=features, ref=d_train)
    checkpoint = arguments.checkpoints / f"{fingerprint}.ubj"
    booster, history = boosting.fit(
        hyperparameters, d_train, d_validation, threads=threads, checkpoint=checkpoint, on_block=_report
    )
    rounds = booster.num_boosted_rounds()
    print(f"best round: {rounds}")
    print(f"validation:auc={history.validation_auc[history.best_round]:.6f}")
    print(f"validation:logloss={history.validation_logloss[history.best_round]:.6f}")
    predictions = out_of_fold.predict(
        train.join(validation), hyperparameters, rounds=rounds, threads=threads, max_rows=arguments.out_of_fold_rows
    )
    folds = out_of_fold.measure(predictions, resamples=arguments.resamples)
    print(f"out_of_fold:auc={folds['auc']:.6f}")
    print(f"out_of_fold:average_precision={folds['average_precision']:.6f}")
    _write(arguments.model_dir, booster, folds, hyperparameters, fingerprint, history)
    out_of_fold.save(predictions, arguments.model_dir)
    checkpoint.unlink(missing_ok=True)
    return 0


def _threads(claims: int) -> int:
    """One thread per so many claims, and no more than there are CPUs.

    With less to do than that, threads spend a round waiting for each other:
    two are no faster than one, and beside another job twenty times slower.
    """
    cpus = int(os.environ.get("OMP_NUM_THREADS") or os.environ.get("SM_NUM_CPUS") or os.cpu_count() or 1)
    return max(1, min(cpus, claims // _CLAIMS_PER_THREAD))


def _report(rounds: int, history: boosting.History) -> None:
    print(f"round {rounds}: validation logloss {history.validation_logloss[-1]:.6f}, auc {history.validation_auc[-1]:.6f}")


def _write(
    folder: Path, booster: xgb.Booster, folds: dict[str, object],
    hyperparameters: boosting.Hyperparameters, fingerprint: str, history: boosting.History,
) -> None:  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    booster.save_model(folder / "model.ubj")
    for name, content in {
        "features.json": list(schema.FEATURE_NAMES),
        "out_of_fold.json": folds,
        "training.json": {
            "hyperparameters": dataclasses.asdict(hyperparameters),
            "rounds": booster.num_boosted_rounds(),
            "fingerprint": fingerprint,
            "history": dataclasses.asdict(history),
        },
    }.items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n")


def _fingerprint(hyperparameters: boosting.Hyperparameters, content: str) -> str:
    """Names a checkpoint: another file of data, another value or another program is another name."""
    found = hashlib.sha256(json.dumps(dataclasses.asdict(hyperparameters), sort_keys=True).encode())
    found.update(content.encode())
    found.update(xgb.__version__.encode())
    found.update(Path(boosting.__file__).read_bytes())
    return found.hexdigest()[:32]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    environment = os.environ
    parser.add_argument("--train", type=Path, default=environment.get("SM_CHANNEL_TRAIN", ML / "input/data/train"))
    parser.add_argument("--validation", type=Path, default=environment.get("SM_CHANNEL_VALIDATION", ML / "input/data/validation"))
    parser.add_argument("--model-dir", type=Path, default=environment.get("SM_MODEL_DIR", ML / "model"))
    parser.add_argument("--checkpoints", type=Path, default=ML / "checkpoints")
    parser.add_argument("--out_of_fold_rows", type=int, default=200_000, help="claims that take part out of fold")
    parser.add_argument("--resamples", type=int, default=500, help="bootstrap resamples")
    for field in dataclasses.fields(boosting.Hyperparameters):
        parser.add_argument(f"--{field.name}", type=type(field.default), default=field.default)
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""Scores claims: from the bytes of a request to the bytes of its answer.

A request holds raw records (a claim with its customer each) as CSV with or
without a header, JSON Lines, JSON or Parquet; CSV lines with exactly as many
values as the model has features are taken as encoded. A record that cannot be
scored is answered in its place with what is wrong with it; a request that
cannot be read at all raises a ``RequestError``.

CSV answers have a line a record, ``policy_id,score,referred,problem``: the
policy is empty where a record names none, score and decision where there is a
problem, the problem where there is none. JSON answers say the same, and what
the score rests on most. ``referred`` is true where the score reaches the
package's threshold.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training_code import reasons, scoring
from training_code.claims import schema
from training_code.serve import answers, media, requests
from training_code.serve.answers import Reasons
from training_code.serve.encoding import Judged
from training_code.serve.media import Media
from training_code.serve.requests import Request

_IS_BATCH = "SAGEMAKER_BATCH"


@dataclass(frozen=True)
class Model:
    """A scoring model and the score from which on a claim is referred to an investigator."""

    scoring: scoring.Model
    threshold: np.float32


@dataclass(frozen=True)
class Prediction:
    """``score`` float32 and ``referred``, both ``(n,)``; of no meaning where a record has a problem."""

    request: Request
    score: npt.NDArray[np.float32]
    referred: npt.NDArray[np.bool_]
    model: Model


def model_fn(model_dir: str) -> Model:
    """Load the package that lies extracted in ``model_dir``.

    Raises:
        scoring.ModelError: no model, one that cannot be read, or one of other features.
        FileNotFoundError: the package does not say its threshold.
    """
    folder = Path(model_dir)
    model = scoring.load(folder)
    if tuple(model.features) != schema.FEATURE_NAMES:
        raise scoring.ModelError(f"{folder}: the model takes other features than this code makes of a claim; serve it with its own code")
    # A server has a process for each CPU.
    model.use_threads(1)
    # What the model has scored in training and evaluation is single precision, and so is the threshold found there.
    loaded = Model(model, np.float32(json.loads((folder / "review.json").read_text())["threshold"]))
    # The first call of a library is its slowest: not a client's.
    output_fn(predict_fn(input_fn(b"{}", Media.JSON), loaded), Media.JSON)
    return loaded


def input_fn(body: str | bytes, content_type: str) -> Request:
    """The records of a request, judged and encoded.

    Raises:
        RequestError: a type that cannot be read, or a body that is not of its type.
    """
    return requests.read(body.encode() if isinstance(body, str) else bytes(body), content_type)


def predict_fn(request: Request, model: Model) -> Prediction:
    """Score and decision of every record without a problem."""
    score, referred = decide(request.records, model)
    return Prediction(request, score, referred, model)


def decide(records: Judged, model: Model) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Score and decision, both ``(n,)``; a record with a problem has the score 0 and is not referred."""
    score = np.zeros(len(records), np.float32)
    good = _good(records)
    if len(good):
        score[good] = model.scoring.score(records.features if len(good) == len(records) else records.features[good])
    referred = score >= model.threshold
    referred[list(records.problems)] = False
    return score, referred


def explain(records: Judged, model: Model, number: int) -> Reasons | None:
    """Of every record without a problem at most ``number`` reasons; None where the model gives none."""
    if not number or not model.scoring.can_explain:
        return None
    good = _good(records)
    if not len(good):
        return {}
    features = records.features[good]
    found = reasons.top(features, model.scoring.contributions(features), most=number)
    return dict(zip(good.tolist(), found, strict=True))


def _good(records: Judged) -> npt.NDArray[np.intp]:
    is_good = np.ones(len(records), np.bool_)
    is_good[list(records.problems)] = False
    return np.flatnonzero(is_good)


def output_fn(prediction: Prediction, accept: str) -> tuple[str | bytes, str]:
    """The answer with its content type.

    Raises:
        UnsupportedAcceptError: a type that cannot be written.
    """
    request = prediction.request
    kind, number = media.of_answer(accept, request.media)
    found = answers.table(request.records, prediction.score, prediction.referred)
    if kind is Media.CSV:
        # Batch transform assembles lines: there, the line of a header needs one in return.
        return answers.as_csv(found, header=request.has_header and _IS_BATCH in os.environ), str(kind)
    why = explain(request.records, prediction.model, number)
    lines = answers.as_json(found, threshold=shortest(prediction.model.threshold), reasons=why)
    if kind is Media.JSON_LINES:
        return "".join(f"{line}\n" for line in lines), str(kind)
    return (lines[0] if request.is_alone else f"[{', '.join(lines)}]"), str(kind)


def shortest(value: np.float32) -> float:
    """The shortest decimal that is this single-precision number again."""
    return float(str(value))

"""The analysis configuration that SageMaker Clarify's container takes for the project's encoded data.

Standard library only, and a pure function: the pipeline's definition is built from it.
"""

import math
import struct
from collections.abc import Sequence
from typing import Any, Literal

from training_code.claims import schema
from training_code.claims.facets import Facet, FacetError

PREDICTED = "predicted"
SCORE = "score"

_PRE_TRAINING = ("CI", "DPL", "KL", "JS", "LP", "TVD", "KS")
_POST_TRAINING = ("DPPL", "DI", "DCA", "DCR", "SD", "RD", "DAR", "DRR", "AD", "TE", "FT", "GE")


def analysis_config(kind: Literal["pre", "post"], facets: Sequence[Facet], group: str) -> dict[str, Any]:
    """The content of ``analysis_config.json`` for Parquet data.

    ``pre`` describes the training split, ``post`` the predictions that Evaluate
    writes with features: the columns policy_id, fraud, score and predicted
    stand before the features.

    Clarify takes one column as the strata of conditional disparity. A ``group``
    that is encoded as one feature is that column; one that is encoded as one
    feature a level is not to be had in the data, and CDDL or CDDPL is then left
    out of the metrics, which are otherwise all.

    Raises:
        FacetError: a facet that Clarify's configuration cannot express.
    """
    before = kind == "pre"
    column = next((column for column in schema.COLUMNS if column.name == group and column.is_categorical), None)
    if column is None:
        raise FacetError(f"group {group!r} is no categorical column")
    if not facets:
        raise FacetError("Clarify's bias analysis needs at least one facet")
    has_group = column.encoding is schema.Encoding.ORDINAL
    metrics: str | list[str] = "all" if has_group else list(_PRE_TRAINING if before else _POST_TRAINING)
    config: dict[str, Any] = {
        "version": "1.0",
        "dataset_type": "application/x-parquet",
        "label": schema.LABEL,
        "label_values_or_threshold": [1],
        "facet": [_facet(facet) for facet in facets],
        # An identifier takes no part in any computation: the policy's number would else count as a feature.
        "joinsource_name_or_index": schema.KEY,
        "methods": {
            "pre_training_bias" if before else "post_training_bias": {"methods": metrics},
            "report": {"name": "report", "title": f"Bias of the {'training data' if before else 'decisions'}"},
        },
    }
    if has_group:
        config["group_variable"] = group
    if not before:
        config |= {"predicted_label": PREDICTED, "excluded_columns": [SCORE]}
    return config


def _facet(facet: Facet) -> dict[str, Any]:
    column = facet.column
    if facet.level is not None:
        if column.encoding is schema.Encoding.ONE_HOT:
            return {"name_or_index": schema.feature_name(column, facet.level), "value_or_threshold": [1]}
        return {"name_or_index": column.name, "value_or_threshold": [column.levels.index(facet.level)]}
    if facet.minimum is None or facet.maximum is not None:
        raise FacetError(
            f"facet {str(facet)!r}: Clarify takes the values above one threshold as the facet, so that a band must be open above; "
            f"write {column.name}=LOW: with the others as the group below, or let the project's own bias steps compare it"
        )
    return {"name_or_index": column.name, "value_or_threshold": [_below(facet.minimum, is_integer=column.is_integer)]}


def _below(minimum: float, *, is_integer: bool) -> float:
    """A threshold that exactly the values from ``minimum`` on exceed: Clarify's facet is what is greater."""
    if is_integer:
        return math.ceil(minimum) - 0.5
    # Features are single precision, and so must be the value that the threshold is just below.
    (single,) = struct.unpack("f", struct.pack("f", minimum))
    return math.nextafter(single, -math.inf)

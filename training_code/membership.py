"""Which claims belong to a facet, told from their encoded features."""

import numpy as np
import numpy.typing as npt

from training_code.claims import schema
from training_code.claims.facets import Facet


def members(facet: Facet, features: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Which claims ``(n,)`` of encoded features ``(n, len(FEATURE_NAMES))`` belong to the facet."""
    column = facet.column
    if facet.level is None:
        value = features[:, _place(column.name)]
        inside = np.ones(len(features), bool)
        if facet.minimum is not None:
            inside &= value >= facet.minimum
        if facet.maximum is not None:
            inside &= value < facet.maximum
        return inside
    if column.encoding is schema.Encoding.ONE_HOT:
        place, code = _place(schema.feature_name(column, facet.level)), 1
    else:
        place, code = _place(column.name), column.levels.index(facet.level)
    found: npt.NDArray[np.bool_] = features[:, place] == code
    return found


def _place(feature: str) -> int:
    return schema.FEATURE_NAMES.index(feature)

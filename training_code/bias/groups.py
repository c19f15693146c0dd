"""Facets and strata as masks and codes over encoded features."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training_code.bias.analysis import Subject
from training_code.claims import schema
from training_code.claims.facets import Facet, FacetError
from training_code.membership import members as members

Features = npt.NDArray[np.float32]


def parse(texts: Sequence[str]) -> tuple[Facet, ...]:
    """The facets of repeated arguments; raises FacetError for none, an unknown one, or one given twice."""
    if not texts:
        raise FacetError("no facet: name each group to compare, such as --facet customer_gender=Female")
    facets = tuple(Facet.parse(text) for text in texts)
    slugs = [facet.slug for facet in facets]
    if twice := {slug for slug in slugs if slugs.count(slug) > 1}:
        raise FacetError(f"facets are given twice: {', '.join(sorted(twice))}")
    return facets


def subject(facet: Facet) -> Subject:
    """The facet as documents and pages name it."""
    return Subject(facet.slug, facet.column.name, facet.value, _title(facet))


def _title(facet: Facet) -> str:
    name, low, high = facet.column.name, facet.minimum, facet.maximum
    if facet.level is not None:
        return f"{name} {facet.level}"
    if low is None:
        return f"{name} below {high:g}"
    return f"{name} {low:g} and over" if high is None else f"{name} {low:g} to below {high:g}"


def strata(column: schema.Column, features: Features) -> npt.NDArray[np.intp]:
    """The position ``(n,)`` of each claim's level in ``column.levels``."""
    if column.encoding is schema.Encoding.ONE_HOT:
        places = [_place(schema.feature_name(column, level)) for level in column.levels]
        return np.asarray(features[:, places].argmax(axis=1))
    return np.asarray(features[:, _place(column.name)], np.intp)


def group_column(name: str) -> schema.Column:
    """The categorical column whose levels are the strata of CDDL and CDDPL.

    Raises FacetError: there is none of that name.
    """
    categorical = {column.name: column for column in schema.COLUMNS if column.is_categorical}
    if name not in categorical:
        raise FacetError(f"group {name!r} is no categorical column; there are {', '.join(categorical)}")
    return categorical[name]


def likeness(facet: Facet) -> tuple[npt.NDArray[np.intp], Features]:
    """The places of the features by which claims are alike whatever their facet, and each one's unit.

    All columns but the facet's, which must not tell claims apart; in units,
    because dollars would else outweigh everything.
    """
    kept = [place for place, feature in enumerate(schema.FEATURES) if feature.column.name != facet.column.name]
    return np.array(kept), np.array([schema.FEATURES[place].unit for place in kept], np.float32)


def _place(feature: str) -> int:
    return schema.FEATURE_NAMES.index(feature)

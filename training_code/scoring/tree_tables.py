"""Exact TreeSHAP of many claims at once, by tables.

What a leaf adds to the Shapley values of a claim depends on nothing but which
conditions on the way to it the claim meets. For trees that are not deep there
are few such cases; each tree, or for deeper ones each part of it, therefore
becomes a table from the outcomes of its conditions to the contributions of
its features. Scoring a batch is then some comparisons and look-ups for each
tree, over all rows at a time. The values are those of XGBoost's
``pred_contribs``, up to its rounding in float32.

Method: Lundberg et al., "From local explanations to global understanding with
explainable AI for trees" (2020), algorithm 1, of whose sum over subsets this
is the closed form for one leaf.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import factorial
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost as xgb

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

_CONDITIONS = 8
"""At most so many in one table, which has a row for each of their outcomes."""


@dataclass(frozen=True)
class _Part:
    """Some leaves of a tree: the conditions on the way to them, and ``table[outcome]`` for ``features``."""

    conditions: list[tuple[int, np.float32]]
    """(feature, bound): bit n of the outcome is whether the feature is below the bound of condition n."""
    features: list[int]
    table: Floats


class TreeTables:
    """The contributions of a booster's trees."""

    def __init__(self, booster: xgb.Booster) -> None:
        """Raises ValueError: trees deeper than eight conditions, with sets of categories, or with weights of their own (DART)."""
        learner = json.loads(bytes(booster.save_raw("json")))["learner"]
        if learner["gradient_booster"]["name"] != "gbtree":
            raise ValueError(f"a booster {learner['gradient_booster']['name']}")
        trees = learner["gradient_booster"]["model"]["trees"]
        self.parts = [part for tree in trees for part in _Tree(tree).parts()]
        nothing = xgb.DMatrix(np.zeros((1, booster.num_features()), np.float32))
        self.base = float(booster.predict(nothing, pred_contribs=True, validate_features=False)[0, -1])

    def contributions(self, features: npt.NDArray[np.float32]) -> Floats:
        """``(n, f)`` without missing values → ``(n, f + 1)``, the base last."""
        by_feature = np.ascontiguousarray(features.T)
        found = np.zeros((len(by_feature) + 1, len(features)))
        found[-1] = self.base
        for part in self.parts:
            outcome = np.zeros(len(features), np.uint8)
            for place, (feature, bound) in enumerate(part.conditions):
                outcome |= (by_feature[feature] < bound).view(np.uint8) << np.uint8(place)
            for place, feature in enumerate(part.features):
                found[feature] += part.table[place].take(outcome)
        return found.T


class _Tree:
    def __init__(self, tree: dict[str, Any]) -> None:
        if any(tree["split_type"]):
            raise ValueError("a split by a set of categories")
        self.left: list[int] = tree["left_children"]
        self.right: list[int] = tree["right_children"]
        self.feature: list[int] = tree["split_indices"]
        # In a leaf, the value stands where other nodes have their bound.
        self.bound = np.asarray(tree["split_conditions"], np.float32)
        self.cover: list[float] = tree["sum_hessian"]

    def parts(self, node: int = 0, way: tuple[tuple[int, bool], ...] = ()) -> Iterator[_Part]:
        """The leaves below ``node``, to which ``way`` leads as (node, to the left), in as few parts as tables allow."""
        inner = [node for node, _ in way] + self._inner(node)
        if len(inner) <= _CONDITIONS:
            if inner:
                yield self._part(node, way, inner)
        elif self.left[node] < 0:
            raise ValueError(f"a leaf behind {len(way)} conditions")
        else:
            yield from self.parts(self.left[node], (*way, (node, True)))
            yield from self.parts(self.right[node], (*way, (node, False)))

    def _inner(self, node: int) -> list[int]:
        if self.left[node] < 0:
            return []
        return [node, *self._inner(self.left[node]), *self._inner(self.right[node])]

    def _leaves(self, node: int, way: tuple[tuple[int, bool], ...]) -> Iterator[tuple[int, tuple[tuple[int, bool], ...]]]:
        if self.left[node] < 0:
            yield node, way
        else:
            yield from self._leaves(self.left[node], (*way, (node, True)))
            yield from self._leaves(self.right[node], (*way, (node, False)))

    def _part(self, node: int, way: tuple[tuple[int, bool], ...], inner: list[int]) -> _Part:
        features = sorted({self.feature[node] for node in inner})
        outcomes = np.arange(2 ** len(inner))
        table = np.zeros((len(features), len(outcomes)))
        for leaf, path in self._leaves(node, way):
            own = sorted({self.feature[node] for node, _ in path})
            shares, met = np.ones(len(own)), np.zeros(len(outcomes), np.intp)
            for place, feature in enumerate(own):
                steps = [(node, to_left) for node, to_left in path if self.feature[node] == feature]
                kept = np.ones(len(outcomes), bool)
                for node_, to_left in steps:
                    child = self.left[node_] if to_left else self.right[node_]
                    shares[place] *= self.cover[child] / self.cover[node_]
                    kept &= (outcomes >> inner.index(node_) & 1).astype(bool) == to_left
                met |= kept << place
            values = float(self.bound[leaf]) * _shapley(shares)
            for place, feature in enumerate(own):
                table[features.index(feature)] += values[place][met]
        return _Part([(self.feature[node], self.bound[node]) for node in inner], features, table)


def _shapley(shares: Floats) -> Floats:
    """Shapley values ``(d, 2**d)`` of a leaf of value 1, for each set of features whose conditions a claim meets.

    The game pays 1 where every feature that plays meets its conditions, times the ``shares``
    ``(d,)`` of training claims that meet those of each feature that does not play.
    """
    sets = np.arange(2 ** len(shares))
    bits = (sets >> np.arange(len(shares))[:, None]) & 1
    of_sets = np.where(bits, shares[:, None], 1.0).prod(axis=0)
    found: Floats = (bits - shares[:, None]) * (_weights(len(shares)) @ of_sets)
    return found


@cache
def _weights(size: int) -> Floats:
    """``(size, 2**size, 2**size)``: feature, met set, set of those beside the feature that do not play → weight."""
    found = np.zeros((size, 2**size, 2**size))
    everyone = 2**size - 1
    met = np.arange(2**size)
    for feature in range(size):
        for absent in range(2**size):
            if absent >> feature & 1:
                continue
            playing = everyone ^ absent ^ (1 << feature)
            before = playing.bit_count()
            weight = factorial(before) * factorial(size - 1 - before) / factorial(size)
            found[feature, (met & playing) == playing, absent] = weight
    return found

"""What a search draws: within its ranges, on their scales, of their types."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_sagemaker.tuning import ranges
from local_sagemaker.tuning.search import Search


def _drawn(kind: str, entry: dict[str, Any], number: int, strategy: str = "Random") -> list[str]:
    search = Search(
        ranges.read({f"{kind}ParameterRanges": [{"Name": "x"} | entry]}), strategy=strategy, is_maximized=True, seed=3, size=number,
        stops_early=False, resources={},
    )  # fmt: skip
    found = []
    for _ in range(number):
        proposal = search.ask()
        found.append(proposal.hyperparameters["x"])
        search.tell(proposal, 0.5)
    return found


_NUMBERS = st.floats(1e-6, 1e6)


@settings(max_examples=40, deadline=None)
@given(bounds=st.tuples(_NUMBERS, _NUMBERS).map(sorted), scaling=st.sampled_from(["Auto", "Linear", "Logarithmic"]))
def test_numbers_are_drawn_within_their_range(bounds: list[float], scaling: str) -> None:
    low, high = bounds
    drawn = _drawn("Continuous", {"MinValue": repr(low), "MaxValue": repr(high), "ScalingType": scaling}, 5)
    assert all(low <= float(text) <= high for text in drawn)


@settings(max_examples=40, deadline=None)
@given(bounds=st.tuples(st.floats(0, 0.999999), st.floats(0, 0.999999)).map(sorted))
def test_the_distance_to_one_is_drawn_by_orders_of_magnitude(bounds: list[float]) -> None:
    low, high = bounds
    drawn = _drawn("Continuous", {"MinValue": repr(low), "MaxValue": repr(high), "ScalingType": "ReverseLogarithmic"}, 5)
    assert all(low <= float(text) <= high for text in drawn)


@settings(max_examples=40, deadline=None)
@given(bounds=st.tuples(st.integers(1, 5000), st.integers(1, 5000)).map(sorted), scaling=st.sampled_from(["Auto", "Linear", "Logarithmic"]))
def test_integers_are_integers(bounds: list[int], scaling: str) -> None:
    low, high = bounds
    drawn = _drawn("Integer", {"MinValue": str(low), "MaxValue": str(high), "ScalingType": scaling}, 5)
    assert all(low <= int(text) <= high for text in drawn)


@pytest.mark.parametrize(
    ("scaling", "low", "high", "expected"),
    [
        ("Linear", 0.0001, 1, 0.5), ("Logarithmic", 0.0001, 1, 0.01), ("Auto", 0.0001, 1, 0.01), ("Auto", 0.5, 1, 0.75),
        ("Auto", -1, 1, 0.0), ("ReverseLogarithmic", 0.0, 0.9999, 0.99),
    ],
)  # fmt: skip
def test_half_of_the_draws_lie_below_the_middle_of_the_scale(scaling: str, low: float, high: float, expected: float) -> None:
    drawn = _drawn("Continuous", {"MinValue": str(low), "MaxValue": str(high), "ScalingType": scaling}, 400)
    below = sum(float(text) < expected for text in drawn)
    # Four standard deviations of a fair coin.
    assert abs(below - 200) < 4 * math.sqrt(100)


def test_a_bayesian_search_comes_nearer_to_the_best_than_a_random_one() -> None:
    def distance(strategy: str) -> float:
        entry = {"Name": "x", "MinValue": "0", "MaxValue": "1"}
        search = Search(
            ranges.read({"ContinuousParameterRanges": [entry, entry | {"Name": "y"}]}), strategy=strategy, is_maximized=False, seed=5,
            size=60, stops_early=False, resources={},
        )  # fmt: skip
        late = []
        for number in range(60):
            proposal = search.ask()
            x, y = (float(proposal.hyperparameters[name]) for name in "xy")
            value = (x - 0.7) ** 2 + (y - 0.2) ** 2
            search.tell(proposal, value)
            if number >= 40:
                late.append(value)
        return sum(late) / len(late)

    assert distance("Bayesian") < distance("Random") / 3


def test_several_categories_and_none() -> None:
    assert set(_drawn("Categorical", {"Values": ["a", "b"]}, 20)) == {"a", "b"}
    assert set(_drawn("Categorical", {"Values": ["3", "5"]}, 20, "Bayesian")) == {"3", "5"}

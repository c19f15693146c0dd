"""Statistics over batches against those over all rows at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from training_code.column_statistics import Numbers, Sketch

VALUES = arrays.arrays(
    np.float64, st.tuples(st.integers(1, 60), st.just(2)), elements=st.floats(-1e6, 1e6, width=32) | st.integers(0, 5).map(float)
)


@given(VALUES, st.lists(st.integers(0, 60), max_size=4))
def test_batches_give_what_all_rows_at_once_give(values: np.ndarray, cuts: list[int]) -> None:
    numbers = Numbers(2)
    batches = np.split(values, sorted(cuts))
    for batch in batches:
        numbers.add(batch)
    for batch in batches:
        numbers.count(batch)
    for place, column in enumerate(values.T):
        found = numbers.feature(place, "x", is_integer=False)["numerical_statistics"]
        assert found["common"] == {"num_present": len(column), "num_missing": 0}
        for name, expected in {"mean": column.mean(), "sum": column.sum(), "std_dev": column.std()}.items():
            assert found[name] == pytest.approx(expected, rel=1e-9, abs=1e-6)
        assert (found["min"], found["max"]) == (column.min(), column.max())
        buckets = found["distribution"]["kll"]["buckets"]
        assert sum(bucket["count"] for bucket in buckets) == len(column)
        assert (buckets[0]["lower_bound"], buckets[-1]["upper_bound"]) == (column.min(), column.max())
        for bucket in buckets[:-1]:
            inside = (column >= bucket["lower_bound"]) & (column < bucket["upper_bound"])
            # numpy decides about values on an edge by its own rounding.
            near = np.isclose(column, bucket["lower_bound"]) | np.isclose(column, bucket["upper_bound"])
            assert abs(int(inside.sum()) - bucket["count"]) <= near.sum() or len(buckets) == 1


@settings(deadline=None)
@given(st.integers(1, 20_000), st.integers(1, 5_000), st.integers(0, 3))
def test_a_sketch_weighs_as_much_as_its_values_and_knows_their_ranks(size: int, batch: int, kind: int) -> None:
    rng = np.random.default_rng(size)
    values = [rng.normal(size=size), rng.integers(0, 7, size).astype(float), np.arange(size, dtype=float), np.arange(size, 0.0, -1)][kind]
    sketch = Sketch()
    for start in range(0, size, batch):
        sketch.add(values[start : start + batch])
    items = np.concatenate(sketch.levels)
    weights = np.concatenate([np.full(len(level), 2**height) for height, level in enumerate(sketch.levels)])
    assert weights.sum() == size
    assert len(items) < 1_200
    for quantile in (0.1, 0.5, 0.9):
        value = np.quantile(values, quantile)
        low, high = weights[items < value].sum(), weights[items <= value].sum()
        below, upto = (values < value).sum(), (values <= value).sum()
        # The ranks that the sketch gives to the value overlap with its true ranks, to 2 %.
        assert low <= upto + 0.02 * size + 1 and high >= below - 0.02 * size - 1

"""The rows of a holdout: means against a plain loop, hashes, and rows that are none."""

import datetime
import math

import numpy as np
import pytest
from contracts import require
from hypothesis import given, settings
from hypothesis import strategies as st

from uq.reuse._rows import clipped_mean, count_rows, digest_rows, stand_in

NUMBERS = st.floats(-3, 3) | st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 1e300, 5e-324])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(NUMBERS, min_size=1, max_size=30), st.sampled_from([(0, 1), (-2, 5), (1e-300, 2e-300), (-1e150, 1e150)])
)
def test_the_clipped_mean_is_that_of_a_loop(values, bounds):
    low, high = bounds
    total, clipped = [], 0
    for value in values:
        inside = low <= value <= high
        clipped += not inside
        total.append(value if inside else (low + high) / 2 if math.isnan(value) else low if value < low else high)
    mean, count = clipped_mean(np.array(values), bounds)
    assert count == clipped
    assert mean == pytest.approx(math.fsum(total) / len(values), rel=1e-12, abs=1e-12 * (high - low))


def test_hashes_tell_values_shapes_and_parts_apart():
    x = np.arange(6.0)
    different = [
        x, x[::-1], x[:5], x.reshape(3, 2), x.reshape(2, 3), (x, x), (x,) * 3, {"a": x}, {"b": x},
        np.where(x > 4, np.nan, x),
        list("abcdef"), ["ab", "c", "def"], ["a", "bc", "def"], [{"a": 1}], [{"a": 2}], ["1", "2"], [1, 2], [None, "a"],
        [datetime.date(2020, 1, 1), "a"], ["2020-01-02", "a"],
    ]  # fmt: skip
    assert len({digest_rows(data) for data in different}) == len(different)


def test_hashes_see_through_containers():
    x = np.arange(6.0)
    same = [x, x.tolist(), list(range(6)), x.astype(np.float32), x.astype(int), x.astype(object), x[::1].copy()]
    assert len({digest_rows(data) for data in same}) == 1
    zeros, nans = np.zeros(2), np.array([np.nan, 1.0])
    assert digest_rows(zeros) == digest_rows(-zeros)
    assert digest_rows(nans) == digest_rows(-nans * np.array([1, -1]))
    assert (
        digest_rows(np.array(["a", "b"])) == digest_rows(["a", "b"]) == digest_rows(np.array(["a", "b"], dtype=object))
    )


def test_stand_ins_have_the_form_and_no_content():
    pd, pl = require("pandas"), require("polars")
    x, texts = np.arange(1.0, 5), ["a", "b", "c", "d"]
    frame = pd.DataFrame({"x": x, "t": texts, "b": [True] * 4, "i": [1, 2, 3, 4]})
    for data in (x, x.reshape(2, 2), texts, np.array(texts), np.array(texts, dtype=object), (x, texts), {"x": x}, frame,
                 pl.DataFrame({"x": x, "t": texts}), pd.Series(x, name="x"), [True, False]):  # fmt: skip
        made = stand_in(data)
        assert type(made) is type(data)
        assert count_rows(made) == count_rows(data)
        assert stand_in(made) is not None
        assert digest_rows(made) != digest_rows(data)
        assert digest_rows(stand_in(made)) == digest_rows(made), "nothing of the data is left"
    assert list(stand_in(frame).columns) == list(frame.columns)
    assert (stand_in(frame).dtypes == frame.dtypes).all()
    assert stand_in([{"a": 1}]) is None

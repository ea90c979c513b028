"""The rows of a holdout: means against a plain loop, hashes, and rows that are none."""

import math

import numpy as np
import pytest
from contracts import require
from hypothesis import given, settings
from hypothesis import strategies as st

from uq.exceptions import InputError
from uq.reuse import Holdout, NaiveReuse
from uq.reuse._digest import digest_rows
from uq.reuse._query import clipped_mean
from uq.reuse._rows import count_rows, divisible, part_of, protected, stand_in

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


def test_what_looks_like_rows_and_is_none_is_refused_with_the_remedy():
    pd, sparse = require("pandas"), require("scipy.sparse")
    X, y = np.arange(10.0).reshape(5, 2), np.arange(5)
    for pair in ([X, y], [X, y, y], [X.tolist(), y.tolist()], [pd.DataFrame(X), pd.DataFrame(y)], [pd.DataFrame(X), y]):
        with pytest.raises(InputError, match=r"must be a tuple .* \(X, y\); got a list"):
            count_rows(pair)
    for data in (sparse.csr_matrix(X), (sparse.csr_array(X), y), {"X": sparse.coo_matrix(X)}):
        with pytest.raises(InputError, match=r"sparse .* Use \.toarray\(\)"):
            count_rows(data)
    masked = np.ma.masked_array(y, y > 3)
    for data in (masked, (X, masked), {"y": masked}, (X, np.ma.masked_array(X, X > 3))):
        with pytest.raises(InputError, match="must not be masked"):
            Holdout(data, NaiveReuse(1))
        with pytest.raises(InputError, match="must not be masked"):
            Holdout(y, NaiveReuse(1), rehearsal=data)


def test_ragged_lists_and_short_ones_are_rows():
    for data, n in (
        ([[1, 2], [1]], 2), (([[1, 2], [1]], [0, 1]), 2), ([[1, 2], [3, 4]], 2), ([X for X in np.eye(2)], 2),
        ([1, None], 2), (["a b", "c"], 2), ([{"a": 1}, {"b": 2}], 2), ((["a b", "c"], [0, 1]), 2),
        (np.ma.masked_array([1, 0, 1]), 3),
    ):  # fmt: skip
        assert count_rows(data) == n
        assert Holdout(data, NaiveReuse(1)).mean(np.ones(n)).value == 1
    ragged = ([[1, 2], [1]], [0, 1])
    assert (
        Holdout(ragged, NaiveReuse(1), rehearsal=ragged).mean(lambda pair: [len(r) > 1 for r in pair[0]]).value == 0.5
    )


@pytest.mark.parametrize("kind", ["array", "list", "pandas", "series", "polars", "pyarrow", "torch", "pair", "dict"])
def test_parts_of_rows_are_those_rows(kind):
    x = np.arange(12.0)
    make = {
        "array": lambda x: x, "list": lambda x: x.tolist(), "pandas": lambda x: require("pandas").DataFrame({"x": x}),
        "series": lambda x: require("pandas").Series(x), "polars": lambda x: require("polars").DataFrame({"x": x}),
        "pyarrow": lambda x: require("pyarrow").table({"x": x}), "torch": lambda x: require("torch").tensor(x),
        "pair": lambda x: (x.reshape(-1, 1), x.tolist()), "dict": lambda x: {"a": x, "b": -x},
    }[kind]  # fmt: skip
    assert divisible(make(x))
    for start, stop in ((0, 1), (3, 9), (11, 12), (0, 12)):
        part = part_of(make(x), start, stop)
        assert type(part) is type(make(x))
        assert count_rows(part) == stop - start
        assert digest_rows(part) == digest_rows(make(x[start:stop]))
        assert digest_rows(protected(part)) == digest_rows(part)

"""Every container gives the same numbers, its missing values become NaN, and what is no numbers is refused."""

import numpy as np
import pytest
from contracts import CONTAINERS, in_container, require
from hypothesis import given
from hypothesis import strategies as st

from uq._base.containers import as_labels, as_numeric, column_names, index_of, to_frame
from uq.exceptions import InputError

VECTOR = np.array([0.0, 1.0, -2.5, 0.375, 100.0])
MATRIX = np.array([[0.0, 1.0, 2.0], [0.5, -3.0, 64.0], [1.0, 1.0, 1.0], [0.25, 0.125, 8.0]])


@pytest.mark.parametrize("kind", CONTAINERS)
@pytest.mark.parametrize("x", [VECTOR, MATRIX], ids=["vector", "matrix"])
def test_every_container_gives_the_same_numbers(kind, x):
    array = as_numeric(in_container(kind, x), "f", "x")
    assert type(array) is np.ndarray
    assert array.dtype == np.float64
    assert array.dtype.isnative
    assert np.array_equal(array, x)


@pytest.mark.parametrize("dtype", ["?", "b", "B", "h", "i", "l", "q", "Q", "e", "f", "d", "g"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 1), (0,), (2, 3, 4)])
def test_numpy_of_every_dtype_and_shape(dtype, shape):
    x = np.ones(shape, dtype=dtype)
    array = as_numeric(x, "f", "x")
    assert array.shape == shape
    assert array.dtype == np.float64
    assert (array == 1).all()


def test_float64_is_not_copied():
    assert np.shares_memory(as_numeric(VECTOR, "f", "x"), VECTOR)
    view = MATRIX[:, 1]
    assert np.shares_memory(as_numeric(view, "f", "x"), view)


def test_plain_numbers_and_nested_lists():
    assert as_numeric(3, "f", "x").shape == ()
    assert as_numeric([[1, 2], [3, 4]], "f", "x").tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert as_numeric([True, False], "f", "x").tolist() == [1.0, 0.0]
    assert as_numeric(range(3), "f", "x").tolist() == [0.0, 1.0, 2.0]
    assert np.isnan(as_numeric([1.0, None], "f", "x")).tolist() == [False, True]


@pytest.mark.parametrize(
    "bad",
    ["abc", b"abc", None, {"a": 1}, {1, 2}, ["a", "b"], [1.0, "2"], [1 + 2j], np.array([1j]), [[1, 2], [3]],
     np.array(["2020-01-01"], dtype="M8[D]"), np.array([3], dtype="m8[s]"), np.array(["1", "2"]), [object()],
     np.array([b"1"], dtype="S"), iter([1, 2]), lambda: 1, object(), [np.array([1j])[0], 1.0],
     np.zeros(2, dtype=[("a", float)])],
    ids=repr,
)  # fmt: skip
def test_what_is_no_numbers_is_refused(bad):
    with pytest.raises(InputError, match="scale: x must"):
        as_numeric(bad, "scale", "x")


def test_masked_arrays():
    plain = np.ma.masked_array([1.0, 2.0])
    assert as_numeric(plain, "f", "x").tolist() == [1.0, 2.0]
    assert type(as_numeric(plain, "f", "x")) is np.ndarray
    assert as_numeric(np.ma.masked_array([1.0, 2.0], mask=[False, False]), "f", "x").tolist() == [1.0, 2.0]
    with pytest.raises(InputError, match="1 masked"):
        as_numeric(np.ma.masked_array([1.0, 2.0], mask=[False, True]), "f", "x")


def test_subclasses_become_plain_arrays():
    assert type(as_numeric(np.array([1.0]).view(np.recarray), "f", "x")) is np.ndarray


def test_sparse_is_refused():
    from scipy import sparse

    for matrix in (sparse.csr_matrix(MATRIX), sparse.coo_array(MATRIX)):
        with pytest.raises(InputError, match="toarray"):
            as_numeric(matrix, "f", "x")


# ---- frames


def _same(a, b):
    return np.array_equal(as_numeric(a, "f", "x"), np.array(b), equal_nan=True)


@pytest.mark.parametrize("dtype", ["Int64", "Float32", "Float64", "boolean", "int64[pyarrow]", "double[pyarrow]"])
def test_pandas_nullable_dtypes(dtype):
    pd = require("pandas")
    if "pyarrow" in dtype:
        require("pyarrow")
    assert _same(pd.Series([1, 0, 1], dtype=dtype), [1, 0, 1])
    assert _same(pd.Series([1, None, 0], dtype=dtype), [1, np.nan, 0])
    assert _same(pd.DataFrame({"a": [1, 0], "b": [0, None]}).astype(dtype), [[1, 0], [0, np.nan]])
    assert as_numeric(pd.Series([1, None], dtype=dtype).array, "f", "x").shape == (2,)


def test_pandas_mixed_columns():
    pd = require("pandas")
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5], "c": [True, False]}, index=["x", "y"])
    assert _same(frame, [[1, 0.5, 1], [2, 1.5, 0]])
    assert _same(frame["a"], [1, 2])
    assert _same(frame.index.to_series().map({"x": 3, "y": 4}), [3, 4])
    assert _same(pd.Series([1.0, 2.0], dtype=object), [1, 2])
    assert _same(pd.Index([1.0, 2.0]), [1, 2])
    duplicated = pd.DataFrame([[1.0, 2.0]], columns=["a", "a"])
    assert _same(duplicated, [[1.0, 2.0]])


@pytest.mark.parametrize("make", ["strings", "categories", "dates", "mixed"])
def test_pandas_that_is_no_numbers(make):
    pd = require("pandas")
    series = {
        "strings": lambda: pd.Series(["a", "b"]),
        "categories": lambda: pd.Series(["a", "b"], dtype="category"),
        "dates": lambda: pd.Series(pd.to_datetime(["2020-01-01", "2020-01-02"])),
        "mixed": lambda: pd.Series([1, "b"], dtype=object),
    }[make]()
    with pytest.raises(InputError, match="x must hold real numbers"):
        as_numeric(series, "f", "x")
    with pytest.raises(InputError, match="x must hold real numbers"):
        as_numeric(pd.DataFrame({"a": [1.0, 2.0], "b": series}), "f", "x")


def test_polars():
    pl = require("polars")
    assert _same(pl.Series([1, None, 3]), [1, np.nan, 3])
    assert _same(pl.Series([True, None]), [1, np.nan])
    assert _same(pl.DataFrame({"a": [1, None], "b": [0.5, 1.0]}), [[1, 0.5], [np.nan, 1.0]])
    assert _same(pl.Series([1.5, 2.5], dtype=pl.Float32), [1.5, 2.5])
    assert _same(pl.Series([3, 255], dtype=pl.UInt8), [3, 255])
    with pytest.raises(InputError, match="collect"):
        as_numeric(pl.LazyFrame({"a": [1]}), "f", "x")
    for bad in (pl.Series(["a"]), pl.Series([[1, 2], [3]]), pl.DataFrame({"a": [1], "b": ["x"]})):
        with pytest.raises(InputError, match="x must"):
            as_numeric(bad, "f", "x")


def test_pyarrow():
    pa = require("pyarrow")
    assert _same(pa.array([1, None, 3]), [1, np.nan, 3])
    assert _same(pa.array([True, False]), [1, 0])
    assert _same(pa.array([True, None]), [1, np.nan])
    assert _same(pa.chunked_array([[1.0], [2.0, None]]), [1, 2, np.nan])
    assert _same(pa.table({"a": [1, None], "b": [0.5, 1.0]}), [[1, 0.5], [np.nan, 1.0]])
    assert _same(pa.record_batch({"a": [1, 2]}), [[1], [2]])
    for bad in (pa.array(["a"]), pa.table({"a": ["x"]})):
        with pytest.raises(InputError, match="x must"):
            as_numeric(bad, "f", "x")


@pytest.mark.parametrize(
    "dtype", ["float16", "bfloat16", "float32", "float64", "int8", "uint8", "int32", "int64", "bool"]
)
def test_torch_dtypes(dtype):
    torch = require("torch")
    tensor = torch.tensor([[0, 1], [1, 1]], dtype=getattr(torch, dtype))
    assert _same(tensor, [[0, 1], [1, 1]])
    assert _same(tensor.T, [[0, 1], [1, 1]])
    assert as_numeric(tensor[0, 1], "f", "x").shape == ()


def test_torch_views_and_gradients():
    torch = require("torch")
    weights = torch.ones(3, requires_grad=True)
    assert _same(weights * 2, [2, 2, 2])
    assert weights.grad is None
    assert _same(torch.arange(6.0).reshape(2, 3)[:, ::2], [[0, 2], [3, 5]])
    assert _same(-torch.ones(2), [-1, -1])
    with pytest.raises(InputError, match="real numbers"):
        as_numeric(torch.ones(2, dtype=torch.complex64), "f", "x")
    with pytest.raises(InputError, match="dense"):
        as_numeric(torch.ones(2, 2).to_sparse(), "f", "x")
    assert _same([torch.tensor(1.0), torch.tensor(2.0)], [1, 2])


# ---- labels


@given(st.lists(st.integers(-5, 5), min_size=1) | st.lists(st.text(max_size=3), min_size=1))
def test_labels_keep_their_values(labels):
    # NumPy's strings end at their last character that is not NUL
    expected = [label.rstrip("\0") if isinstance(label, str) else label for label in labels]
    assert as_labels(labels, "f", "groups").tolist() == expected


def test_labels_of_frames():
    pd, pl, pa = require("pandas"), require("polars"), require("pyarrow")
    words = ["b", "a", "b"]
    for column in (
        pd.Series(words), pd.Series(words, dtype="category"), pd.Series(words, dtype="string"),
        pd.Series(words, dtype=object),
        pl.Series(words), pl.Series(words, dtype=pl.Categorical), pl.Series(words, dtype=pl.Enum(["a", "b"])),
        pa.array(words), pa.chunked_array([["b", "a"], ["b"]]), np.array(words), np.array(words, dtype=object),
        pd.DataFrame({"g": words}), [[w] for w in words],
    ):  # fmt: skip
        assert as_labels(column, "f", "groups").tolist() == words, type(column)
    days = np.array(["2020-01-01", "2020-01-02"], dtype="M8[D]")
    assert (as_labels(days, "f", "groups") == days).all()


def test_missing_labels_are_refused():
    pd, pl = require("pandas"), require("polars")
    days = np.array(["2020-01-01", "NaT"], dtype="M8[D]")
    for column in (
        ["a", None], [1.0, np.nan], pd.Series(["a", None]), pd.Series([1, None], dtype="Int64"),
        pd.Series(["a", None], dtype="category"), pl.Series(["a", None]), pl.Series([1, None]),
        np.array(["a", np.nan], dtype=object), days, pd.Series(["a", pd.NA], dtype=object), pd.Series(days),
    ):  # fmt: skip
        with pytest.raises(InputError, match="missing"):
            as_labels(column, "f", "groups")


@pytest.mark.parametrize("bad", [np.zeros((2, 2)), 3, "ab", None, [[1, 2], [3]]], ids=repr)
def test_labels_are_one_per_row(bad):
    with pytest.raises(InputError, match="groups must"):
        as_labels(bad, "f", "groups")


# ---- what frames carry


def test_index_and_names():
    pd, pl, pa = require("pandas"), require("polars"), require("pyarrow")
    frame = pd.DataFrame({"a": [1], 7: [2]}, index=["row"])
    assert index_of(frame).tolist() == ["row"]
    assert index_of(frame["a"]).tolist() == ["row"]
    assert column_names(frame) == ["a", "7"]
    assert column_names(pl.DataFrame({"a": [1]})) == ["a"]
    assert column_names(pa.table({"a": [1]})) == ["a"]
    for plain in ([1, 2], (1, 2), np.ones(2), pl.Series([1])):
        assert index_of(plain) is None
        assert column_names(plain) is None


def test_to_frame_names_the_extra(monkeypatch):
    import sys

    from uq.exceptions import MissingExtraError

    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'errorbars\[frames\]'") as caught:
        to_frame({"a": [1]})
    assert isinstance(caught.value, ImportError)

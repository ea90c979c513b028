"""Every container gives the same numbers, its missing values become NaN, and what is no numbers is refused."""

import warnings

import numpy as np
import pytest
from contracts import CONTAINERS, in_container, require
from hypothesis import given
from hypothesis import strategies as st

import uq
from uq._base.containers import LONG_TEXT, as_labels, as_numeric, column_names, frame_columns, index_of, to_frame
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
    ids=lambda x: repr(x).split(" at 0x")[0],
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
@pytest.mark.slow
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


# ---- what an attacker found


def _odd_columns():
    pd = require("pandas")
    odd = {
        "numbers": range(3), "dates": pd.date_range("2020", periods=3), "floats": [0.5, 1.5, np.nan],
        "missing": [None, 1, 2], "pairs": pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)]),
        "bools": [True, False, 2], "number and text": [0, "0", 1], "twice": ["a", "a", "b"], "number twice": [0, 0, 1],
    }  # fmt: skip
    return {kind: pd.DataFrame(MATRIX, columns=columns) for kind, columns in odd.items()}


@pytest.mark.parametrize("kind", [
    "numbers", "dates", "floats", "missing", "pairs", "bools", "number and text", "twice", "number twice",
])  # fmt: skip
def test_columns_of_any_name(kind):
    frame = _odd_columns()[kind]
    assert _same(frame, MATRIX)
    names, columns = frame_columns(frame)
    assert len(names) == 3
    assert np.array_equal(np.transpose(columns), MATRIX)


def test_frames_without_names_of_text_reach_every_function():
    pd = require("pandas")
    rng = np.random.default_rng(0)
    table = rng.normal(size=(40, 3))
    frame = pd.DataFrame(table)
    ranking = uq.rank_models(frame, n_resamples=99, rng=0)
    assert ranking.names == ("0", "1", "2")
    assert ranking == uq.rank_models(table, ["0", "1", "2"], n_resamples=99, rng=0)
    assert uq.variance_components(frame) == uq.variance_components(table)
    assert uq.RankSummary(frame) == uq.RankSummary(table)
    column = pd.Series(table[:, 0]).to_frame()
    groups = pd.DataFrame(np.repeat(np.arange(20), 2))
    assert uq.estimate_mean(column, groups=groups) == uq.estimate_mean(table[:, 0], groups=np.repeat(range(20), 2))

    def distance(y_true, y_pred):
        return float(np.abs(y_true[:, None] - y_pred).mean())

    assert uq.estimate_metric(distance, column, frame, n_resamples=99, rng=0) == uq.estimate_metric(
        distance, table[:, 0], table, n_resamples=99, rng=0
    )
    with pytest.raises(InputError, match="'0' more than once"):
        uq.rank_models(frame.set_axis([0, "0", 1], axis=1), n_resamples=99, rng=0)


def test_arrow_columns_of_one_name():
    pa = require("pyarrow")
    table = pa.table([pa.array([1, 2]), pa.array([3, None])], names=["a", "a"])
    assert _same(table, [[1, 3], [2, np.nan]])
    assert frame_columns(table) == (["a", "a"], [[1, 2], [3, None]])
    assert frame_columns([[1, 2]]) is None


@pytest.mark.parametrize("values", [[1, 0, 1], [0.5, 0.25, 0.5], [True, False, True]])
def test_categories_keep_their_kind(values):
    pd, pa = require("pandas"), require("pyarrow")
    dictionary = pa.array(values).dictionary_encode()
    for column in (
        pd.Series(values, dtype="category"), pd.Series(pd.Categorical(values, ordered=True)), pd.Categorical(values),
        dictionary, pa.chunked_array([dictionary]), pd.Series(pd.array(dictionary, pd.ArrowDtype(dictionary.type))),
    ):  # fmt: skip
        assert _same(column, values), type(column)
        labels = as_labels(column, "f", "y")
        assert labels.tolist() == values
        assert labels.dtype.kind == np.array(values).dtype.kind or labels.dtype == object
    assert _same(pd.DataFrame({"a": pd.Series(values, dtype="category"), "b": values}), [[v, v] for v in values])


def test_missing_categories():
    pd, pl, pa = require("pandas"), require("polars"), require("pyarrow")
    numbers, words = pa.array([1, None, 0]).dictionary_encode(), pa.array(["a", None]).dictionary_encode()
    for column in (pd.Series([1, None, 0], dtype="category"), numbers, pa.chunked_array([numbers])):
        assert _same(column, [1, np.nan, 0])
        with pytest.raises(InputError, match="missing"):
            as_labels(column, "f", "y")
    for column in (pa.chunked_array([words]), pl.Series(["a", None], dtype=pl.Categorical),
                   pl.Series(["a", None], dtype=pl.Enum(["a"])), pd.Series(["a", None], dtype="category")):  # fmt: skip
        with pytest.raises(InputError, match="1 missing labels"):
            as_labels(column, "f", "y")


def test_a_metric_of_categories():
    pd, pl = require("pandas"), require("polars")
    y, p = [0, 1, 1, 0, 1, 1, 0, 1] * 4, [0, 1, 0, 0, 1, 1, 1, 1] * 4

    def accuracy(a, b):
        return float(np.mean(a == b))

    for truth in (pd.Series(y, dtype="category"), pd.Series(y).astype("category").cat.as_ordered()):
        assert uq.estimate_metric(accuracy, truth, p, n_resamples=99, rng=0).estimate == 0.75
    letters = [["a", "b"][v] for v in p]
    for truth in (pl.Series([["a", "b"][v] for v in y], dtype=kind) for kind in (pl.Categorical, pl.Enum(["b", "a"]))):
        assert uq.estimate_metric(accuracy, truth, letters, n_resamples=99, rng=0).estimate == 0.75


@pytest.mark.parametrize("labels", [["a", np.nan, "b", "b"], [["a"], [np.nan]], [np.nan, "a"], ("a", None)])
def test_nan_is_no_label(labels):
    with pytest.raises(InputError, match="missing"):
        as_labels(labels, "f", "y")
    with pytest.raises(InputError, match="real numbers"):
        as_numeric(labels, "f", "y")


def test_missing_texts_reach_no_metric_and_name_no_candidate():
    with pytest.raises(InputError, match="y_true must not be missing"):
        uq.estimate_metric(lambda a, b: 0.5, ["a", np.nan, "b"], ["a", "b", "b"], n_resamples=9)
    with pytest.raises(InputError, match="names must not be missing"):
        uq.RankSummary(np.eye(3), ["a", np.nan, "b"])


def test_other_sequences_and_ragged_texts():
    from collections import UserList

    assert as_labels(UserList(["a", "b"]), "f", "y").tolist() == ["a", "b"]
    with pytest.raises(InputError, match="missing"):
        as_labels(UserList(["a", np.nan]), "f", "y")
    for ragged in ([["a", "b"], ["c"]], ["a", ["b"]], [["a"], "b"]):
        with pytest.raises(InputError, match="of one shape"):
            as_labels(ragged, "f", "y")
    assert as_labels([b"a", b"b"], "f", "y").dtype.kind == "S"


def test_long_texts_stay_objects():
    long = ["x" * (LONG_TEXT + 1), "y"]
    for x in (long, np.array(long, dtype=object), require("pandas").Series(long), require("polars").Series(long)):
        assert as_labels(x, "f", "y").dtype == object
        assert as_labels(x, "f", "y").tolist() == long
    assert as_labels(["x" * LONG_TEXT, "y"], "f", "y").dtype.kind == "U"


@pytest.mark.parametrize(
    "value",
    [np.timedelta64(1, "s"), np.datetime64("2020-01-01"), np.timedelta64("NaT", "s"), np.complex64(1 + 2j)],
    ids=lambda x: repr(x).split(" at 0x")[0],
)
def test_objects_that_are_no_numbers(value):
    for x in (np.array([value, value], dtype=object), np.array([1.0, value], dtype=object)):
        with pytest.raises(InputError, match="real numbers"):
            as_numeric(x, "f", "x")


def test_nat_is_no_label():
    with pytest.raises(InputError, match="1 missing"):
        as_labels(np.array([np.datetime64("2020-01-01"), np.datetime64("NaT", "D")], dtype=object), "f", "y")


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz"])
def test_short_floats_of_torch(dtype):
    torch = require("torch")
    assert _same(torch.tensor([1.0, 0.5]).to(getattr(torch, dtype)), [1, 0.5])


def test_tensors_that_numpy_cannot_hold():
    torch = require("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch means to drop them
        quantized = torch.quantize_per_tensor(torch.tensor([1.0, 2.0]), 0.5, 0, torch.qint8)
        nested = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])
    for tensor in (quantized, nested):
        with pytest.raises(InputError, match=r"x must be a tensor that NumPy can hold; got one of dtype torch\."):
            as_numeric(tensor, "f", "x")
    with pytest.raises(InputError, match="NumPy can hold"):
        as_labels(quantized, "f", "x")


def test_short_integers_do_not_wrap_around_in_results():
    for dtype, low, high in (("i1", -100, 100), ("u1", 0, 200), ("i2", -30000, 30000)):
        interval = uq.Interval(lower=np.array([low], dtype), upper=np.array([high], dtype), confidence_level=0.9)
        assert interval.width.tolist() == [high - low]
        assert interval.shift(high).upper.tolist() == [2 * high]


def test_results_do_not_change_with_the_callers_memory():
    pd = require("pandas")
    series = pd.Series([0.0, 0.0])
    interval = uq.Interval(lower=series, upper=series + 1, confidence_level=0.9)
    series.iloc[0] = 5.0
    assert interval.lower.tolist() == [0.0, 0.0]
    memory = np.zeros(2)
    view = memory[:]
    view.flags.writeable = False
    interval = uq.Interval(lower=view, upper=view + 1, confidence_level=0.9)
    memory[0] = 5.0
    assert interval.lower.tolist() == [0.0, 0.0]
    own = np.zeros(2)
    own.flags.writeable = False
    assert uq.Interval(lower=own, upper=own, confidence_level=0.9).lower is own

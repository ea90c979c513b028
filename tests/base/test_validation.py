"""Checks at the boundary: what passes, what is refused, and what the message says."""

import numpy as np
import pytest
from contracts import CONTAINERS, in_container, require
from hypothesis import given
from hypothesis import strategies as st

import calibration
import uq
from uq._base import validation as v
from uq.exceptions import InputError, UQError

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("good", [0.5, np.float32(0.95), 1e-9, 1 - 1e-9, np.float64(0.1)])
def test_levels_that_pass(good):
    level = v.check_level(good, "f")
    assert type(level) is float
    assert level == good


@pytest.mark.parametrize(
    "bad",
    [0, 1, 0.0, 1.0, 1.5, 95, -0.1, NAN, INF, "0.95", None, True, np.True_, [0.9], np.array([0.9]), 0.9j],
    ids=repr,
)
def test_levels_that_are_refused(bad):
    with pytest.raises(InputError, match=r"f: confidence_level must be a number in \(0, 1\); got .*\.95"):
        v.check_level(bad, "f")


def test_numbers():
    assert v.check_number(0, "f", "x", low=0, high=1, closed=True) == 0.0
    with pytest.raises(InputError, match=r"\[0, 1\]"):
        v.check_number(1.01, "f", "x", low=0, high=1, closed=True)
    with pytest.raises(InputError):
        v.check_number(0, "f", "x", low=0)
    assert v.check_number(-1e300, "f", "x") == -1e300
    # bounds beyond the kind of the number are compared as they are
    assert v.check_number(np.float32(0.5), "f", "x", high=1e150) == 0.5
    assert v.check_number(np.float16(0.5), "f", "x", low=-1e150) == 0.5
    for bad in (NAN, INF, -INF, "1", None, 1j, [1.0]):
        with pytest.raises(InputError, match="f: x must"):
            v.check_number(bad, "f", "x")


def test_an_int_beyond_floats_is_refused():
    with pytest.raises(InputError):
        v.check_number(10**400, "f", "x")


def test_counts():
    assert v.check_count(np.int8(3), "f", "n") == 3
    assert type(v.check_count(np.int8(3), "f", "n")) is int
    assert v.check_count(0, "f", "n", low=0) == 0
    for bad in (0, -1, 1.0, "1", True, None, NAN, [1]):
        with pytest.raises(InputError, match="f: n must be an integer of at least 1"):
            v.check_count(bad, "f", "n")


def test_counts_that_no_float_holds():
    assert v.check_count(2**53, "f", "n") == 2**53
    assert v.check_count(2**70, "f", "n", high=np.inf) == 2**70
    for bad, words in [(2**53 + 1, "at most 2\\*\\*53; got 9007199254740993"), (10**400, "an integer of 1329 bits")]:
        with pytest.raises(InputError, match=words):
            v.check_count(bad, "f", "n")
    with pytest.raises(InputError, match="f: n must be at most 9; got 10"):
        v.check_count(np.int8(10), "f", "n", high=9)


def test_a_number_may_be_infinite_where_it_is_said():
    assert v.check_number(np.inf, "f", "x", low=0, infinite=True) == np.inf
    for bad in (-np.inf, np.nan, 10**400, np.ones(2), -1):
        with pytest.raises(InputError, match="f: x must be"):
            v.check_number(bad, "f", "x", low=0, infinite=True)


def test_switches():
    assert v.check_switch(np.bool_(True), "f", "log") is True
    for bad in (1, 0, None, "True", np.ones(2)):
        with pytest.raises(InputError, match="f: log must be True or False"):
            v.check_switch(bad, "f", "log")


@pytest.mark.parametrize("bad", [True, 10**400, np.int64(2**62)])
def test_parameters_that_are_numbers_are_no_switches_and_fit_a_float(bad):
    made = calibration.DirichletCalibration(cv=bad)
    with pytest.raises(InputError, match="'cv' parameter of DirichletCalibration"):
        made.fit(np.full((6, 3), 1 / 3), [0, 1, 2, 0, 1, 2])


def test_options():
    assert v.check_option("a", ("a", "b"), "f", "method") == "a"
    for bad in ("c", None, 1, ["a"], b"a", ""):
        with pytest.raises(InputError, match="f: method must be one of 'a', 'b'; got"):
            v.check_option(bad, ("a", "b"), "f", "method")
    for good in ("two-sided", "less", "greater"):
        assert v.check_alternative(good, "f") == good
    with pytest.raises(InputError, match="'two-sided', 'less', 'greater'"):
        v.check_alternative("larger", "f")


# ---- arrays


@pytest.mark.parametrize("kind", CONTAINERS)
def test_vectors_and_matrices_from_every_container(kind):
    x = np.array([1.0, 0.5, -2.0])
    for given_x in (x, x[:, None]):
        assert v.check_vector(in_container(kind, given_x), "f", "x").tolist() == x.tolist()
    m = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert v.check_matrix(in_container(kind, m), "f", "x").tolist() == m.tolist()


@pytest.mark.parametrize("shape", [(), (2, 2), (1, 3), (2, 0), (2, 1, 1)])
def test_vectors_of_other_shapes_are_refused(shape):
    with pytest.raises(InputError, match=r"f: x must have shape \(n,\) or \(n, 1\); got an array of shape"):
        v.check_vector(np.ones(shape), "f", "x")


@pytest.mark.parametrize("shape", [(), (3,), (0, 2), (2, 0), (2, 1), (2, 2, 2)])
def test_matrices_of_other_shapes_are_refused(shape):
    with pytest.raises(InputError, match=r"f: x must (have|hold)"):
        v.check_matrix(np.ones(shape), "f", "x", min_columns=2)


def test_empty_vectors():
    for empty in ([], np.empty(0), np.empty((0, 1))):
        with pytest.raises(InputError, match="at least one row"):
            v.check_vector(empty, "f", "x")
        assert v.check_vector(empty, "f", "x", allow_empty=True).size == 0


@pytest.mark.parametrize("check", [v.check_vector, v.check_matrix])
def test_missing_and_infinite_values(check):
    x = np.array([[1.0], [NAN], [INF], [NAN]])
    with pytest.raises(
        InputError, match=r"2 NaN and 1 infinite among 4 values, the first in row 1 \(counting from 0\)\. Clip"
    ):
        check(x, "f", "x")
    with pytest.raises(InputError, match="nan_policy='omit'"):
        check(x[:2], "f", "x", nan_policy="raise")
    with pytest.raises(InputError, match="Remove these rows") as caught:
        check(x[:2], "f", "x")
    assert "nan_policy" not in str(caught.value)  # nobody offered it
    assert np.isnan(check(x[:2], "f", "x", nan_policy="omit")).sum() == 1
    with pytest.raises(InputError, match=r"the first in row 2 \(counting from 0\)"):
        check(x, "f", "x", nan_policy="omit")
    for policy in ("propagate", None, True):
        with pytest.raises(InputError, match="nan_policy"):
            check(x[:1], "f", "x", nan_policy=policy)


def test_nothing_is_written_to():
    x = np.array([1.0, NAN, 3.0])
    x.flags.writeable = False
    array = v.check_vector(x, "f", "x", nan_policy="omit")
    (kept, none, text), keep, n_dropped = v.drop_missing("f", array, None, np.array(["a", "b", "c"]))
    assert kept.tolist() == [1.0, 3.0]
    assert none is None
    assert text.tolist() == ["a", "c"]
    assert keep.tolist() == [True, False, True]
    assert n_dropped == 1


def test_dropping_everything_is_refused():
    with pytest.raises(InputError, match="no row is left"):
        v.drop_missing("f", np.array([NAN, 1.0]), np.array([1.0, NAN]))


@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0, NAN]), st.sampled_from([0.0, NAN])), min_size=1, max_size=8))
def test_rows_drop_together(rows):
    a, b = np.array(rows).T
    whole = [r for r in rows if r[0] == r[0] and r[1] == r[1]]
    if not whole:
        with pytest.raises(InputError):
            v.drop_missing("f", a, np.column_stack([b, b]))
        return
    (left, right), _, n_dropped = v.drop_missing("f", a, np.column_stack([b, b]))
    assert left.tolist() == [r[0] for r in whole]
    assert right.shape == (len(whole), 2)
    assert n_dropped == len(rows) - len(whole)


def test_lengths():
    assert v.check_same_length("f", a=np.ones(2), b=None, c=[1, 2]) == 2
    with pytest.raises(InputError, match=r"f: c must have as many rows as a \(2\); got 3"):
        v.check_same_length("f", a=np.ones(2), b=None, c=[1, 2, 3])


def test_binary():
    assert v.is_binary(np.array([0.0, 1.0]))
    for bad in ([0.0, 2.0], [0.5], [NAN], [-1.0, 1.0]):
        assert not v.is_binary(np.array(bad))
        with pytest.raises(InputError, match="only 0 and 1"):
            v.check_binary(np.array(bad), "f", "x")


def test_bounds():
    assert v.check_bounds((0, 1), "f") == (0.0, 1.0)
    assert v.check_bounds([0, 1], "f", np.array([0.0, NAN, 1.0])) == (0.0, 1.0)
    for bad in ((1, 0), (0, 0), (0, INF), (NAN, 1), 3, (0, 1, 2), "ab", None, ("a", "b"), (None, 1)):
        with pytest.raises(InputError, match="bounds must be"):
            v.check_bounds(bad, "f")
    with pytest.raises(InputError, match=r"scores must lie within bounds \(0.0, 1.0\); got values from -0.5 to 2"):
        v.check_bounds((0, 1), "f", np.array([-0.5, 2.0]))


# ---- groups and weights


@given(st.lists(st.integers(0, 3), min_size=2, max_size=12).filter(lambda g: len(set(g)) > 1))
def test_codes_name_their_labels(groups):
    codes, names = v.check_groups(groups, "f", len(groups))
    assert names[codes].tolist() == groups
    assert names.tolist() == sorted(set(groups))
    assert codes.shape == (len(groups),)


def test_groups_of_every_kind():
    pd = require("pandas")
    for groups in (
        ["b", "a", "b"],
        pd.Series(["b", "a", "b"], dtype="category"),
        np.array([[2], [1], [2]]),
        [2.5, 1, 2.5],
    ):
        codes, names = v.check_groups(groups, "f", 3)
        assert codes.tolist() == [1, 0, 1]
        assert len(names) == 2


@pytest.mark.parametrize(
    ("groups", "message"),
    [(["a", "a", "a"], "at least 2 different labels; got 1"), (["a", "b"], "one label per row"),
     (["a", None, "b"], "missing"), ([1, "a", 2.0], "of one kind|numbers"), (np.ones((3, 2)), "one label per row"),
     (None, "must be")],
)  # fmt: skip
def test_groups_that_are_refused(groups, message):
    with pytest.raises(InputError, match=message):
        v.check_groups(np.array(groups, dtype=object) if isinstance(groups, list) and 1 in groups else groups, "f", 3)


def test_weights():
    assert v.check_weights(None, "f", 3) is None
    assert v.check_weights([1, 0, 2], "f", 3).tolist() == [1.0, 0.0, 2.0]
    for bad in ([1, -1, 3], [0, 0, 0], [1, 2], [1, NAN, 1], [1, INF, 1], "abc", [[1, 2, 3]]):
        with pytest.raises(InputError, match="sample_weight must"):
            v.check_weights(bad, "f", 3)


def test_errors_can_be_caught_both_ways():
    for kind in (UQError, ValueError, InputError):
        with pytest.raises(kind):
            v.check_count(0, "f", "n")


# ---- what an attacker found


def test_labels_of_short_integers_do_not_wrap_around():
    for dtype in ("i1", "i2", ">i2", "i8", "u1", "u8"):
        low, high = (-100, 100) if "i" in dtype else (5, 205)
        labels = np.array([low, high] * 200, dtype=dtype)
        codes, names = v.check_groups(labels, "f", 400)
        assert names.tolist() == [low, high], dtype
        assert names.dtype == labels.dtype
        assert codes.tolist() == [0, 1] * 200
    huge = np.array([2**64 - 1, 2**64 - 3] * 2, dtype=np.uint64)
    codes, names = v.check_groups(huge, "f", 4)
    assert names.tolist() == [2**64 - 3, 2**64 - 1]
    assert codes.tolist() == [1, 0, 1, 0]
    spread = np.array([-(2**63), 2**63 - 1] * 2)
    assert v.check_groups(spread, "f", 4)[1].tolist() == [-(2**63), 2**63 - 1]


@pytest.mark.parametrize("labels", [["a", NAN, "b", "b"], ["1", 1, "1", 1], [b"a", NAN, b"b", b"b"], ["1", b"1"] * 2])
@pytest.mark.parametrize("make", [list, tuple, lambda x: [[v] for v in x], lambda x: np.array(x, dtype=object)])
def test_what_numpy_would_turn_into_text_is_refused(labels, make):
    with pytest.raises(InputError, match=r"missing|one kind"):
        v.check_groups(make(labels), "f", 4)


def test_long_labels_are_never_padded():
    import tracemalloc

    words = [f"{i % 50:03}" + "x" * 5000 for i in range(3000)]
    for groups in (words, tuple(words), np.array(words[:200])):
        tracemalloc.start()
        codes, names = v.check_groups(groups, "f", len(groups))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert names.tolist() == sorted(set(words))
        assert codes.tolist() == [i % 50 for i in range(len(groups))]
        assert peak < 6e6  # as strings of NumPy the words take 60 MB, and sorting copies them
    with pytest.raises(InputError, match="got 1 ") as caught:
        v.check_groups([words[0]] * 3, "f", 3)
    assert len(str(caught.value)) < 400


def test_bounds_are_two_numbers_of_sensible_size():
    for bad in (("0", "1"), "01", {1, 0}, frozenset((0, 1)), {0: 1, 1: 2}, b"01", (0, "1"), (10**400, 1), (0, 1j),
                (np.timedelta64(0, "s"), np.timedelta64(1, "s"))):  # fmt: skip
        with pytest.raises(InputError, match="bounds must be"):
            v.check_bounds(bad, "f")
    for bad in ((-1e308, 1e308), (0, 1e200)):
        with pytest.raises(InputError, match=r"bounds must not exceed 1e\+150 in size"):
            v.check_bounds(bad, "f")
    pd, torch = require("pandas"), require("torch")
    for good in ([0, 1], np.array([0, 1], np.int8), np.array([0, 1], np.longdouble), pd.Series([0, 1]), range(2),
                 torch.tensor([0.0, 1.0]), (False, True), iter((0, 1))):  # fmt: skip
        assert v.check_bounds(good, "f") == (0.0, 1.0)


def test_jobs():
    assert v.check_jobs(None, "f") is None
    assert [v.check_jobs(n, "f") for n in (1, -1, np.int8(3))] == [1, -1, 3]
    for bad in (0, "a", 1.0, True, [1], NAN):
        with pytest.raises(InputError, match="f: n_jobs must be None, a number of workers"):
            v.check_jobs(bad, "f")


@pytest.mark.parametrize("bad", [0, "a"])
def test_jobs_are_checked_wherever_they_are_taken(bad):
    scores = np.arange(40.0)
    for call in (
        lambda: uq.estimate_mean(scores, n_jobs=bad),
        lambda: uq.estimate_difference(scores, scores + 1, n_jobs=bad),
        lambda: uq.estimate_metric(lambda a, b: 1.0, scores, scores, n_jobs=bad),
        lambda: uq.rank_models(np.column_stack([scores, scores]), n_jobs=bad),
    ):
        with pytest.raises(InputError, match="n_jobs must be None"):
            call()

"""MeanAccumulator: parts in any order against estimate_mean of all rows, and against exact arithmetic."""

import pickle
import warnings
from fractions import Fraction
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from uq import MeanAccumulator, estimate_mean
from uq.exceptions import InfiniteBoundWarning, InputError, SmallSampleWarning

FIELDS = ("estimate", "std_error")


def same(ours, theirs, rtol=1e-12):
    for name in FIELDS:
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=rtol, abs=0)
    assert (ours.n, ours.n_groups, ours.n_dropped) == (theirs.n, theirs.n_groups, theirs.n_dropped)
    assert (ours.method, ours.guarantee) == (theirs.method, theirs.guarantee)
    np.testing.assert_allclose(list(ours.conf_int(0.9)), list(theirs.conf_int(0.9)), rtol=max(rtol, 1e-11))


def merged(parts):
    return reduce(lambda a, b: a.merge(b), parts)


def quietly(function, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmallSampleWarning)
        return function(*arguments, **options)


LAWS = {
    "binary": lambda rng, n: rng.integers(0, 2, n),
    "normal": lambda rng, n: rng.normal(size=n),
    "heavy": lambda rng, n: rng.standard_t(1.5, n),
    "far": lambda rng, n: 1e6 + rng.normal(size=n),
    "tiny": lambda rng, n: 1e-200 * rng.normal(size=n),
    "large": lambda rng, n: 1e149 * rng.normal(size=n),
    "tied": lambda rng, n: rng.integers(0, 3, n) / 10,
}


@pytest.mark.parametrize("law", LAWS)
@given(
    n=st.integers(2, 60), n_parts=st.integers(1, 5), seed=st.integers(0, 999), clustered=st.booleans(),
    words=st.booleans(),
)  # fmt: skip
@settings(max_examples=15, deadline=None)
def test_parts_are_all_rows_at_once(law, n, n_parts, seed, clustered, words):
    rng = np.random.default_rng(seed)
    scores, part = LAWS[law](rng, n), rng.integers(0, n_parts, n)
    groups = None
    if clustered:
        groups = rng.integers(0, 6, n) - 2
        groups[:2] = 5, 9
        groups = np.array([f"text {g}" for g in groups]) if words else groups
    chosen = [np.flatnonzero(part == k) for k in rng.permutation(n_parts)]
    arguments = [(scores[i], None if groups is None else groups[i]) for i in chosen if len(i)]
    method = "auto" if clustered else "t"
    whole = quietly(estimate_mean, scores, groups, method=method)
    if whole.std_error == 0:
        return  # no variation has a test of its own
    for total in (merged([MeanAccumulator().fit(*a) for a in arguments]), steps(arguments)):
        same(quietly(total.mean, method), whole)
        assert total.n_samples_ == n
        if clustered:
            assert total.groups_.tolist() == sorted(set(groups.tolist()))


def steps(arguments):
    total = MeanAccumulator()
    for scores, groups in arguments:
        assert total.partial_fit(scores, groups) is total
    return total


@pytest.mark.parametrize("offset", [0.0, 1.0, 1e9, -1e12])
def test_cluster_sums_are_those_of_exact_arithmetic(offset):
    rng = np.random.default_rng(0)
    scores = offset + rng.normal(size=600) * 10.0 ** rng.integers(-3, 3, 600)
    groups = rng.integers(0, 25, 600)
    total = merged([MeanAccumulator().fit(scores[i::7], groups[i::7]) for i in range(7)])
    exact = [Fraction(x) for x in scores.tolist()]
    mean = sum(exact) / 600
    sums = [sum((x - mean for x, g in zip(exact, groups, strict=True) if g == k), Fraction(0)) for k in range(25)]
    variance = Fraction(25, 24) * sum(s * s for s in sums) / 600**2
    result = total.mean()
    assert abs(result.estimate - float(mean)) <= np.spacing(abs(float(mean)))
    assert result.std_error == pytest.approx(float(variance) ** 0.5, rel=1e-14)


@pytest.mark.parametrize("method", ["t", "clopper_pearson", "wilson", "beta", "cluster", "hierarchical", "auto"])
def test_each_method_is_that_of_estimate_mean(method):
    rng = np.random.default_rng(1)
    scores, tasks = rng.integers(0, 2, 90), np.repeat(np.arange(30), 3)
    groups = tasks if method in ("cluster", "hierarchical") else None
    parts = [MeanAccumulator().fit(scores[i::4], None if groups is None else groups[i::4]) for i in range(4)]
    same(merged(parts).mean(method), estimate_mean(scores, groups, method=method), 1e-13)


def test_a_sum_of_many_parts_keeps_its_digits():
    rng = np.random.default_rng(2)
    scores, groups = rng.exponential(size=40_000), rng.integers(0, 50, 40_000)
    for labels in (None, groups):
        total = MeanAccumulator()
        for rows in np.split(np.arange(40_000), 400):
            total.partial_fit(scores[rows], None if labels is None else labels[rows])
        same(total.mean(), estimate_mean(scores, labels), 1e-13)


def test_omit_counts_what_is_missing():
    scores = np.array([1.0, np.nan, 3.0, np.nan, 5.0, 6.0, 8.0])
    groups = np.array(["a", "b", "b", "c", "c", "d", "a"])
    total = merged([MeanAccumulator("omit").fit(scores[i], groups[i]) for i in (slice(0, 3), slice(3, 4), slice(4, 7))])
    whole = quietly(estimate_mean, scores, groups, nan_policy="omit")
    same(quietly(total.mean), whole)
    assert (total.n_samples_, total.n_dropped_) == (5, 2)
    nothing = MeanAccumulator("omit").partial_fit([np.nan], ["z"])
    with pytest.raises(InputError, match=r"no row is left after dropping those with NaN \(1\)"):
        nothing.mean()
    assert nothing.merge(total).groups_.tolist() == list("abcd")
    with pytest.raises(InputError, match="1 NaN among 2 values"):
        MeanAccumulator().fit([1.0, np.nan])


@pytest.mark.parametrize("groups", [None, [0, 1, 1]])
def test_no_variation_is_an_infinite_interval_with_one_warning(groups):
    constant = [0.1, 0.1, 0.1]
    total = MeanAccumulator()
    for _ in range(20):
        total.partial_fit(constant, groups)
    result = quietly(total.mean)
    assert result.std_error == 0
    with pytest.warns(InfiniteBoundWarning) as caught:
        assert list(result.conf_int()) == [-np.inf, np.inf]
    assert len(caught) == 1
    one = quietly(MeanAccumulator().fit([0.5]).mean)
    assert one.std_error == np.inf


def test_few_rows_and_few_clusters_are_warned_of_with_the_way_out():
    with pytest.warns(SmallSampleWarning, match="3 rows are few.*use estimate_mean of the rows with method='betting'"):
        MeanAccumulator().fit([0.1, 0.2, 0.4]).mean()
    with pytest.warns(SmallSampleWarning, match="2 clusters are few.*use estimate_mean of the rows with"):
        MeanAccumulator().fit([0.1, 0.2, 0.4], [0, 0, 1]).mean()


def test_labels_of_one_kind_meet_whatever_their_width():
    short, long = np.array([1, 2, 1, 2], np.int8), np.array([2, 300, 2, 300], np.uint16)
    total = MeanAccumulator().fit([1, 0, 1, 1], short).merge(MeanAccumulator().fit([0, 1, 1, 0], long))
    assert total.groups_.tolist() == [1, 2, 300]
    wordy = ["x" * 500, "b"]
    total = MeanAccumulator().fit([1, 0], ["a", "b"]).merge(MeanAccumulator().fit([0, 1], wordy))
    assert total.groups_.tolist() == ["a", "b", "x" * 500]
    huge = np.array([2**63, 2**64 - 1], np.uint64)
    total = MeanAccumulator().fit([0, 1], huge).partial_fit([1, 1], huge)
    assert total.groups_.tolist() == huge.tolist()


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (["a", "b"], [0, 1], "got texts, then integers"),
        ([0, 1], [0.5, 1.5], "got integers, then floats"),
        ([True, False], [0, 1], "got true/false, then integers"),
        (np.array([2**63], np.uint64), [1], "integers, then integers beyond 64 bits"),
        (["a"], None, "got a part with groups, then one without groups"),
        (None, ["a"], "got a part without groups, then one with groups"),
    ],
)
def test_parts_that_do_not_belong_together(first, second, message):
    def part(groups):
        return MeanAccumulator().fit([0.5] * (1 if groups is None else len(groups)), groups)

    total = part(first)
    before = pickle.dumps(total)
    with pytest.raises(InputError, match=message):
        total.merge(part(second))
    with pytest.raises(InputError, match=message):
        total.partial_fit([0.5] * (1 if second is None else len(second)), second)
    assert pickle.dumps(total) == before


def test_bad_input_changes_nothing():
    total = MeanAccumulator().fit([0.5, 1.0, 0.25], [0, 1, 1])
    before = pickle.dumps(total)
    for arguments, message in [
        (([np.inf, 1], [0, 1]), r"partial_fit: scores must be finite"),
        (([], []), "at least one row"),
        ((["a"], [1]), "scores must hold real numbers"),
        (([1.0], [1, 2]), "one label per row"),
        (([1.0, 2.0], [1, np.nan]), "groups must not be missing"),
        (([[1.0, 2.0]], [1]), "scores must have shape"),
    ]:
        with pytest.raises(InputError, match=message):
            total.partial_fit(*arguments)
    for other, message in [
        (total, "rows would count twice"),
        (3, "other must be a MeanAccumulator; got int"),
        (MeanAccumulator("omit"), "nan_policy must be the same"),
    ]:
        with pytest.raises(InputError, match=message):
            total.merge(other)
    for method, message in [
        ("bootstrap", "method must be one of"),
        ("t", "treats rows as independent, and there are groups"),
        ("hierarchical", r"needs scores that are 0 or 1; got values from 0\.25 to 1"),
    ]:
        with pytest.raises(InputError, match=message):
            total.mean(method)
    assert pickle.dumps(total) == before
    with pytest.raises(InputError, match="needs groups, and none came"):
        MeanAccumulator().fit([0.5]).mean("cluster")
    with pytest.raises(InputError, match="needs scores that are 0 or 1"):
        MeanAccumulator().fit([0.5]).mean("wilson")
    with pytest.raises(InputError, match="at least 2 different labels"):
        MeanAccumulator().fit([0.5, 1], ["a", "a"]).mean()
    with pytest.raises(InputError, match="nan_policy"):
        MeanAccumulator("drop").fit([1.0])
    with pytest.raises(NotFittedError):
        MeanAccumulator().mean()


def test_what_is_empty_changes_nothing_and_the_contract_holds():
    full = MeanAccumulator().fit([1, 0, 1], list("aba"))
    for both in (full.merge(MeanAccumulator()), MeanAccumulator().merge(full)):
        same(quietly(both.mean), quietly(full.mean), 0)
    assert not hasattr(MeanAccumulator().merge(MeanAccumulator()), "n_samples_")
    again = pickle.loads(pickle.dumps(full))
    same(quietly(again.mean), quietly(full.mean), 0)
    assert not hasattr(clone(full), "n_samples_")
    refitted = quietly(full.fit([1.0, 2.0], ["x", "y"]).mean)
    assert refitted.n == 2

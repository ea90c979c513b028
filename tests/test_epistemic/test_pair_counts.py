"""Counts of responses: unbiased targets and errors, joints of groups and of a sampler's answers, by enumeration."""

import itertools
import math

import numpy as np
import pytest
from contracts import CONTAINERS, in_container, require
from hypothesis import given, settings
from hypothesis import strategies as st

from uq.epistemic import PairDistribution, pair_counts, squared_error_ustatistic
from uq.exceptions import InputError

from .naive import all_pairs, error_of_pairs, rows_of_counts

COUNTS = st.lists(st.integers(0, 4), min_size=2, max_size=4).filter(lambda c: sum(c) >= 2)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(COUNTS, st.integers(0, 10**6))
def test_targets_and_errors_are_means_over_pairs(counts, seed):
    p = np.random.default_rng(seed).dirichlet(np.ones(len(counts)))
    assert np.allclose(pair_counts([counts])[0], all_pairs(counts), atol=1e-15)
    assert np.allclose(squared_error_ustatistic([counts], p[None])[0], error_of_pairs(counts, p), atol=1e-14)


def multinomial(p, n):
    """Yield every table of counts with its probability."""
    for c in itertools.product(range(n + 1), repeat=len(p)):
        if sum(c) == n:
            ways = math.factorial(n) / math.prod(map(math.factorial, c))
            yield np.array(c), ways * math.prod(q**k for q, k in zip(p, c, strict=True))


@pytest.mark.parametrize("n", [2, 3, 5])
def test_both_are_unbiased(n):
    p, said = np.array([0.2, 0.5, 0.3]), np.array([0.6, 0.3, 0.1])
    target = sum(w * pair_counts([c])[0] for c, w in multinomial(p, n))
    assert np.allclose(target, np.outer(p, p), atol=1e-14)
    error = sum(w * squared_error_ustatistic([c], said[None])[0] for c, w in multinomial(p, n))
    assert np.allclose(error, (said - p) ** 2, atol=1e-14)
    # the outer product of shares is not: noise passes for ignorance
    shares = sum(w * np.outer(c, c) / n**2 for c, w in multinomial(p, n))
    assert np.allclose(np.diag(shares) - p**2, p * (1 - p) / n, atol=1e-14)


def test_a_third_response_bought_on_disagreement_biases():
    """The warning of the docstring, by enumeration over two or three responses."""
    p = 0.3
    total = p * p * 1.0
    for third, w in ((0, 1 - p), (1, p)):
        total += 2 * p * (1 - p) * w * pair_counts([[2 - third, 1 + third]])[0, 1, 1]
    assert total - p * p == pytest.approx(2 / 3 * p * p * (1 - p))


def test_error_has_its_range_and_leaves_as_it_came():
    assert squared_error_ustatistic([[1, 1]], [[0.5, 0.5]])[0].tolist() == [-0.25, -0.25]
    assert squared_error_ustatistic([[2, 0]], [[0.0, 1.0]])[0].tolist() == [1.0, 1.0]
    assert squared_error_ustatistic([[2, 0]], [0.25]).tolist() == [0.0625]
    assert squared_error_ustatistic([[2, 0]], [[0.25]]).shape == (1,)


@pytest.mark.parametrize("kind", CONTAINERS)
def test_containers(kind):
    y = np.array([[2, 1, 0], [0, 2, 3], [4, 0, 1]], float)
    p = np.array([[0.5, 0.25, 0.25], [0.125, 0.5, 0.375], [0.25, 0.5, 0.25]])
    assert np.array_equal(pair_counts(in_container(kind, y)), pair_counts(y))
    found = squared_error_ustatistic(in_container(kind, y), in_container(kind, p))
    assert np.allclose(found, squared_error_ustatistic(y, p), atol=1e-15)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ([[1, 0]], "at least 2 responses"),
        ([[2.5, 1]], "whole numbers"),
        ([[-1, 3]], "whole numbers"),
        ([[np.nan, 3]], "finite"),
        ([[2]], "at least 2 columns"),
        ([2, 3], "shape"),
        ([], "shape"),
        ([["a", "b"]], "real numbers"),
        ([[1e12, 1e12]], "at most"),
    ],
)
def test_bad_counts_are_refused(y, words):
    with pytest.raises(InputError, match=words):
        pair_counts(y)


# ---- joints of groups


def test_groups_of_counts_are_unbiased_for_the_covariance_of_the_group():
    """Exactly: over all draws of two items from three kinds, and all responses."""
    kinds = np.array([[0.8, 0.2], [0.4, 0.6], [0.1, 0.9]])
    truth = np.cov(kinds.T, bias=True)
    mean = np.zeros((2, 2))
    for a, b in itertools.product(range(3), repeat=2):
        for (c, w), (d, u) in itertools.product(multinomial(kinds[a], 2), multinomial(kinds[b], 2)):
            mean += w * u / 9 * PairDistribution.from_counts([c, d]).covariance[0]
    assert np.allclose(mean, truth, atol=1e-14)


def test_groups_in_order_and_many_items_tell_the_truth():
    rng = np.random.default_rng(0)
    p = np.concatenate([rng.dirichlet([2, 3, 5], 20000), rng.dirichlet([20, 30, 50], 20000)])
    labels = np.repeat(["wide", "narrow"], 20000)
    pairs = PairDistribution.from_counts(rows_of_counts(rng, p, 2), labels, classes=["a", "b", "c"])
    assert pairs.index == ("narrow", "wide")
    m = np.array([0.2, 0.3, 0.5])
    assert np.allclose(pairs.marginal, m, atol=0.01)
    assert np.allclose(pairs.epistemic_variance, np.outer([1 / 101, 1 / 11], m * (1 - m)), atol=0.008)
    assert pairs.method == "counts"
    alone = PairDistribution.from_counts(rows_of_counts(rng, p[:50], 3))
    assert len(alone) == 1
    assert alone.index is None
    with pytest.raises(InputError, match="at least 2 items"):
        PairDistribution.from_counts([[2, 0], [1, 1], [0, 2]], ["a", "a", "b"])
    with pytest.raises(InputError, match="at least 2 items"):
        PairDistribution.from_counts([[2, 0]])


# ---- joints of a sampler's answers


def naive_answers(first, second, names):
    """Return the unbiased joint of one question by loops."""
    n, k = len(first), len(names)
    joint, share = np.zeros((k, k)), np.zeros((n, k))
    for i, (a, b) in enumerate(zip(first, second, strict=True)):
        a, b = names.index(a), names.index(b)
        joint[a, b] += 0.5 / n
        joint[b, a] += 0.5 / n
        share[i, a] += 0.5
        share[i, b] += 0.5
    return joint + np.cov(share.T) / n


def test_answers_against_loops_in_every_form():
    first = [["a", "b", "a", None], ["c", "c", "a", "b"]]
    second = [["a", "a", "b", "b"], ["c", None, "a", "b"]]
    pairs = PairDistribution.from_answers(first, second)
    assert pairs.classes == ("a", "b", "c")
    assert np.allclose(pairs.joint[0], naive_answers("aba", "aab", "abc"), atol=1e-15)
    assert np.allclose(pairs.joint[1], naive_answers("cab", "cab", "abc"), atol=1e-15)
    assert np.allclose(pairs.joint.sum(axis=(1, 2)), 1)
    named = PairDistribution.from_answers(first, second, classes=["d", "c", "b", "a"])
    assert np.allclose(named.joint[:, 1:, 1:], pairs.joint[:, ::-1, ::-1])
    pd = require("pandas")
    long = [
        pd.DataFrame({"question": np.repeat(["q", "r"], 4), "answer": [x for row in rows for x in row]})
        for rows in (first, second)
    ]
    assert np.array_equal(PairDistribution.from_answers(*long).joint, pairs.joint)
    shuffled = long[1].iloc[[1, 0, 4, 3, 2, 5, 6, 7]]
    with pytest.raises(InputError, match="form of first"):
        PairDistribution.from_answers(long[0], shuffled)


def test_answers_are_unbiased_for_the_covariance_of_the_sampler():
    joint = np.array([[0.4, 0.1], [0.2, 0.3]])
    truth = (joint + joint.T) / 2
    truth = truth - np.outer(truth.sum(axis=0), truth.sum(axis=0))
    cells = list(itertools.product("xy", "xy"))
    mean = np.zeros((2, 2))
    for draws in itertools.product(range(4), repeat=3):
        weight = math.prod(joint.flat[d] for d in draws)
        first, second = ([[cells[d][side] for d in draws]] for side in (0, 1))
        mean += weight * PairDistribution.from_answers(first, second, classes=["x", "y"]).covariance[0]
    assert np.allclose(mean, truth, atol=1e-14)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ([["a", "b"]], [["a"]], "form of first"),
        ([["a", "b"]], [["a", "b"], ["a", "b"]], "form of first"),
        ([["a", None]], [["a", "b"]], "at least 2 pairs"),
        ([[None, "a"]], [["a", None]], "one complete pair"),
        ([["a", "a"]], [["a", "a"]], "at least 2 different"),
        ("ab", "ab", "must have shape"),
    ],
)
def test_bad_answers_are_refused(first, second, words):
    with pytest.raises(InputError, match=words):
        PairDistribution.from_answers(first, second)


def test_answers_outside_of_the_classes_and_too_many_are_refused():
    with pytest.raises(InputError, match="among the classes"):
        PairDistribution.from_answers([["a", "b"]], [["a", "c"]], classes=["a", "b"])
    many = np.arange(40000).reshape(20, 2000)
    with pytest.raises(InputError, match="repeated_answer_scores"):
        PairDistribution.from_answers(many, many)

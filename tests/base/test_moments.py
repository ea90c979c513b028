"""Moments of parts against the sums over all rows, written out."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uq._base.moments import Moments, power_of_two


def brute(columns, shift, scale, weights=None):
    """Sum over rows, one at a time."""
    w = np.ones(len(columns)) if weights is None else weights
    m = columns.shape[1] + 1
    second, fourth = np.zeros((m, m)), np.zeros((m,) * 4)
    for row, weight in zip(columns, w, strict=True):
        u = np.concatenate([[1.0], (row - shift) / scale])
        second += weight * np.multiply.outer(u, u)
        fourth += weight**2 * np.multiply.outer(np.multiply.outer(u, u), np.multiply.outer(u, u))
    return second, fourth


def same(moments, columns, weights=None, rtol=1e-12):
    weights = None if weights is None else weights / moments.unit
    second, fourth = brute(columns, moments.shift, moments.scale, weights)
    # entries may cancel: against the largest of their kind
    assert np.abs(moments.second - second).max() <= rtol * np.abs(second).max()
    assert np.abs(moments.fourth - fourth).max() <= rtol * np.abs(fourth).max()


@given(
    n=st.integers(1, 30), p=st.integers(1, 4), seed=st.integers(0, 99), weighted=st.booleans(),
    far=st.sampled_from([0, 1e6])
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_sums_are_those_of_the_rows(n, p, seed, weighted, far):
    rng = np.random.default_rng(seed)
    columns = far + rng.normal(size=(n, p)) * 10.0 ** rng.integers(-3, 4, p)
    weights = rng.integers(0, 4, n) / 3 if weighted else None
    moments = Moments.of(columns, weights)
    same(moments, columns, weights)
    assert moments.n == (n if weights is None else (weights > 0).sum())


@given(n=st.integers(2, 30), cut=st.integers(1, 29), seed=st.integers(0, 99), weighted=st.booleans())
@settings(max_examples=25, deadline=None)
def test_merging_is_seeing_all_rows(n, cut, seed, weighted):
    cut = min(cut, n - 1)
    rng = np.random.default_rng(seed)
    columns = 1e6 + rng.normal(size=(n, 3)) * [1, 100, 0.01]
    columns[cut:] += rng.normal(size=3)  # the parts lie elsewhere
    weights = 0.1 + rng.random(n) if weighted else None
    parts = [(columns[:cut], None if weights is None else weights[:cut])]
    parts.append((columns[cut:], None if weights is None else weights[cut:]))
    one, two = (Moments.of(*part) for part in parts)
    same(one.merge(two), columns, weights, 1e-9)  # a shift by 1e6 costs digits of the rows themselves
    assert one.merge(two).n == two.merge(one).n == n


def test_many_blocks_are_one_sum():
    columns = np.random.default_rng(0).normal(size=(5000, 3))
    whole = Moments.of(columns)
    assert np.allclose(whole.second[1:, 1:] * np.outer(whole.scale, whole.scale), 5000 * np.cov(columns.T, ddof=0))
    same(whole, columns, rtol=1e-11)


def test_rebasing_there_and_back_changes_nothing():
    moments = Moments.of(np.random.default_rng(1).normal(size=(40, 2)))
    there = moments.rebased(moments.shift + 0.7, moments.scale * 4)
    back = there.rebased(moments.shift, moments.scale)
    assert np.allclose(back.second, moments.second, rtol=1e-12, atol=1e-12)
    assert np.allclose(back.fourth, moments.fourth, rtol=1e-12, atol=1e-12)


def test_contractions_are_sums_of_products():
    rng = np.random.default_rng(2)
    columns, weights = rng.normal(5, 2, size=(50, 2)), rng.random(50)
    moments = Moments.of(columns, weights)
    raw = rng.normal(size=(3, 4))
    u = moments.coordinates(raw)
    values = np.column_stack([np.ones(50), columns]) @ raw
    assert moments.quartic(*u.T) == pytest.approx((weights**2 * values.prod(axis=1)).sum() / moments.unit**2, rel=1e-10)
    at = moments.factor(3)[0] @ u
    assert np.allclose(at.T @ at, (values * weights[:, None]).T @ values / moments.unit, rtol=1e-10)


def test_factors_of_constant_and_repeated_columns():
    x = np.random.default_rng(3).normal(size=30)
    for columns, rank in ((np.column_stack([x, np.full(30, 7.0)]), 2), (np.column_stack([x, x]), 2), (x[:, None], 2)):
        moments = Moments.of(columns)
        k = columns.shape[1] + 1
        root, inverse = moments.factor(k)
        assert len(root) == rank
        assert np.allclose(root.T @ root, moments.second, rtol=1e-10, atol=1e-10)
        assert np.allclose(root @ inverse, np.eye(rank), atol=1e-10)
        assert moments.factor(1)[0] == pytest.approx(np.sqrt(30))


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_weights_of_any_size_have_squares(size):
    rng = np.random.default_rng(5)
    columns, weights = rng.normal(size=(30, 2)), 0.1 + rng.random(30)
    plain, tiny = Moments.of(columns, weights), Moments.of(columns, weights * size)
    assert np.allclose(tiny.second * (tiny.unit / size), plain.second * plain.unit, rtol=1e-12)
    assert np.allclose(tiny.fourth * (tiny.unit / size) ** 2, plain.fourth * plain.unit**2, rtol=1e-12)
    parts = [Moments.of(columns[here], weights[here] * size) for here in (slice(0, 10), slice(10, 30))]
    parts[0] = parts[0].rebased(parts[0].shift, parts[0].scale, parts[0].unit * 8)
    both = parts[0].merge(parts[1])
    assert np.allclose(both.fourth[0, 0, 0, 0] * (both.unit / size) ** 2, (weights**2).sum(), rtol=1e-12)


def test_large_numbers_do_not_overflow_where_parts_are_alike():
    columns = np.random.default_rng(4).normal(size=(20, 2)) * 1e140
    moments = Moments.of(columns[:10]).merge(Moments.of(columns[10:]))
    assert np.isfinite(moments.fourth).all()
    assert moments.n == 20


def test_moments_are_frozen_and_pickle():
    moments = Moments.of(np.arange(6.0).reshape(3, 2))
    assert pickle.loads(pickle.dumps(moments)) == copy.deepcopy(moments) == moments
    with pytest.raises(ValueError, match="read-only"):
        moments.second[0, 0] = 1


def test_scales_are_powers_of_two():
    x = np.array([0.0, 1.0, 1.5, 0.3, 5e-324, 1e308])
    scale = power_of_two(x)
    assert scale[0] == 1
    assert (np.frexp(scale)[0] == 0.5).all()
    assert ((x[1:] / scale[1:] <= 2) & (x[1:] / scale[1:] >= 0.5)).all()

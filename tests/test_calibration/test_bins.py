"""Bins hold what literals say, in every precision; quantile bins keep ties whole."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration._bins import auto_bins, quantile_bins, uniform_bins, uniform_edges


@pytest.mark.parametrize("n_bins", [10, 20])
@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16])
def test_the_multiples_of_a_twentieth(n_bins, kind):
    literals = [float(f"{k / 20:.2f}") for k in range(21)]
    values = np.array(literals).astype(kind).astype(np.float64)
    wanted = [min(int(Fraction(k, 20) * n_bins), n_bins - 1) for k in range(21)]
    assert uniform_bins(values, n_bins).tolist() == wanted


def test_linspace_would_be_wrong():
    """What the test above would find: the edges of linspace stand above .3, .6 and .7."""
    wrong = np.searchsorted(np.linspace(0, 1, 11), [0.3, 0.6, 0.7], side="right") - 1
    assert wrong.tolist() == [2, 5, 6]
    assert uniform_bins(np.array([0.3, 0.6, 0.7]), 10).tolist() == [3, 6, 7]


@pytest.mark.parametrize("n_bins", [1, 2, 3, 7, 10, 15, 20, 49, 100, 199, 1000, 4096])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_every_edge_and_its_neighbours(n_bins, kind):
    edges = uniform_edges(n_bins).astype(kind)
    rng = np.random.default_rng(n_bins)
    p = np.concatenate(
        [edges, np.nextafter(edges[1:], kind(0)), np.nextafter(edges[:-1], kind(1)), rng.random(500).astype(kind)]
    )
    wanted = np.minimum(np.searchsorted(edges, p, side="right") - 1, n_bins - 1)
    assert np.array_equal(uniform_bins(p.astype(np.float64), n_bins), wanted)
    assert np.array_equal(uniform_bins(np.tile(p.astype(np.float64), (2, 1)), n_bins)[1], wanted)


def slow_quantile_bins(p, n_bins, weights):
    weights = [Fraction(1)] * len(p) if weights is None else [Fraction(float(w)) for w in weights]
    total = sum(weights)
    bins = []
    for value in p:
        below = sum(w for w, other in zip(weights, p, strict=True) if other < value)
        equal = sum(w for w, other in zip(weights, p, strict=True) if other == value)
        bins.append(int((below + equal / 2) * n_bins / total))
    return bins


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=25), st.integers(1, 8), st.booleans())
def test_quantile_bins_against_the_double_loop(values, n_bins, weighted):
    p = np.array(values) / 16
    weights = np.array([1.0 + (7 * v) % 4 for v in range(len(values))]) if weighted else None
    bins = quantile_bins(p, n_bins, weights)
    assert bins.tolist() == slow_quantile_bins(p, n_bins, weights)
    assert all(len(set(bins[p == value])) == 1 for value in p), "a tie was split"
    order = np.random.default_rng(len(p)).permutation(len(p))
    again = quantile_bins(p[order], n_bins, None if weights is None else weights[order])
    assert np.array_equal(again, bins[order]), "the order of rows matters"


def test_quantile_bins_hold_equal_counts_where_nothing_is_tied():
    p = np.random.default_rng(0).random(1000)
    assert np.bincount(quantile_bins(p, 10)).tolist() == [100] * 10
    assert np.array_equal(quantile_bins(p, 10), quantile_bins(p, 10, np.full(1000, 0.1)))


@pytest.mark.parametrize(("n", "bins"), [(1, 1), (2, 2), (8, 2), (9, 3), (1000, 10), (1001, 11), (10**15, 10**5)])
def test_auto_bins_is_the_cube_root_rounded_up(n, bins):
    assert auto_bins(n) == bins

"""Kemeny's order: exact where that is claimed, honest where it is not."""

import itertools

import numpy as np
import pytest
from scipy import optimize, sparse

from uq._base.consensus import EXACT_SIZE, kendall_loss, kendall_order
from uq._base.rank import RankSummary


@pytest.mark.parametrize("seed", range(5))
def test_kendall_by_subsets_agrees_with_all_permutations_and_search_comes_near(seed):
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.random((7, 7)), 1)
    win = upper + np.where(np.tri(7, dtype=bool), 1 - upper.T, 0)
    np.fill_diagonal(win, 0.5)
    best = min(kendall_loss(win, list(order)) for order in itertools.permutations(range(7)))
    order, optimal = kendall_order(win, 0.5 + win.sum(axis=0))
    assert optimal
    assert sorted(order) == list(range(7))
    assert kendall_loss(win, order) == pytest.approx(best)


def linear_ordering(win):
    """Return the least Kendall loss by integer programming: one 0/1 variable per pair, no triple in a circle."""
    k = len(win)
    pairs = list(itertools.combinations(range(k), 2))
    column = {pair: c for c, pair in enumerate(pairs)}
    # x[i, j] = 1 where i stands before j; 0 <= x[i, j] + x[j, l] - x[i, l] <= 1
    triples = list(itertools.combinations(range(k), 3))
    rows = np.repeat(range(len(triples)), 3)
    columns = [column[pair] for i, j, m in triples for pair in ((i, j), (j, m), (i, m))]
    circles = sparse.csr_array((np.tile([1.0, 1.0, -1.0], len(triples)), (rows, columns)))
    before, after = (np.array([win[p] for p in pairs]), np.array([win[p[::-1]] for p in pairs]))
    found = optimize.milp(
        after - before,
        integrality=np.ones(len(pairs)),
        bounds=optimize.Bounds(0, 1),
        constraints=optimize.LinearConstraint(circles, 0, 1),
    )
    assert found.success
    return found.fun + before.sum()


@pytest.mark.parametrize("k", [9, EXACT_SIZE])
def test_kendall_by_subsets_agrees_with_integer_programming(k):
    rng = np.random.default_rng(k)
    upper = np.triu(rng.random((k, k)), 1)
    win = upper + np.where(np.tri(k, dtype=bool), 1 - upper.T, 0)
    np.fill_diagonal(win, 0.5)
    order, optimal = kendall_order(win, 0.5 + win.sum(axis=0))
    assert optimal
    assert kendall_loss(win, order) == pytest.approx(linear_ordering(win), abs=1e-6)


def cyclic(k, margin=0.8):
    """Return wins of a circle: each beats the (k - 1) / 2 that follow it."""
    step = (np.arange(k) - np.arange(k)[:, None]) % k
    return np.where(step == 0, 0.5, np.where(step <= k // 2, margin, 1 - margin))


def test_a_large_circle_is_searched_and_says_that_it_is_not_proven(monkeypatch):
    k = 11  # odd, so that each beats as many as beat it
    win = cyclic(k)
    exact, optimal = kendall_order(win, 0.5 + win.sum(axis=0))
    assert optimal
    monkeypatch.setattr("uq._base.consensus.EXACT_SIZE", 3)
    searched, optimal = kendall_order(win, 0.5 + win.sum(axis=0))
    assert not optimal
    assert sorted(searched) == list(range(k))
    loss = kendall_loss(win, searched)
    assert loss <= 1.05 * kendall_loss(win, exact)
    for candidate, place in itertools.product(range(k), range(k)):
        moved = np.insert(searched[searched != candidate], place, candidate)
        assert kendall_loss(win, moved) >= loss - 1e-9


def test_many_small_circles_are_solved_exactly():
    # five circles of three, each beating all later ones: the optimum is the sum of theirs
    win = np.full((15, 15), 0.1)
    win[np.triu_indices(15, 1)] = 0.9
    for start in range(0, 15, 3):
        win[start : start + 3, start : start + 3] = cyclic(3)
    shuffle = np.random.default_rng(0).permutation(15)
    order, optimal = kendall_order(win[np.ix_(shuffle, shuffle)], 0.5 + win.sum(axis=0)[shuffle])
    assert optimal
    assert (shuffle[order] // 3).tolist() == np.repeat(range(5), 3).tolist()
    assert kendall_loss(win, shuffle[order]) == pytest.approx(5 * (0.2 + 0.2 + 0.8) + 90 * 0.1)


def test_an_unproven_order_prints_as_such():
    rng = np.random.default_rng(0)
    k = 2 * EXACT_SIZE + 1
    # each draw is a rotation of one circle: "a beats b beats c beats a"
    samples = -((np.arange(k) + rng.integers(0, k, size=(50 * k, 1))) % k).astype(float)
    ranking = RankSummary(samples).point_ranking("kendall")
    assert not ranking.is_optimal
    assert "not proven optimal" in str(ranking)
    assert len(ranking) == k
    assert ranking[0] == ranking.names[0]

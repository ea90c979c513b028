"""Intervals from judges' shares of votes: too narrow as they are, as wide as they say when tempered."""

import numpy as np
import pytest
from judges_brute import problem_of
from scipy import stats

from bayes.ranking._prior import judge_prior
from bayes.ranking._tempering import design_effects, first_fit

LEVEL, N_STUDIES, N_ITEMS, GRID = 0.95, 1500, 200, 800
CASES = {
    "equal": (0.8,) * 5,
    "two sharp of five": (0.95, 0.95, 0.55, 0.55, 0.55),
    "three sharp of eight": (0.9,) * 3 + (0.5,) * 5,
}


def covered(accuracy, share, tempered, seed):
    """Return how many intervals hold the share of good items; uniform prior, judges known."""
    rng = np.random.default_rng(seed)
    accuracy = np.array(accuracy)
    theta = np.array([[[a, 1 - a], [1 - a, a]] for a in accuracy])
    grid = (np.arange(GRID) + 0.5) / GRID
    log = np.log(
        (1 - grid)[None, :, None] * theta[:, None, 0] + grid[None, :, None] * theta[:, None, 1]
    )  # (J, grid, V)
    inside = 0
    for _ in range(N_STUDIES):
        good = rng.random(N_ITEMS) < share
        votes = (good[:, None] == (rng.random((N_ITEMS, len(accuracy))) < accuracy)).astype(int)
        problem = problem_of(votes, np.zeros(N_ITEMS, int))
        counts = problem.vote_counts()[0]
        if tempered:
            pooled = np.einsum("jgv,jv->g", log, counts)
            first = np.average(grid, weights=np.exp(pooled - pooled.max()))
            counts = counts / design_effects(problem, np.array([[1 - first, first]]), theta)[0]
        law = np.einsum("jgv,jv->g", log, counts)
        law = np.cumsum(np.exp(law - law.max()))
        low, high = np.interp([(1 - LEVEL) / 2, (1 + LEVEL) / 2], law / law[-1], grid + 0.5 / GRID)
        inside += low <= share <= high
    return inside


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.5, 0.15])
@pytest.mark.parametrize("case", CASES)
def test_tempered_intervals_hold_their_level(case, share):
    inside = covered(CASES[case], share, True, 1)
    low, high = stats.binom.ppf([5e-5, 1 - 5e-5], N_STUDIES, LEVEL)
    assert low <= inside <= high, inside / N_STUDIES


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_untempered_intervals_are_too_narrow(case):
    """The reason for tempering: judges of the same items are counted as if each had seen items of its own."""
    inside = covered(CASES[case], 0.5, False, 1)
    assert inside < stats.binom.ppf(1e-9, N_STUDIES, LEVEL), inside / N_STUDIES
    assert inside / N_STUDIES < 0.9


def posterior(problem, effect, n_grid=40):
    """Return the law of two candidates' shares on a grid, (grid, grid); the judges are integrated one by one."""
    grid = (np.arange(n_grid) + 0.5) / n_grid
    up = (grid[:, None, None] * grid + (1 - grid[:, None, None]) * grid[:, None]).reshape(n_grid, -1)
    prior = sum(
        stats.beta(a[1], a[0]).logpdf(x) for a, x in zip(problem.prior, (grid[:, None], grid), strict=True)
    ).ravel()  # fmt: skip
    log = np.zeros((n_grid, n_grid))
    for counts in problem.vote_counts().transpose(1, 0, 2) / effect[:, None]:
        first, second = (n[1] * np.log(up) + n[0] * np.log1p(-up) for n in counts)
        tops = first.max(axis=1, keepdims=True), second.max(axis=1, keepdims=True)
        log += np.log(np.exp(first - tops[0] + prior) @ np.exp(second - tops[1]).T) + tops[0] + tops[1].T
    law = np.exp(log - log.max())
    return law / law.sum()


def quantiles(mass, low, high):
    return np.interp(
        [(1 - LEVEL) / 2, (1 + LEVEL) / 2], np.r_[0, np.cumsum(mass)], np.linspace(low, high, len(mass) + 1)
    )


@pytest.mark.slow
def test_tempered_intervals_hold_with_judges_unknown():
    """Truths from the prior, five judges of common items: shares and differences, the effect from a first fit.

    Untempered .90 and .88.
    """
    n_studies, n_items, n_judges, strength, accuracy = 800, 150, 5, 100.0, 0.8
    rng = np.random.default_rng(0)
    a = judge_prior(2, strength, accuracy)
    inside = np.zeros((2, 2), int)  # untempered and tempered; share and difference
    for _ in range(n_studies):
        share, judges = rng.random(2), rng.beta(a[:, 1], a[:, 0], (n_judges, 2))
        cell = np.repeat([0, 1], n_items)
        good = (rng.random(2 * n_items) < share[cell]).astype(int)
        votes = (rng.random((2 * n_items, n_judges)) < judges[:, good].T).astype(int)
        problem = problem_of(votes, cell, strength=strength, accuracy=accuracy)
        for row, effect in enumerate((np.ones(2), design_effects(problem, *first_fit(problem)))):
            law = posterior(problem, effect)
            n = len(law)
            low, high = quantiles(law.sum(axis=1), 0, 1)
            inside[row, 0] += low <= share[0] <= high
            gaps = np.array([np.trace(law, k) for k in range(1 - n, n)])
            low, high = quantiles(gaps, 0.5 / n - 1, 1 - 0.5 / n)
            inside[row, 1] += low <= share[1] - share[0] <= high
    low, high = stats.binom.ppf([5e-5, 1 - 5e-5], n_studies, LEVEL)
    assert ((low <= inside[1]) & (inside[1] <= high)).all(), inside / n_studies
    assert (inside[0] < stats.binom.ppf(1e-5, n_studies, LEVEL)).all(), inside / n_studies

"""Intervals from judges' shares of votes: too narrow as they are, as wide as they say when tempered."""

import numpy as np
import pytest
from judges_brute import problem_of
from scipy import stats

from bayes.ranking._tempering import design_effects

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

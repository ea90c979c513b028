"""Slice sampling against quadrature on a fine grid."""

import numpy as np
import pytest
from scipy import stats

from bayes.optimization._likelihood import Likelihood, LogPrior
from bayes.optimization._slice import slice_sample


def law_of(draws, grid, weights):
    """Return mean and sd by the grid, and the draws' distance from them in standard errors of independent draws."""
    mean = weights @ grid
    sd = np.sqrt(weights @ (grid - mean) ** 2)
    return mean, sd, (draws.mean() - mean) / (sd / np.sqrt(len(draws)))


@pytest.mark.parametrize("width", [0.1, 1.5, 50.0])
def test_normal_law_on_a_box(width):
    rng = np.random.default_rng(0)
    box = np.array([[-1.0, 2.5], [-9.0, 9.0], [0.0, 1.0]])
    draws = slice_sample(
        lambda t: -0.5 * (t[0] ** 2 + (t[1] - t[0]) ** 2),
        np.array([0.0, 0.0, 0.5]),
        np.array([True, True, False]),
        box,
        rng,
        n_draws=3000,
        burn=20,
        thin=3,
        width=width,
    )
    assert (draws[:, 2] == 0.5).all()
    assert ((draws[:, :2] > box[:2, 0]) & (draws[:, :2] < box[:2, 1])).all()
    assert stats.kstest(draws[:, 0], stats.truncnorm(-1, 2.5).cdf).pvalue > 1e-3
    assert stats.kstest((draws[:, 1] - draws[:, 0]), stats.norm.cdf).pvalue > 1e-3


def test_two_modes_and_zero_density_between():
    def log_density(t):
        return 0.0 if 0 < t[0] < 1 or 1.5 < t[0] < 2 else -np.inf

    draws = slice_sample(
        log_density,
        np.array([0.5]),
        np.ones(1, bool),
        np.array([[-5.0, 5.0]]),
        np.random.default_rng(1),
        n_draws=3000,
        burn=0,
        thin=2,
        width=3.0,
    )
    assert abs((draws < 1).mean() - 2 / 3) < 4 * np.sqrt(2 / 9 / 600)  # neighbours are correlated


def data(n=9, seed=3):
    rng = np.random.default_rng(seed)
    X = rng.random((n, 1))
    y = np.sin(6 * X[:, 0]) + 0.2 * rng.normal(size=n)
    free = np.array([True, False, True])
    return Likelihood("matern52", X, np.zeros(1, int), y, np.ones((n, 1)), np.zeros(n), 1.0, LogPrior.default(1), free)


@pytest.mark.slow
def test_hyperparameters_against_quadrature():
    likelihood, free = data(), np.array([True, False, True])
    box = np.array([[-7.0, 12.0], [-10.0, 8.0], [np.log(1e-6), 6.0]])
    grids = np.linspace(-5, 9, 60), np.linspace(-10, 2, 48)
    logs = np.array([[-likelihood.collapsed(np.array([a, 0.0, b])) for b in grids[1]] for a in grids[0]])
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    assert weights[[0, -1]].sum() + weights[:, [0, -1]].sum() < 1e-4, "the grid is too small"
    draws = slice_sample(
        lambda t: -likelihood.collapsed(t),
        np.array([0.0, 0.0, -3.0]),
        free,
        box,
        np.random.default_rng(5),
        n_draws=900,
        burn=50,
        thin=3,
    )
    for j, (grid, marginal) in enumerate(zip(grids, (weights.sum(1), weights.sum(0)), strict=True)):
        sample = draws[:, 2 * j]
        mean, sd, z = law_of(sample, grid, marginal)
        assert abs(z) < 5, (mean, sample.mean())
        assert sample.std() == pytest.approx(sd, rel=0.1)
        for level in (0.1, 0.5, 0.9):
            at = grid[np.searchsorted(np.cumsum(marginal), level)]
            step = grid[1] - grid[0]
            assert (sample < at - step).mean() - 0.05 < level < (sample < at + step).mean() + 0.05


@pytest.mark.slow
def test_simulation_based_calibration():
    """Where hyperparameters come from the prior, their ranks among draws given the data are uniform."""
    rng = np.random.default_rng(11)
    prior, box = LogPrior.default(1), np.array([[-7.0, 12.0], [-10.0, 8.0], [np.log(1e-6), 6.0]])
    n, n_draws, ranks = 8, 15, []
    for _ in range(120):
        theta = rng.normal(prior.centre, prior.spread)
        coef = rng.normal()
        X = rng.random((n, 1))
        gap = np.abs(X - X.T) * np.sqrt(5) / np.exp(theta[0])
        K = np.exp(theta[1]) * (1 + gap + gap**2 / 3) * np.exp(-gap) + np.exp(theta[2]) * np.eye(n)
        y = coef + np.linalg.cholesky(K) @ rng.normal(size=n)
        likelihood = Likelihood(
            "matern52", X, np.zeros(1, int), y, np.ones((n, 1)), np.zeros(n), 1.0, prior, np.ones(3, bool)
        )
        draws = slice_sample(
            lambda t, likelihood=likelihood: -likelihood.collapsed(t),
            prior.centre,
            np.ones(3, bool),
            box,
            rng,
            n_draws=n_draws,
            burn=60,
            thin=12,
        )
        coefs = []
        for draw in draws:
            law = likelihood.trend(draw)
            coefs.append(law.coef[0] + rng.normal() / law.factor[0, 0])
        ranks.append([*(draws < theta).sum(axis=0), (np.array(coefs) < coef).sum()])
    for column in np.array(ranks).T:
        counts = np.bincount(column // 4, minlength=4)
        assert stats.chisquare(counts).pvalue > 1e-3, counts

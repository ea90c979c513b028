"""The likelihood against dense normal densities and finite differences."""

import numpy as np
import pytest
from scipy import stats

from bayes.optimization._kernels import KERNELS, Kernel
from bayes.optimization._likelihood import Likelihood, LogPrior

N, COLUMNS = 11, np.array([0, 1, 1])
THETA = np.array([-0.5, 0.3, 0.4, -2.0])


def problem(kernel="matern52", p=2, precision=1.0, prior=True, n=N, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.random((n, 3))
    H = np.column_stack([np.ones(n), rng.normal(size=n), rng.normal(size=n)])[:, :p]
    y = np.sin(4 * X[:, 0]) + 0.3 * rng.normal(size=n)
    extra = rng.random(n) * 0.1
    free = np.ones(4, bool)
    return Likelihood(kernel, X, COLUMNS, y, H, extra, precision, LogPrior.default(2) if prior else None, free), X


def covariance(likelihood, X, theta):
    kernel = Kernel(
        name=likelihood.kernel, length_scale=np.exp(theta[:2])[COLUMNS], signal_variance=float(np.exp(theta[2]))
    )
    return kernel(X, X) + np.diag(np.exp(theta[3]) + likelihood.extra)


def log_prior(theta):
    long = np.sqrt(2) + np.log(2) / 2
    laws = [stats.norm(long, 3**0.5)] * 2 + [stats.norm(0, 1), stats.norm(-4, 1)]
    return sum(law.logpdf(value) for law, value in zip(laws, theta, strict=True))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("p", [0, 1, 3])
def test_value_is_the_density_at_the_mode_of_the_coefficients(kernel, p):
    likelihood, X = problem(kernel, p)
    K = covariance(likelihood, X, THETA)

    def slow(coef):
        mean = likelihood.H @ coef
        return (
            stats.multivariate_normal(mean, K).logpdf(likelihood.y) + stats.norm.logpdf(coef).sum() + log_prior(THETA)
        )

    coef = likelihood.trend(THETA).coef
    assert likelihood(THETA, False) == pytest.approx(-slow(coef), abs=1e-9)
    assert likelihood(THETA)[0] == likelihood(THETA, False)
    for step in 1e-3 * np.eye(p):
        assert slow(coef + step) < slow(coef)
        assert slow(coef - step) < slow(coef)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("p", [0, 1, 3])
@pytest.mark.parametrize(("precision", "prior"), [(1.0, True), (0.0, False)])
def test_gradient(kernel, p, precision, prior):
    likelihood, _ = problem(kernel, p, precision, prior)
    _, slopes = likelihood(THETA)
    step = 1e-5
    for j, e in enumerate(step * np.eye(4)):
        slow = (likelihood(THETA + e, False) - likelihood(THETA - e, False)) / (2 * step)
        assert slopes[j] == pytest.approx(slow, abs=1e-7)


@pytest.mark.parametrize("p", [0, 1, 3])
def test_collapsed_is_the_density_with_coefficients_integrated_out(p):
    likelihood, X = problem(p=p)
    K = covariance(likelihood, X, THETA) + likelihood.H @ likelihood.H.T
    slow = stats.multivariate_normal(np.zeros(N), K).logpdf(likelihood.y) + log_prior(THETA)
    assert likelihood.collapsed(THETA) == pytest.approx(-slow, abs=1e-9)


def test_law_of_the_coefficients():
    likelihood, X = problem(p=3)
    inverse = np.linalg.inv(covariance(likelihood, X, THETA))
    precision = likelihood.H.T @ inverse @ likelihood.H + np.eye(3)
    coef, factor = likelihood.trend(THETA)
    np.testing.assert_allclose(factor @ factor.T, precision, rtol=1e-9)
    np.testing.assert_allclose(coef, np.linalg.solve(precision, likelihood.H.T @ inverse @ likelihood.y), rtol=1e-9)


def test_what_is_given_has_no_prior():
    prior, free = LogPrior.default(2), np.array([False, False, True, False])
    value, slopes = prior.minus_log(np.array([5.0, 5.0, 0.7, -np.inf]), free)
    assert value == pytest.approx(-stats.norm.logpdf(0.7))
    np.testing.assert_array_equal(slopes, [0, 0, 0.7, 0])


def test_equal_rows_without_noise_are_survived():
    X = np.repeat(np.random.default_rng(0).random((3, 3)), 3, axis=0)
    likelihood = Likelihood(
        "gaussian", X, COLUMNS, np.ones(9), np.ones((9, 1)), np.zeros(9), 1.0, None, np.ones(4, bool)
    )
    value, slopes = likelihood(np.array([0.0, 0.0, 0.0, -np.inf]))
    assert np.isfinite(value)
    assert np.isfinite(slopes).all()


def test_columns_that_depend_on_each_other_without_a_prior():
    likelihood, _ = problem(p=1, precision=0.0, prior=False)
    twice = np.column_stack([likelihood.H, 2 * likelihood.H])
    both = Likelihood("matern52", problem()[1], COLUMNS, likelihood.y, twice, likelihood.extra, 0.0, None, None)
    assert both(THETA, False) == pytest.approx(likelihood(THETA, False), abs=1e-6)


def test_one_row():
    likelihood, _ = problem(n=1, p=1)
    value, slopes = likelihood(THETA)
    assert value == pytest.approx(likelihood(THETA, False))
    assert slopes[0] == pytest.approx(log_slope(0), abs=1e-9)


def log_slope(j):
    """Return the prior's part of the gradient: one row says nothing about length scales."""
    return LogPrior.default(2).minus_log(THETA, np.ones(4, bool))[1][j]

"""The success model: its mode, its evidence against quadrature, its gradient."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_ndtr, ndtr

from bayes.optimization._success import SCALES, VARIANCE, _laplace, fit_success


def world(n, seed, d=3):
    rng = np.random.default_rng(seed)
    X = rng.random((n, d))
    return X, X[:, 0] + 0.2 * rng.normal(size=n) < 0.5


@pytest.mark.parametrize("scale", [0.15, 0.7, 2.2])
def test_the_mode_is_where_prior_and_likelihood_balance(scale):
    X, ok = world(30, 0)
    model = _laplace(X, ok, scale)
    f = model.kernel.between(model.X, model.X) @ model.slope
    sign = np.where(ok, 1.0, -1.0)
    slope = sign * np.exp(-0.5 * f * f - 0.5 * np.log(2 * np.pi) - log_ndtr(sign * f))
    assert np.allclose(slope, model.slope, atol=1e-4)


def exact(X, ok, x, scale, side=161, reach=9.0):
    """Return the log evidence of two trials, and the chance of success at x, by a grid over both latent values."""
    kernel = _laplace(X, ok, scale).kernel
    z = np.linspace(-reach, reach, side)
    weight = np.exp(-0.5 * z * z)
    weight /= weight.sum()
    points = kernel.scaled(X)
    L = np.linalg.cholesky(kernel.between(points, points))
    a, b = np.meshgrid(z, z, indexing="ij")
    f = np.stack([L[0, 0] * a, L[1, 0] * a + L[1, 1] * b])
    sign = np.where(ok, 1.0, -1.0)
    mass = weight[:, None] * weight * ndtr(sign[0] * f[0]) * ndtr(sign[1] * f[1])
    k = np.linalg.solve(L, kernel.between(points, kernel.scaled(x[None])))[:, 0]
    mean, spread = k[0] * a + k[1] * b, VARIANCE - k @ k
    return np.log(mass.sum()), (mass * ndtr(mean / np.sqrt(1 + spread))).sum() / mass.sum()


@pytest.mark.parametrize("ok", [(True, True), (True, False), (False, False)], ids=str)
@pytest.mark.parametrize("scale", [0.3, 1.4])
def test_two_trials_against_quadrature(ok, scale):
    """Laplace's approximation is timid: it is closer to one half than the truth, by up to .08 here."""
    X, x = np.array([[0.2, 0.4], [0.5, 0.9]]), np.array([0.3, 0.3])
    evidence, chance = exact(X, np.array(ok), x, scale)
    model = _laplace(X, np.array(ok), scale)
    found = np.exp(model.at(x)[0])
    assert model.log_evidence == pytest.approx(evidence, abs=0.25)
    assert found == pytest.approx(chance, abs=0.08)
    assert abs(found - 0.5) <= abs(chance - 0.5) + 1e-9


@pytest.mark.parametrize("scale", [0.3, 0.9])
def test_the_approximation_is_the_textbook_one(scale):
    X, ok = world(12, 6)
    model = _laplace(X, ok, scale)
    K, sign = model.kernel.between(model.X, model.X), np.where(ok, 1.0, -1.0)
    inverse = np.linalg.inv(K)
    mode = minimize(lambda f: 0.5 * f @ inverse @ f - log_ndtr(sign * f).sum(), np.zeros(12), tol=1e-12).x
    z = sign * mode
    ratio = np.exp(-0.5 * z * z - 0.5 * np.log(2 * np.pi) - log_ndtr(z))
    W = np.diag(ratio * (z + ratio))
    evidence = log_ndtr(z).sum() - 0.5 * mode @ inverse @ mode - 0.5 * np.linalg.slogdet(np.eye(12) + K @ W)[1]
    assert model.log_evidence == pytest.approx(evidence, abs=1e-5)
    x = np.array([0.4, 0.6, 0.1])
    k = model.kernel.between(model.X, model.kernel.scaled(x[None]))[:, 0]
    spread = VARIANCE - k @ np.linalg.inv(K + np.linalg.inv(W)) @ k
    assert np.exp(model.at(x)[0]) == pytest.approx(ndtr(k @ inverse @ mode / np.sqrt(1 + spread)), abs=1e-4)


@pytest.mark.parametrize("n", [1, 4, 40])
def test_the_gradient_is_that_of_the_log_chance(n):
    X, ok = world(n, 1)
    model = fit_success(X, ok)
    for x in (X[0] + 0.01, np.full(3, 0.4), np.array([2.0, 0.1, -1.0])):
        value, slope = model.at(x)
        assert value == pytest.approx(model.screen(x[None])[0], abs=1e-12)
        for j in range(3):
            step = 1e-6 * np.eye(3)[j]
            numeric = (model.at(x + step)[0] - model.at(x - step)[0]) / 2e-6
            assert slope[j] == pytest.approx(numeric, rel=1e-4, abs=1e-7)


def test_it_learns_where_crashes_are():
    X, ok = world(60, 2)
    model = fit_success(X, ok)
    A, truth = world(400, 3)
    chance = np.exp(model.screen(A))
    assert ((chance > 0.5) == truth).mean() > 0.8
    assert np.mean((chance - truth) ** 2) < 0.16


def test_far_from_all_trials_the_chance_is_one_half():
    X, ok = world(20, 4)
    assert np.exp(fit_success(X, ok).screen(np.full((1, 3), 100.0)))[0] == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize("ok", [True, False])
def test_one_kind_of_outcome_and_repeats_are_enough(ok):
    X = np.repeat([[0.2, 0.3]], 25, axis=0)
    model = fit_success(X, np.full(25, ok))
    assert (np.exp(model.at(X[0])[0]) > 0.5) == ok
    assert np.isfinite(model.at(np.array([0.9, 0.9]))[1]).all()


def test_the_length_scale_with_most_evidence_and_prior_is_taken():
    X, ok = world(40, 5)
    chosen = fit_success(X, ok)
    assert chosen.log_evidence >= max(_laplace(X, ok, s).log_evidence for s in SCALES) - 2

"""The worst part of the largest noise: against quadrature, and against draws."""

import numpy as np
import pytest
from scipy import integrate, stats

from uq.reuse._noise import gaussian_cvar, laplace_cvar, laplace_excess, laplace_quantile

SIZES = (1, 3, 100, 10**6)
ALPHAS = (0.5, 0.05, 1e-6)


def by_quadrature(tail, alpha):
    """Return the mean of the worst part: v + E(Y - v)_+ / alpha at the quantile v."""
    low, high = 0.0, 100.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle) > alpha else (low, middle)
    pieces = [integrate.quad(tail, high + a, high + b, epsabs=0, epsrel=1e-11)[0] for a, b in ((0, 1), (1, 8), (8, 60))]
    return high + sum(pieces) / alpha


def of_largest(p, k):
    return -np.expm1(k * np.log1p(-p)) if p < 1 else 1.0


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("k", SIZES)
def test_by_quadrature(k, alpha):
    gaussian = by_quadrature(lambda y: of_largest(2 * stats.norm.sf(y), k), alpha)
    assert gaussian_cvar(k, alpha) == pytest.approx(gaussian, rel=1e-8)
    for signed, half in ((False, 1.0), (True, 0.5)):
        laplace = by_quadrature(lambda y, half=half: of_largest(half * np.exp(-y), k), alpha)
        got = laplace_cvar(k, alpha, signed=signed)
        assert got == pytest.approx(laplace, rel=1e-8)
        for start in (0.0, 0.3, 5.0):
            exact = sum(
                integrate.quad(
                    lambda y, half=half: of_largest(half * np.exp(-y), k), start + a, start + b, epsrel=1e-11
                )[0]
                for a, b in ((0, 5), (5, 12), (12, 20), (20, 90))
            )
            assert laplace_excess(k, start, signed=signed) == pytest.approx(exact, rel=1e-8)


def test_closed_form_of_one():
    z = stats.norm.isf(0.025)
    assert gaussian_cvar(1, 0.05) == pytest.approx(2 * stats.norm.pdf(z) / 0.05, rel=1e-10)
    assert laplace_cvar(1, 0.05, signed=False) == pytest.approx(1 - np.log(0.05), rel=1e-10)


def test_by_draws():
    rng = np.random.default_rng(0)
    largest = np.sort(np.abs(rng.standard_normal((200_000, 7))).max(axis=1))[::-1]
    assert gaussian_cvar(7, 0.1) == pytest.approx(largest[:20_000].mean(), abs=0.01)
    noise = rng.laplace(size=(200_000, 7)).max(axis=1)
    assert laplace_cvar(7, 0.1, signed=True) == pytest.approx(np.sort(noise)[::-1][:20_000].mean(), abs=0.03)
    assert laplace_excess(7, 2.0, signed=True) == pytest.approx(np.maximum(noise - 2, 0).mean(), abs=0.01)


def test_whole_law_is_the_mean():
    assert gaussian_cvar(1, 1.0) == pytest.approx(np.sqrt(2 / np.pi), rel=1e-9)
    # of a signed noise below 0 only a bound from above
    assert laplace_quantile(1, 0.9, signed=True) == 0
    assert laplace_cvar(1, 0.9, signed=True) == pytest.approx(0.5 / 0.9, rel=1e-9)


def test_levels_at_the_edge_of_the_floats():
    for alpha in (2.0**-53, 1e-12, 1 - 2.0**-53, 1.0):
        for k in (1, 10**9):
            assert 0 < gaussian_cvar(k, alpha) < 12
            assert 0 < laplace_cvar(k, alpha, signed=False) < 70

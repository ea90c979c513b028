"""The grid: masses keep totals and moments, and the heat kernel is the reflected Gaussian."""

import numpy as np
import pytest

from uq._base.grid import bin_masses, bin_matrix, cell_centers, cells_for, coefficients, heat

RNG = np.random.default_rng(0)


def reflected(t, x, sigma):
    """Return the density at t of a Gaussian at x with all its mirror images."""
    images = np.concatenate([[x + 2 * m, -x + 2 * m] for m in range(-20, 21)])
    return np.exp(-0.5 * ((t[:, None] - images) / sigma) ** 2).sum(axis=1) / (sigma * np.sqrt(2 * np.pi))


@pytest.mark.parametrize("cubic", [False, True])
@pytest.mark.parametrize("size", [2, 3, 8, 1024])
def test_masses_keep_the_total(size, cubic):
    x = np.r_[RNG.random(1000), 0, 1, 5e-324, 1 - 2**-53, 0.5 / size, 1 - 0.5 / size]
    w = RNG.normal(size=len(x))
    masses = bin_masses(x, w, size, cubic=cubic)
    assert masses.shape == (size,)
    assert masses.sum() == pytest.approx(w.sum(), abs=1e-12)
    assert bin_masses(x, None, size, cubic=cubic).sum() == pytest.approx(len(x))


def test_linear_masses_are_those_of_the_two_nearest_centers():
    masses = bin_masses(np.array([0.0, 0.2, 0.375, 0.9, 1.0]), np.array([1.0, 10.0, 100.0, 1e3, 1e4]), 4)
    # centers .125, .375, .625, .875; beyond the outer ones the mirror image is the center itself
    assert masses.tolist() == pytest.approx([1 + 7, 3 + 100, 0, 11000])


@pytest.mark.parametrize(("size", "cubic"), [(2, False), (3, False), (64, False), (8, True), (64, True)])
def test_the_matrix_bins_as_the_rows_do(size, cubic):
    x, w = np.r_[RNG.random(40), 0, 1, 0.5 / size], RNG.normal(size=(5, 43))
    expected = [bin_masses(x, row, size, cubic=cubic) for row in w]
    assert np.allclose(w @ bin_matrix(x, size, cubic=cubic), expected, rtol=0, atol=1e-12)


def test_the_matrix_interpolates_cubics():
    x = 0.1 + 0.8 * RNG.random(30)
    values = np.polyval([2, -3, 1, 0.5], cell_centers(32))
    assert np.allclose(bin_matrix(x, 32, cubic=True) @ values, np.polyval([2, -3, 1, 0.5], x), rtol=1e-12)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_heat_gives_the_derivatives_of_the_gaussian(order):
    size, sigma, x = 2048, 0.03, np.array([0.4, 0.61])
    t = (cell_centers(size) - x[:, None]) / sigma
    hermite = [1 + 0 * t, -t, t**2 - 1, 3 * t - t**3][order]
    expected = (np.exp(-0.5 * t**2) * hermite).sum(axis=0) / (sigma ** (order + 1) * np.sqrt(2 * np.pi) * size)
    found = heat(coefficients(bin_masses(x, None, size, cubic=True)), sigma, order)
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("cubic", [False, True])
def test_masses_keep_the_moments_of_their_order(cubic):
    x = 0.3 + 0.4 * RNG.random(50)
    w = RNG.random(50)
    masses, centers = bin_masses(x, w, 64, cubic=cubic), cell_centers(64)
    for power in range(4 if cubic else 2):
        assert masses @ centers**power == pytest.approx(w @ x**power, rel=1e-12)
    assert cubic or (masses >= 0).all()


def test_blocks_of_rows_add_up():
    x = RNG.random(200_000)
    one = bin_masses(x[:99_999], None, 128) + bin_masses(x[99_999:], None, 128)
    assert np.allclose(bin_masses(x, None, 128), one, rtol=1e-12)


@pytest.mark.parametrize("sigma", [0.03, 0.1, 0.5, 3.0])
@pytest.mark.parametrize("x", [0.0, 1e-4, 0.3, 0.77, 1.0])
def test_heat_is_the_gaussian_with_all_its_images(x, sigma):
    size = 4096
    smooth = heat(coefficients(bin_masses(np.array([x]), None, size, cubic=True)), sigma)
    assert np.allclose(smooth * size, reflected(cell_centers(size), x, sigma), rtol=0, atol=1e-7 / sigma)
    assert smooth.sum() == pytest.approx(1, abs=1e-12)


def test_the_order_of_the_error():
    def error(size, cubic):
        smooth = heat(coefficients(bin_masses(np.array([0.3]), None, size, cubic=cubic)), 0.05)
        return np.abs(smooth * size - reflected(cell_centers(size), 0.3, 0.05)).max()

    # .3 lies at the same place within its cell on both grids
    assert 3.5 < error(250, False) / error(500, False) < 4.5
    assert 13 < error(250, True) / error(500, True) < 19


def test_rows_of_coefficients_are_smoothed_at_once():
    masses = RNG.random((3, 2, 64))
    both = heat(coefficients(masses), 0.1)
    assert np.allclose(both[1, 1], heat(coefficients(masses[1, 1]), 0.1), rtol=1e-13)


def test_any_bandwidth_is_survived():
    cosines = coefficients(np.arange(8.0))
    assert np.allclose(heat(cosines, 1e300), 3.5)
    assert np.allclose(heat(cosines, 1e-300), np.arange(8.0))


def test_a_grid_fine_enough_for_the_bandwidth():
    assert cells_for(1.0) == 8192
    assert cells_for(0.001) == 65536
    assert cells_for(0.0) == 1 << 20
    assert cells_for(0.5, least=2, fineness=8) == 16

"""The search for the largest utility."""

import numpy as np
import pytest

from bayes import Categorical, Integer, Real
from bayes.optimization._maximize import Product, maximize, sobol
from bayes.optimization._space import Space


class Peaks:
    """Log of a sum of Gaussians: several local maxima."""

    def __init__(self, d, n, seed, width=0.1):
        rng = np.random.default_rng(seed)
        self.centers, self.heights, self.width = rng.random((n, d)), rng.normal(size=n), width

    def at(self, x):
        apart = x - self.centers
        terms = self.heights - 0.5 * (apart**2).sum(axis=1) / self.width**2
        value = np.logaddexp.reduce(terms)
        return value, -(np.exp(terms - value) @ apart) / self.width**2

    def screen(self, A):
        return np.array([self.at(a)[0] for a in A])


def find(utility, space, seed=0, centers=None, blocked=None, cells=None):
    empty = np.empty((0, space.n_columns))
    rng = np.random.default_rng(seed)
    centers, blocked = (empty if rows is None else rows for rows in (centers, blocked))
    return maximize(utility, space, rng, centers=centers, blocked=blocked, cells=cells)


@pytest.mark.parametrize("seed", range(5))
def test_the_highest_of_several_peaks_is_found(seed):
    space, utility = Space({"x": Real(0, 1), "y": Real(0, 1)}), Peaks(2, 5, seed)
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 101)] * 2), axis=-1).reshape(-1, 2)
    row = find(utility, space)
    assert utility.at(row)[0] >= utility.screen(grid).max() - 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_a_maximum_on_the_border_is_found(seed):
    class Slope:
        def __init__(self):
            self.direction = np.random.default_rng(seed).normal(size=3)

        def at(self, x):
            return self.direction @ x, self.direction

        def screen(self, A):
            return A @ self.direction

    utility = Slope()
    row = find(utility, Space({n: Real(-1, 5) for n in "abc"}))
    assert np.allclose(row, utility.direction > 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_finite_space_is_searched_exactly(seed):
    space = Space({"n": Integer(0, 30), "m": Integer(1, 64, log=True), "k": Categorical(["a", "b", "c"])})
    utility = Peaks(5, 8, seed, width=0.3)
    values = utility.screen(space.cells())
    assert utility.at(find(utility, space, cells=np.arange(len(values))))[0] == pytest.approx(values.max())
    left = np.flatnonzero(values < np.quantile(values, 0.7))
    assert utility.at(find(utility, space, cells=left))[0] == pytest.approx(values[left].max())
    assert find(utility, space, cells=left[:0]) is None


@pytest.mark.parametrize("seed", range(4))
def test_the_search_of_a_mixed_space_equals_its_enumeration(seed):
    space = Space({"x": Real(0, 1), "n": Integer(0, 9), "k": Categorical(["a", "b", "c"])})
    utility = Peaks(5, 6, seed, width=0.25)
    row = find(utility, space)
    rows = [
        np.r_[x, n / 9, np.sqrt(0.5) * (np.arange(3) == k)]
        for x in np.linspace(0, 1, 51)
        for n in range(10)
        for k in range(3)
    ]
    assert utility.at(row)[0] >= utility.screen(np.array(rows)).max() - 1e-3
    assert np.allclose(space.snap(row[None])[0], row)


def test_a_large_finite_space_is_climbed_by_single_swaps():
    space = Space({"n": Integer(0, 10**6), "m": Integer(-500, 500), "k": Categorical(list(range(40)))})
    assert not space.enumerable

    class Bowl:
        def at(self, x):
            p = space.decode(x)
            return -abs(p["n"] - 123_456) / 1e4 - abs(p["m"] - 77) - (p["k"] != 31), np.zeros(len(x))

        def screen(self, A):
            return np.array([self.at(a)[0] for a in A])

    found = space.decode(find(Bowl(), space))
    assert found["k"] == 31
    assert abs(found["m"] - 77) <= 2


def test_blocked_rows_do_not_come_out():
    space, utility = Space({"x": Real(0, 1)}), Peaks(1, 1, 3)
    best = find(utility, space)
    other = find(utility, space, blocked=best[None])
    assert np.abs(other - best).max() >= 1e-6
    assert utility.at(other)[0] > utility.at(best)[0] - 1


class Broken:
    def __init__(self, value):
        self.value = value

    def at(self, x):
        return self.value, np.full(len(x), np.nan)

    def screen(self, A):
        return np.full(len(A), self.value)


@pytest.mark.parametrize("value", [-np.inf, np.nan])
@pytest.mark.parametrize(
    "space", [{"x": Real(0, 1)}, {"x": Real(0, 1), "k": Categorical(["a", "b"])}, {"n": Integer(0, 5)}], ids=len
)
def test_a_utility_that_says_nothing_still_gives_a_setting(space, value):
    space = Space(space)
    row = find(Broken(value), space, cells=np.arange(6) if space.enumerable else None)
    assert np.allclose(space.snap(row[None])[0], row)


def test_a_product_adds_logarithms():
    a, b = Peaks(2, 3, 0), Peaks(2, 4, 1)
    x = np.array([0.3, 0.6])
    value, slope = Product(a, b).at(x)
    assert value == a.at(x)[0] + b.at(x)[0]
    assert np.array_equal(slope, a.at(x)[1] + b.at(x)[1])
    assert Product(a, b).screen(x[None])[0] == pytest.approx(value)


def test_the_net_is_even_and_its_shift_random():
    rng = np.random.default_rng(0)
    points = sobol(3, 64, rng)
    assert ((points >= 0) & (points < 1)).all()
    for j in range(3):
        assert np.bincount((64 * points[:, j]).astype(int), minlength=64).max() <= 2
    assert not np.allclose(points, sobol(3, 64, rng))
    assert sobol(2, 1, rng).shape == (1, 2)

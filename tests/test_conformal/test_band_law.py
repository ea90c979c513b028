"""Two sorted positions at once, and counts beyond a line, against all configurations."""

import time
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from scipy import stats
from test_conformal.enumeration import configurations

from conformal import RankLaw
from conformal._band_law import band_level, band_ranks
from uq.exceptions import InputError


@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 2), (5, 3), (7, 5), (4, 4), (2, 5)])
def test_band_level_against_all_configurations(n, m):
    every = np.array(configurations(n, m))
    for k1 in range(1, m + 1):
        for k2 in range(k1, m + 1):
            for low in range(1, n + 2):
                for high in range(1, n + 2):
                    inside = (every[:, k1 - 1] >= low) & (every[:, k2 - 1] <= high)
                    assert band_level(n, m, k1, k2, low, high) == pytest.approx(inside.mean(), abs=1e-12)


def test_band_level_of_large_batches_by_simulation_and_by_its_known_value():
    law = RankLaw(200, 40)
    ranks = law.sample(40_000, rng=0)
    for low, high in ((40, 160), (50, 150), (60, 201), (1, 120)):
        level = law.band_level(10, 30, low, high)
        inside = ((ranks[:, 9] >= low) & (ranks[:, 29] <= high)).sum()
        assert stats.binom.cdf(inside, len(ranks), level) > 1e-5
        assert stats.binom.sf(inside - 1, len(ranks), level) > 1e-5
    assert 0 < RankLaw(10**6, 10**5).band_level(25_000, 75_000, 248_000, 752_000) < 1


@pytest.mark.parametrize(("n", "m", "k1", "k2"), [(20, 5, 2, 4), (100, 40, 10, 30), (9, 20, 5, 15)])
@pytest.mark.parametrize("level", [0.5, 0.9])
def test_band_ranks_are_the_first_that_reach_the_level(n, m, k1, k2, level):
    low, high = band_ranks(n, m, k1, k2, 0.25, 0.75, level)
    assert band_level(n, m, k1, k2, low, high) >= level
    if (low, high) != (round(0.25 * n) + 1, round(0.75 * n)):
        inner = min(low + 1, round(0.25 * n) + 1), max(high - 1, round(0.75 * n))
        assert band_level(n, m, k1, k2, *inner) < level + 1e-10


@pytest.mark.parametrize(("n", "m"), [(3, 2), (5, 3), (7, 5), (12, 10)])
@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_exceedance_bound_holds_given_every_number_beyond_the_line(n, m, level):
    """With K scores of the pool beyond the line, W of them in the batch is hypergeometric."""
    bounds = [RankLaw(n, m).exceedance_bound(z, level) for z in range(n + 1)]
    assert bounds == sorted(bounds)
    for k in range(n + m + 1):
        missed = Fraction(
            sum(comb(m, w) * comb(n, k - w) for w in range(max(0, k - n), min(m, k) + 1) if w > bounds[k - w]),
            comb(n + m, k),
        )
        assert missed <= 1 - Fraction(str(level))


def test_bad_input():
    law = RankLaw(10, 5)
    for arguments in ((0, 1, 1, 1), (2, 1, 1, 1), (1, 6, 1, 1), (1, 2, 0, 3), (1, 2, 1, 12), (1.0, 2, 1, 3)):
        with pytest.raises(InputError):
            law.band_level(*arguments)
    for arguments in ((-1, 0.9), (11, 0.9), (2.0, 0.9), (2, 1), (2, 0), (2, 1.5)):
        with pytest.raises(InputError):
            law.exceedance_bound(*arguments)


@pytest.mark.parametrize(("n", "m"), [(300, 200), (40, 700), (700, 40)])
def test_the_window_loses_nothing(n, m):
    rng = np.random.default_rng(7)
    for _ in range(40):
        k1, k2 = sorted(rng.integers(1, m + 1, 2).tolist())
        low = int(np.clip(k1 * n / m + rng.normal() * np.sqrt(n), 1, n))
        high = int(np.clip(k2 * n / m + rng.normal() * np.sqrt(n), low, n))
        first, second = low + k1 - 2, high + k2 - 1
        j = np.arange(k1, k2)
        both = stats.hypergeom(n + m, m, first).pmf(j)
        both = (both * stats.hypergeom(n + m - first, m - j, second - first).cdf(k2 - 1 - j)).sum()
        below = stats.hypergeom(n + m, m, first).sf(k1 - 1)
        above = stats.hypergeom(n + m, m, second).cdf(k2 - 1)
        assert band_level(n, m, k1, k2, low, high) == pytest.approx(1 - below - above + both, abs=1e-11)


def test_ten_million_scores_take_no_time():
    n, started = 10**7, time.process_time()
    wide = band_level(n, n, n // 10, 9 * n // 10, n // 10 - 3000, 9 * n // 10 + 3000)
    assert time.process_time() - started < 1
    # nearly two normal tails at 3000 / sd, sd^2 = 2 n / (10/9 * 10), dependent a little
    z = 3000 / np.sqrt(2 * n * 0.09)
    assert wide == pytest.approx(1 - 2 * stats.norm.sf(z), abs=2e-3)

"""Each bound against its formula written out, a grid, or SciPy; shapes, mirror images and ends."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from uq._base import bounds

PAIRS = {
    "hoeffding": (bounds.hoeffding_lower, bounds.hoeffding_upper),
    "empirical_bernstein": (bounds.empirical_bernstein_lower, bounds.empirical_bernstein_upper),
    "kl": (bounds.kl_lower, bounds.kl_upper),
}


def kl(p, q):
    """Return the relative entropy of two coins, term by term."""
    total = 0.0
    for a, b in ((p, q), (1 - p, 1 - q)):
        if a > 0:
            total += math.inf if b <= 0 else a * math.log(a / b)
    return total


@pytest.fixture
def values(rng):
    return rng.beta(0.5, 3, size=40)


@pytest.mark.parametrize("alpha", [0.2, 0.05, 1e-6])
def test_closed_forms(values, alpha):
    n, mean = len(values), math.fsum(values) / len(values)
    variance = math.fsum((v - mean) ** 2 for v in values) / (n - 1)
    half = {
        bounds.hoeffding_lower: math.sqrt(math.log(1 / alpha) / (2 * n)),
        bounds.empirical_bernstein_lower: math.sqrt(2 * variance * math.log(2 / alpha) / n)
        + 7 * math.log(2 / alpha) / (3 * (n - 1)),
    }
    for bound, h in half.items():
        assert bound(values, alpha) == pytest.approx(max(0.0, mean - h), rel=1e-12)
    h = math.sqrt(2 * 0.04 * math.log(1 / alpha) / n) + math.log(1 / alpha) / (3 * n)
    assert bounds.bernstein_lower(values, 0.04, alpha) == pytest.approx(max(0.0, mean - h), rel=1e-12)
    assert bounds.bernstein_upper(values, 0.04, alpha) == pytest.approx(min(1.0, mean + h), rel=1e-12)


@pytest.mark.parametrize("name", PAIRS)
def test_upper_is_the_mirror_image(values, name):
    lower, upper = PAIRS[name]
    assert upper(values, 0.1) == pytest.approx(1 - lower(1 - values, 0.1), abs=1e-14)
    assert lower(values, 0.1) <= values.mean() <= upper(values, 0.1)


@pytest.mark.parametrize("name", PAIRS)
def test_follows_the_range(values, name):
    for bound in PAIRS[name]:
        assert bound(5 * values - 2, 0.1, -2, 3) == pytest.approx(5 * bound(values, 0.1) - 2, abs=1e-13)


@pytest.mark.parametrize("name", PAIRS)
def test_columns_and_levels_broadcast(rng, name):
    values = rng.random((30, 4))
    alpha = np.array([0.5, 0.1, 0.01, 1e-4])
    for bound in PAIRS[name]:
        expected = [bound(values[:, j], alpha[j]) for j in range(4)]
        assert np.allclose(bound(values, alpha), expected, rtol=1e-13)
        assert np.shape(bound(values[:, 0], 0.1)) == ()


@pytest.mark.parametrize("name", PAIRS)
def test_tighter_for_more_rows_and_lower_levels(values, name):
    lower, upper = PAIRS[name]
    assert lower(np.tile(values, 3), 0.05) > lower(values, 0.05) >= lower(values, 0.01)
    assert upper(np.tile(values, 3), 0.05) < upper(values, 0.05) < upper(values, 0.01)


def test_one_row_has_no_sample_variance():
    assert bounds.empirical_bernstein_lower(np.array([0.7]), 0.05, -3, 2) == -3
    assert bounds.empirical_bernstein_upper(np.array([0.7]), 0.05, -3, 2) == 2
    assert np.array_equal(bounds.empirical_bernstein_upper(np.full((1, 3), 0.7), 0.05), np.ones(3))


def test_low_variance_helps_bernstein(rng):
    values = np.clip(0.3 + 0.01 * rng.standard_normal(2000), 0, 1)
    hoeffding = bounds.hoeffding_upper(values, 0.05)
    assert values.mean() < bounds.bernstein_upper(values, 1e-4, 0.05) < hoeffding
    assert values.mean() < bounds.empirical_bernstein_upper(values, 0.05) < hoeffding


@pytest.mark.parametrize("n", [1, 10, 1000, 10**7])
@pytest.mark.parametrize("alpha", [0.5, 0.05, 1e-9])
def test_kl_against_a_grid(n, alpha):
    budget = math.log(1 / alpha) / n
    for mean in (0.0, 1e-9, 0.02, 0.3, 0.5, 0.97, 1.0):
        kept = [m for m in np.linspace(0, 1, 2001) if kl(mean, m) <= budget]
        lower = bounds.kl_lower_of_mean(mean, n, alpha)
        upper = bounds.kl_upper_of_mean(mean, n, alpha)
        assert 0 <= lower <= mean <= upper <= 1
        if kept:
            assert lower <= min(kept) <= lower + 1 / 2000 + 1e-12
            assert upper - 1 / 2000 - 1e-12 <= max(kept) <= upper
        # outward, and by a hair only
        for end, towards in ((lower, mean), (upper, mean)):
            if 0 < end < 1:
                assert kl(mean, end) >= budget
                assert kl(mean, end + 1e-6 * (towards - end)) <= budget * (1 + 1e-9) + 4e-15


def test_kl_of_all_ones_is_a_root_of_alpha():
    assert bounds.kl_lower_of_mean(1.0, 20, 0.05) == pytest.approx(0.05 ** (1 / 20), rel=1e-12)
    assert bounds.kl_upper_of_mean(0.0, 20, 0.05) == pytest.approx(1 - 0.05 ** (1 / 20), rel=1e-12)
    assert bounds.kl_upper_of_mean(1.0, 20, 0.05) == 1
    assert bounds.kl_lower_of_mean(0.0, 20, 0.05) == 0


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=12)
    | st.lists(st.sampled_from([0.0, 5e-324, 1e-17, 1.0]), min_size=1),
    st.sampled_from([0.999, 0.5, 0.05, 1e-12]),
)
def test_hostile_values(values, alpha):
    values = np.array(values)
    for lower, upper in PAIRS.values():
        low, high = lower(values, alpha), upper(values, alpha)
        assert 0 <= low <= high <= 1
        assert low <= values.mean() + 1e-15
        assert high >= values.mean() - 1e-15


@pytest.mark.parametrize("alpha", [0.025, 0.3, 1e-8])
def test_clopper_pearson_is_scipys(alpha):
    k, n = np.arange(31), 30
    lower, upper = bounds.clopper_pearson_lower(k, n, alpha), bounds.clopper_pearson_upper(k, n, alpha)
    for i in k:
        test = stats.binomtest(int(i), n)
        expected = test.proportion_ci(1 - 2 * alpha, method="exact")
        assert (lower[i], upper[i]) == pytest.approx((expected.low, expected.high), rel=1e-6)
    # the tails of the counts are alpha at the ends
    assert np.allclose(stats.binom.sf(k[1:] - 1, n, lower[1:]), alpha, rtol=1e-9)
    assert np.allclose(stats.binom.cdf(k[:-1], n, upper[:-1]), alpha, rtol=1e-9)
    assert lower[0] == 0
    assert upper[-1] == 1


def test_clopper_pearson_broadcasts():
    k, n, alpha = np.array([[0], [3], [10]]), 10, np.array([0.1, 0.01])
    lower, upper = bounds.clopper_pearson_lower(k, n, alpha), bounds.clopper_pearson_upper(k, n, alpha)
    assert lower.shape == upper.shape == (3, 2)
    assert lower[1, 1] == bounds.clopper_pearson_lower(3, 10, 0.01)
    assert upper[1, 0] == bounds.clopper_pearson_upper(3, 10, 0.1)
    assert np.ndim(bounds.clopper_pearson_lower(3, 10, 0.01)) == 0
    assert (bounds.clopper_pearson_lower(0, 0, 0.1), bounds.clopper_pearson_upper(0, 0, 0.1)) == (0, 1)


def test_inputs_are_not_written_to(values):
    values.flags.writeable = False
    for lower, upper in PAIRS.values():
        assert lower(values, 0.1) < upper(values, 0.1)

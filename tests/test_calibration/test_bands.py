"""The honest band against the loop over all runs, replicates against their moments, ranks counted."""

import numpy as np
import pytest

from calibration._bands import (
    cluster_replicates,
    honest_band,
    null_replicates,
    order_limits,
    row_replicates,
    weighted_null_replicates,
)
from uq._base.bounds import clopper_pearson_lower, clopper_pearson_upper


def loop(sums, totals, alpha):
    """Return the band from every run of cells, one by one."""
    n = len(sums)
    delta = alpha / (n * (n + 1))
    lower, upper = np.zeros(n), np.ones(n)
    for j in range(n):
        for k in range(j, n):
            s, m = sums[j : k + 1].sum(), totals[j : k + 1].sum()
            for i in range(j + 1):
                upper[i] = min(upper[i], clopper_pearson_upper(s, m, delta))
            for i in range(k, n):
                lower[i] = max(lower[i], clopper_pearson_lower(s, m, delta))
    return lower, upper


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.3, 0.05, 1e-9])
@pytest.mark.parametrize("most", [1, 3, 40, 5000])
@pytest.mark.parametrize("shape", ["isotone", "chance", "none", "all", "falling"])
def test_the_honest_band_is_that_of_all_runs(shape, most, alpha):
    rng = np.random.default_rng(most)
    for n in (1, 2, 3, 17):
        totals = rng.integers(1, most + 1, n).astype(float)
        p = {"isotone": np.sort(rng.random(n)), "chance": rng.random(n), "none": np.zeros(n), "all": np.ones(n)}.get(
            shape, np.linspace(1, 0, n)
        )
        sums = rng.binomial(totals.astype(int), p).astype(float)
        for ours, theirs in zip(honest_band(sums, totals, alpha), loop(sums, totals, alpha), strict=True):
            assert np.allclose(ours, theirs, rtol=0, atol=1e-13)


def test_no_outcomes_and_all_outcomes_reach_the_ends():
    lower, upper = honest_band(np.zeros(5), np.full(5, 3.0), 0.1)
    assert (lower == 0).all()
    assert (upper < 1).all()
    lower, upper = honest_band(np.full(5, 3.0), np.full(5, 3.0), 0.1)
    assert (upper == 1).all()
    assert (lower > 0).all()


def gather(parts):
    sums, totals = zip(*parts, strict=True)
    return np.concatenate(sums), np.concatenate(totals)


def near(draws, mean, variance):
    """Compare mean and variance of draws with what they should be, within five standard errors of the mean."""
    assert np.allclose(draws.mean(axis=0), mean, atol=5 * np.sqrt(np.max(variance) / len(draws)) + 1e-12)
    assert np.allclose(draws.var(axis=0), variance, rtol=0.15, atol=1e-12)


def test_null_replicates_draw_outcomes_from_the_forecasts():
    p, totals = np.array([0.0, 0.2, 0.7, 1.0]), np.array([3.0, 10.0, 40.0, 2.0])
    sums, held = gather(null_replicates(p, totals, 6000, np.random.default_rng(0)))
    assert (held == totals).all()
    near(sums, totals * p, totals * p * (1 - p))


def test_row_replicates_draw_rows():
    sums, totals = np.array([1.0, 6.0, 5.0]), np.array([4.0, 11.0, 5.0])
    drawn, held = gather(row_replicates(sums, totals, 6000, np.random.default_rng(0)))
    assert (held.sum(axis=1) == 20).all()
    near(drawn, sums, sums * (1 - sums / 20))
    near(held, totals, totals * (1 - totals / 20))
    assert (drawn <= held).all()


def test_cluster_replicates_draw_whole_clusters():
    cells, units = np.array([0, 0, 1, 1, 2]), np.array([0, 0, 1, 2, 2])
    y, w = np.array([1.0, 1.0, 0.0, 1.0, 0.5]), np.array([1.0, 2.0, 1.0, 1.0, 4.0])
    sums, totals = gather(cluster_replicates(cells, 3, y, w, units, 6000, np.random.default_rng(0)))
    # the two rows of cluster 0 come together: 3 of weight, or nothing
    assert set(np.unique(totals[:, 0])) == {0.0, 3.0, 6.0, 9.0}
    assert (sums[:, 0] == totals[:, 0]).all()
    assert (sums[:, 2] == 0.5 * totals[:, 2]).all()
    near(totals, [3, 2, 4], [9 * 2 / 3, 2 * 2 / 3 - 2 / 3, 16 * 2 / 3])


def test_weighted_null_replicates_draw_each_row():
    p, w, cells = np.array([0.2, 0.4, 0.9]), np.array([1.0, 3.0, 2.0]), np.array([0, 0, 1])
    sums, totals = gather(weighted_null_replicates(cells, 2, p, w, 6000, np.random.default_rng(0)))
    assert (totals == [4, 2]).all()
    near(sums, [1.4, 1.8], [0.16 + 9 * 0.24, 4 * 0.09])


def test_limits_are_order_statistics():
    draws = np.random.default_rng(0).permutation(np.arange(99.0))[:, None] / 100
    lower, upper = order_limits(draws, 0.9)
    assert (lower[0], upper[0]) == (0.04, 0.94)  # the 5th and the 95th: one more draw lies between with 90 of 100
    draws[draws[:, 0] == 0.5] = np.nan
    lower, upper = order_limits(draws, 0.9)
    assert (lower[0], upper[0]) == (0.03, 0.95)
    assert [end[0] for end in order_limits(draws[:10], 0.9)] == [0, 1]


@pytest.mark.parametrize(
    ("n", "level", "rank"), [(19, 0.9, 1), (18, 0.9, 0), (999, 0.95, 25), (99, 0.98, 1), (39, 0.95, 1)]
)
def test_ranks_are_exact_where_the_level_is_but_for_rounding(n, level, rank):
    lower, upper = order_limits(np.arange(1.0, n + 1)[:, None], level)
    assert (lower[0], upper[0]) == ((rank, n + 1 - rank) if rank else (0, 1))

"""The bootstrap engine against SciPy, against brute force on small clusters, and against itself for n_jobs."""

import itertools
import tracemalloc

import numpy as np
import pytest
from scipy import stats

from uq._base import resampling
from uq._base.resampling import jackknife_acceleration, resample_statistic, resample_sums


def ratio(sums):
    return sums[:, 0] / sums[:, 1]


def columns(x):
    return np.column_stack([x, np.ones(len(x))])


def test_rows_agree_with_scipy_bootstrap():
    x = np.random.default_rng(0).exponential(size=60)
    ours = ratio(resample_sums(columns(x), n_resamples=20000, rng=np.random.default_rng(1)))
    theirs = stats.bootstrap((x,), np.mean, n_resamples=20000, method="percentile", rng=2).bootstrap_distribution
    assert stats.ks_2samp(ours, theirs).pvalue > 1e-3


def test_byte_weights_agree_with_scipy_bootstrap_above_the_threshold():
    x = np.random.default_rng(0).pareto(3.0, size=resampling.MANY_ROWS)
    ours = ratio(resample_sums(columns(x), n_resamples=4000, rng=np.random.default_rng(1)))
    theirs = stats.bootstrap(
        (x,), np.mean, n_resamples=4000, batch=100, method="percentile", rng=2
    ).bootstrap_distribution
    assert stats.ks_2samp(ours, theirs).pvalue > 1e-3


def test_byte_weights_have_the_moments_that_the_module_claims():
    raw = np.arange(256)
    weights = sum((raw >= edge).astype(int) for edge in resampling._WEIGHT_EDGES)
    assert weights.sum() == 256
    assert ((weights - 1) ** 2).sum() == 256
    assert ((weights - 1) ** 3).sum() == 258


def test_byte_weights_decode_every_byte():
    weights = resampling._byte_weights(np.random.SFC64(3), 10**6)
    raw = np.random.SFC64(3).random_raw(125000).view(np.uint8)
    expected = np.searchsorted(resampling._WEIGHT_EDGES, raw, side="right")
    np.testing.assert_array_equal(weights, expected)


def test_clusters_agree_with_the_enumeration_of_all_resamples():
    x = np.array([1.0, 2.0, 4.0, 4.5, 9.0, 0.5])
    groups = np.array([0, 0, 1, 2, 2, 2])
    exact = []
    for drawn in itertools.product(range(3), repeat=3):
        rows = np.concatenate([np.flatnonzero(groups == g) for g in drawn])
        exact.append(x[rows].mean())
    values, counts = np.unique(np.round(exact, 12), return_counts=True)
    n = 27000
    for draws in (
        ratio(resample_sums(columns(x), n_resamples=n, rng=np.random.default_rng(0), groups=groups)),
        resample_statistic(np.mean, (x,), n_resamples=n, rng=np.random.default_rng(1), groups=groups),
    ):
        seen, seen_counts = np.unique(np.round(draws, 12), return_counts=True)
        np.testing.assert_allclose(seen, values)
        assert stats.chisquare(seen_counts, counts * (n / 27)).pvalue > 1e-3


def test_clusters_are_drawn_whole_whatever_the_order_of_the_rows():
    groups = np.array([2, 0, 1, 0, 2, 1, 1])
    rows = np.arange(7)

    def whole(drawn):
        times = np.bincount(drawn, minlength=7)
        return float(all(np.ptp(times[groups == g]) == 0 for g in range(3)) and times[[0, 1, 2]].sum() == 3)

    draws = resample_statistic(whole, (rows,), n_resamples=200, rng=np.random.default_rng(0), groups=groups)
    assert draws.all()


@pytest.mark.parametrize("n", [50, 3 * resampling.MANY_ROWS])
def test_draws_do_not_depend_on_n_jobs(n):
    x = np.random.default_rng(0).normal(size=n)
    one, two = (
        resample_sums(columns(x), n_resamples=500, rng=np.random.default_rng(7), n_jobs=jobs) for jobs in (1, 2)
    )
    np.testing.assert_array_equal(one, two)


@pytest.mark.slow
def test_statistic_draws_do_not_depend_on_n_jobs():
    x = np.random.default_rng(0).normal(size=40)
    one, two = (
        resample_statistic(np.median, (x,), n_resamples=64, rng=np.random.default_rng(7), n_jobs=jobs)
        for jobs in (1, 2)
    )
    np.testing.assert_array_equal(one, two)
    assert len(np.unique(one)) > 5


def test_an_undefined_resample_is_nan():
    def share(v):
        if v.min() == v.max():
            raise ValueError("one class")
        return v.mean()

    draws = resample_statistic(share, (np.array([0.0, 1.0]),), n_resamples=400, rng=np.random.default_rng(0))
    assert abs(np.isnan(draws).mean() - 0.5) < 0.1
    assert set(draws[~np.isnan(draws)]) == {0.5}


def test_vector_statistics_keep_their_shape():
    x = np.random.default_rng(0).normal(size=(30, 3))
    draws = resample_statistic(lambda v: v.mean(axis=0), (x,), n_resamples=50, rng=np.random.default_rng(0))
    assert draws.shape == (50, 3)


@pytest.mark.parametrize("groups", [None, np.repeat(np.arange(20), 3)])
def test_acceleration_of_a_mean_is_its_skewness_over_six_root_n(groups):
    x = np.random.default_rng(0).exponential(size=60)
    units = x if groups is None else np.bincount(groups, weights=x)
    expected = stats.skew(units) / (6 * np.sqrt(len(units)))
    assert jackknife_acceleration(np.mean, (x,), groups=groups) == pytest.approx(expected, rel=1e-9)


def test_acceleration_by_blocks_is_near_that_of_rows():
    x = np.random.default_rng(0).exponential(size=3000) ** 2
    rows = jackknife_acceleration(np.mean, (x,), max_units=3000)
    blocks = jackknife_acceleration(np.mean, (x,), max_units=500)
    # the noise of 500 blocks is about sqrt(15) / (6 * 500)
    assert blocks == pytest.approx(rows, abs=5 * np.sqrt(15) / 3000)


def test_memory_is_flat_at_a_million_rows():
    data = columns(np.random.default_rng(0).normal(size=10**6))
    tracemalloc.start()
    resample_sums(data, n_resamples=24, rng=np.random.default_rng(0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8e6, f"{peak / 1e6:.1f} MB beside 16 MB of data"

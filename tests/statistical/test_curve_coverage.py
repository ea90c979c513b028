"""How often the bands of a reliability curve hold what they promise, and what voids them."""

import warnings

import numpy as np
import pytest
from scipy import stats

from calibration import reliability_curve

BAND = 1e-4  # a right level fails a test with this probability

TRUTHS = {
    "calibrated": lambda p: p,
    "overconfident": lambda p: 0.25 + 0.5 * p,
    "a step": lambda p: np.where(p < 0.4, 0.1, 0.8),
    "flat": lambda p: np.full(len(p), 0.3),
}
FORECASTS = {
    "spread": lambda rng, n: rng.random(n),
    "skewed": lambda rng, n: rng.beta(0.3, 3, n),
    "tied": lambda rng, n: np.round(rng.beta(2, 1, n) * 20) / 20,
}


def honest_covers(truth, forecasts, rng, n=200, level=0.9, cluster=1):
    p = np.repeat(forecasts(rng, n // cluster), cluster)
    y = np.repeat((rng.random(n // cluster) < truth(p[::cluster])).astype(float), cluster)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        curve = reliability_curve(y, p, band="honest", confidence_level=level)
    if curve.guarantee == "none":
        return False
    c = truth(curve.x)
    return bool(((curve.lower <= c + 1e-12) & (c <= curve.upper + 1e-12)).all())


@pytest.mark.parametrize("forecasts", FORECASTS)
@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.slow
def test_the_honest_band_covers_the_whole_curve(truth, forecasts):
    reps = 20
    rng = np.random.default_rng([len(truth), len(forecasts)])
    hits = sum(honest_covers(TRUTHS[truth], FORECASTS[forecasts], rng) for _ in range(reps))
    assert hits >= stats.binom.ppf(BAND, reps, 0.9)


@pytest.mark.slow
@pytest.mark.parametrize("forecasts", FORECASTS)
@pytest.mark.parametrize("truth", TRUTHS)
def test_the_honest_band_covers_300_times(truth, forecasts):
    rng = np.random.default_rng([1, len(truth), len(forecasts)])
    hits = sum(honest_covers(TRUTHS[truth], FORECASTS[forecasts], rng) for _ in range(300))
    assert hits >= stats.binom.ppf(BAND, 300, 0.9)


@pytest.mark.slow
def test_the_honest_band_covers_where_forecasts_are_pooled():
    rng = np.random.default_rng(2)
    assert all(honest_covers(TRUTHS["overconfident"], FORECASTS["skewed"], rng, n=5000) for _ in range(20))


def test_clusters_and_falling_truths_void_the_honest_band():
    rng = np.random.default_rng(3)
    clustered = sum(honest_covers(TRUTHS["calibrated"], FORECASTS["spread"], rng, n=600, cluster=10) for _ in range(6))
    assert clustered <= 1
    falling = sum(honest_covers(lambda p: 0.9 - 0.8 * p, FORECASTS["spread"], rng, n=400) for _ in range(8))
    assert falling == 0


@pytest.mark.parametrize("method", ["isotonic", "bins", "kernel"])
@pytest.mark.slow
def test_a_calibrated_forecaster_leaves_the_consistency_band_as_often_as_allowed(method):
    rng = np.random.default_rng(4)
    values, reps = np.array([0.05, 0.2, 0.5, 0.8, 0.95]), 250
    p = rng.choice(values, 100)
    outside = 0
    for i in range(reps):
        y = (rng.random(100) < p).astype(float)
        curve = reliability_curve(y, p, method=method, band="consistency", confidence_level=0.8, n_resamples=39, rng=i)
        at = np.abs(curve.x - 0.5).argmin()
        outside += not curve.lower[at] <= curve.y[at] <= curve.upper[at]
    # the kernel's bandwidth is that of the data, in the replicates too: a little off its level
    assert outside <= stats.binom.isf(BAND, reps, 0.2 if method != "kernel" else 0.25)
    assert outside >= stats.binom.ppf(BAND, reps, 0.08)


def rare_outside(seed, n, weighted, level=0.9):
    """Whether a calibrated forecaster of rare events leaves the band at the largest forecast."""
    rng = np.random.default_rng([8, seed])
    p = rng.random(n) * 0.01
    y = (rng.random(n) < p).astype(float)
    weights = np.ones(n) if weighted else None
    curve = reliability_curve(
        y, p, band="consistency", confidence_level=level, n_resamples=99, rng=seed, sample_weight=weights
    )
    return not curve.lower[-1] - 1e-12 <= curve.y[-1] <= curve.upper[-1] + 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("weighted", [False, True])
def test_rare_events_stay_in_the_consistency_band(weighted):
    assert sum(rare_outside(seed, 20_000, weighted) for seed in range(20)) <= stats.binom.isf(BAND, 20, 0.1)


@pytest.mark.slow
@pytest.mark.parametrize("n", [5000, 50_000])
@pytest.mark.parametrize("weighted", [False, True])
def test_rare_events_stay_in_the_consistency_band_400_times(weighted, n):
    assert sum(rare_outside(seed, n, weighted) for seed in range(400)) <= stats.binom.isf(BAND, 400, 0.1)


def test_a_miscalibrated_forecaster_leaves_the_consistency_band():
    rng = np.random.default_rng(5)
    p = rng.random(1000)
    curve = reliability_curve((rng.random(1000) < p**2).astype(float), p, band="consistency", rng=0)
    assert ((curve.y < curve.lower) | (curve.y > curve.upper)).mean() > 0.5


def bootstrap_covers(method, truth, rng, cluster, whole):
    n = 400
    p = np.repeat(rng.random(n // cluster), cluster)
    y = np.repeat((rng.random(n // cluster) < TRUTHS[truth](p[::cluster])).astype(float), cluster)
    groups = np.arange(n) // cluster if whole else None
    curve = reliability_curve(
        y, p, method=method, band="bootstrap", confidence_level=0.9, n_bins=4, n_resamples=199, rng=rng, groups=groups
    )
    at = np.abs(curve.x - 0.6).argmin()
    if method == "kernel":  # smoothing moves a straight line only near the ends
        return curve.lower[at] <= TRUTHS[truth](curve.x[at]) <= curve.upper[at]
    expected = TRUTHS[truth](p[(p >= 0.5) & (p < 0.75)]).mean()
    return curve.lower[at] <= expected <= curve.upper[at]


@pytest.mark.parametrize(("method", "cluster", "whole"), [("bins", 1, False), ("bins", 5, True), ("kernel", 1, False)])
@pytest.mark.slow
def test_the_bootstrap_band_covers_at_a_point(method, cluster, whole):
    rng = np.random.default_rng(6)
    reps = 60 if method == "kernel" else 150
    hits = sum(bootstrap_covers(method, "overconfident", rng, cluster, whole) for _ in range(reps))
    assert hits >= stats.binom.ppf(BAND, reps, 0.86)
    assert hits <= stats.binom.isf(BAND, reps, 0.94)


def test_rows_drawn_apart_from_their_clusters_do_not_cover():
    rng = np.random.default_rng(7)
    hits = sum(bootstrap_covers("bins", "overconfident", rng, 5, False) for _ in range(150))
    assert hits <= stats.binom.isf(BAND, 150, 0.6)

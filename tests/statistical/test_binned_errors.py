"""The debiased square is unbiased where the literature's form is not; intervals from the grid cover; by simulation."""

import math
import warnings

import numpy as np
import pytest
from scipy import stats

from calibration import BinnedCalibrationError, calibration_test, expected_calibration_error, latent_brier_score
from calibration._cells import cells_of_rows, pair_terms
from uq.exceptions import SmallSampleWarning

BAND = 1e-5


def mean_and_error(values):
    return np.mean(values), np.std(values, ddof=1) / math.sqrt(len(values))


def squares(p, y):
    """Return the debiased square of each sample, our form and the literature's; every sample is one bin."""
    bins = np.repeat(np.arange(len(p)), p.shape[1])
    cells = cells_of_rows(bins, len(p), p.ravel(), y.ravel(), None, None, squares=True)
    n, share = p.shape[1], y.mean(axis=1)
    return pair_terms(cells), (p - y).mean(axis=1) ** 2 - share * (1 - share) / (n - 1)


@pytest.mark.parametrize(
    ("event", "truth"), [(lambda p: p, 0.0), (lambda p: 0.5 + 0 * p, 0.0), (lambda p: p**2, 1 / 36)]
)
def test_five_rows_in_a_bin_of_continuous_forecasts(event, truth):
    """One bin, n = 5. Residual form: exact. Outcome form: too low by Var(p) / n for calibrated forecasts, -.0167."""
    rng = np.random.default_rng(0)
    p = rng.random((200000, 5))
    y = (rng.random(p.shape) < event(p)).astype(float)
    residual, outcome = squares(p, y)
    ours, error = mean_and_error(residual)
    assert abs(ours - truth) < stats.norm.isf(BAND) * error
    theirs, error = mean_and_error(outcome)
    assert abs(theirs - truth) > 20 * error
    if event(0.1) == 0.1:
        assert theirs == pytest.approx(-1 / 60, abs=6 * error)
    # the same from the public name
    for b in range(3):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SmallSampleWarning)
            for wanted, debias in ((residual[b], True), (outcome[b], "outcome")):
                options = {"n_bins": 1, "norm": 2, "squared": True, "debias": debias}
                assert expected_calibration_error(y[b], p[b], **options) == pytest.approx(wanted, abs=1e-12)


def test_of_many_bins_through_the_public_name():
    """100 rows, 2 bins, calibrated: the outcome form is -.00044 on average (Var(p) / 50 in each), ours 0."""
    rng = np.random.default_rng(1)
    ours, theirs, plain = [], [], []
    for _ in range(3000):
        p = rng.random(100)
        y = rng.random(100) < p
        options = {"n_bins": 2, "norm": 2, "squared": True}
        ours.append(expected_calibration_error(y, p, debias=True, **options))
        theirs.append(expected_calibration_error(y, p, debias="outcome", **options))
        plain.append(expected_calibration_error(y, p, **options))
    mean, error = mean_and_error(ours)
    assert abs(mean) < stats.norm.isf(BAND) * error
    mean, error = mean_and_error(theirs)
    assert mean == pytest.approx(-2 / 100 / 48, abs=5 * error)
    assert mean < -3 * error
    assert np.mean(plain) > 0.002


@pytest.mark.parametrize("weighted", [False, True])
def test_unbiased_with_clusters_and_weights(weighted):
    """Rows of one cluster share their error: pairs of them are dropped, or the square is far too high."""
    rng = np.random.default_rng(2)
    groups, ours, naive = np.repeat(np.arange(12), 4), [], []
    weights = 1 + np.arange(48) % 3 if weighted else None
    for _ in range(1200):
        p = rng.uniform(0.3, 0.7, 48)
        y = rng.random(48) < np.clip(p + rng.uniform(-0.3, 0.3, 12)[groups], 0, 1)
        options = {"n_bins": 1, "norm": 2, "squared": True, "debias": True, "sample_weight": weights}
        ours.append(expected_calibration_error(y, p, groups=groups, **options))
        naive.append(expected_calibration_error(y, p, **options))
    mean, error = mean_and_error(ours)
    assert abs(mean) < stats.norm.isf(BAND) * error
    mean, error = mean_and_error(naive)
    assert mean > 5 * error


def test_the_debiased_norm_1_is_nearer_the_truth():
    rng = np.random.default_rng(3)
    plain, debiased = [], []
    for _ in range(400):
        p = rng.random(500)
        y = rng.random(500) < 0.1 + 0.8 * p
        plain.append(expected_calibration_error(y, p))
        debiased.append(expected_calibration_error(y, p, debias=True))
    truth, _ = true_errors(lambda p: 0.1 + 0.8 * p, 15)
    assert abs(np.mean(debiased) - truth) < 0.5 * abs(np.mean(plain) - truth)


# ---- intervals from the grid

TRUTHS = {
    "calibrated": lambda p: p,
    "under-confident": lambda p: 0.2 + 0.6 * p,
    "wrong above and below": lambda p: np.where(p < 0.5, p / 2, (1 + p) / 2),
}


def true_errors(event, n_bins):
    p = (np.arange(300 * n_bins) + 0.5) / (300 * n_bins)
    gaps = (p - event(p)).reshape(n_bins, 300).mean(axis=1)
    return np.abs(gaps).mean(), math.sqrt((gaps**2).mean())


def coverage(event, n, n_bins, n_simulations, seed=0):
    rng = np.random.default_rng(seed)
    truths = true_errors(event, n_bins)
    held = [0, 0]
    for _ in range(n_simulations):
        p = rng.random(n)
        total = BinnedCalibrationError(n_bins).fit(p, (rng.random(n) < event(p)).astype(int))
        for k in (0, 1):
            held[k] += total.interval(norm=k + 1, n_resamples=299, rng=rng).contains(truths[k])
    return held


@pytest.mark.slow
@pytest.mark.parametrize("name", TRUTHS)
def test_intervals_cover(name):
    for norm, held in enumerate(coverage(TRUTHS[name], 500, 10, 100), start=1):
        assert held >= stats.binom.ppf(BAND, 100, 0.9), f"norm {norm}: {held} of 100"


@pytest.mark.slow
@pytest.mark.parametrize("name", TRUTHS)
@pytest.mark.parametrize(("n", "n_bins"), [(100, 10), (500, 15), (2000, 50), (5000, 15)])
def test_intervals_cover_at_many_sizes(name, n, n_bins):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmallSampleWarning)
        for norm, held in enumerate(coverage(TRUTHS[name], n, n_bins, 1000), start=1):
            assert held >= stats.binom.ppf(BAND, 1000, 0.9), f"norm {norm}: {held} of 1000"


def test_percentiles_of_resampled_errors_would_not_cover():
    """Why the interval is none: resampling a calibrated forecast's rows never reaches its true error, 0."""
    rng = np.random.default_rng(5)
    p = rng.random(500)
    y = rng.random(500) < p
    rows = rng.integers(0, 500, (400, 500))
    errors = [expected_calibration_error(y[r], p[r]) for r in rows]
    assert np.mean(errors) > 1.2 * expected_calibration_error(y, p)
    assert np.quantile(errors, 0.025) > 0.02
    assert BinnedCalibrationError().fit(p, y).interval(rng=1).lower == 0


# ---- the test and the latent score


@pytest.mark.slow
@pytest.mark.parametrize("n", [10, 50, 500])
@pytest.mark.parametrize("kind", ["continuous", "verbal", "equal"])
def test_pvalues_of_calibrated_forecasts(n, kind):
    rng = np.random.default_rng(n)
    pvalues = []
    for _ in range(4000):
        p = {"continuous": rng.random(n), "verbal": rng.integers(0, 21, n) / 20, "equal": np.full(n, 0.3)}[kind]
        pvalues.append(calibration_test(rng.random(n) < p, p, n_resamples=199, rng=rng).pvalue)
    for u in (0.005, 0.01, 0.05, 0.1, 0.2, 0.5):
        assert np.sum(np.array(pvalues) <= u + 1e-12) <= stats.binom.isf(BAND, 4000, u)


def test_the_latent_score_is_unbiased_where_the_raw_one_is_not():
    rng = np.random.default_rng(6)
    p = rng.beta(2, 2, 200)
    q = np.clip(p + rng.normal(0, 0.1, 200), 0, 1)
    truth = np.mean((q - p) ** 2)
    m = rng.integers(2, 12, 200)
    counts = rng.binomial(m, p, (1500, 200))
    mean, error = mean_and_error([latent_brier_score(c, m, q) for c in counts])
    assert abs(mean - truth) < stats.norm.isf(BAND) * error
    assert np.mean((q - counts / m) ** 2) > 3 * truth

"""How often the bands of the risk-coverage curve hold the risk: fixed thresholds, fixed shares, clusters.

The confidence is uniform and P(wrong | confidence) = .6 (1 - confidence) + .02, so that the risk above t is
.3 (1 - t) + .02; rounded to tenths it is tied.
"""

import numpy as np
import pytest
from scipy import stats

from calibration import ThresholdCalibration, aurc, error_at_confidence, risk_coverage_curve
from uq import estimate_mean, estimate_metric

BAND = 1e-5
LEVEL = 0.9


def risk_above(t):
    return 0.3 * (1 - t) + 0.02


def draw(rng, n, levels=0):
    confidence = rng.random(n)
    wrong = rng.random(n) < 0.6 * (1 - confidence) + 0.02
    return 1.0 - wrong, np.floor(confidence * levels) / levels if levels else confidence


def judge(hits, reps, *, at_least=LEVEL):
    assert stats.binom.cdf(hits, reps, at_least) > BAND, f"{hits} of {reps}"


def check(reps, seed):
    rng = np.random.default_rng(seed)
    at_threshold, at_share, picked = 0, 0, 0
    for _ in range(reps):
        correct, confidence = draw(rng, 120, levels=10)
        curve = risk_coverage_curve(correct, confidence, x="threshold", confidence_level=LEVEL)
        point = np.flatnonzero(curve.x >= 0.8)
        at_threshold += not len(point) or curve.lower[point[-1]] <= risk_above(0.8) <= curve.upper[point[-1]]
        correct, confidence = draw(rng, 120)
        curve = risk_coverage_curve(correct, confidence, confidence_level=LEVEL)
        k = np.flatnonzero(curve.x <= 0.3)[-1]
        truth = risk_above(np.sort(confidence)[::-1][k + 1])
        at_share += curve.lower[k] <= truth <= curve.upper[k]
        low = curve.upper[20:].argmin() + 20
        next_smaller = np.append(np.sort(confidence)[::-1], 0.0)[low + 1]
        picked += risk_above(next_smaller) <= curve.upper[low]
    judge(at_threshold, reps)
    judge(at_share, reps)
    return picked


@pytest.mark.slow
def test_band_at_a_threshold_and_at_a_share_fixed_before():
    check(1500, 0)


@pytest.mark.slow
def test_band_in_many_more_draws_and_where_it_promises_nothing():
    picked = check(20000, 1)
    # the point with the smallest upper limit: a one-sided 95 % limit that misses more often, as the docstring says
    assert stats.binom.cdf(picked, 20000, 0.95) < BAND


def clustered(rng, n_clusters, size=4):
    shift = np.repeat(rng.normal(0, 0.15, n_clusters), size)
    confidence = rng.random(n_clusters * size)
    wrong = rng.random(n_clusters * size) < np.clip(0.3 + shift, 0, 1)
    return 1.0 - wrong, confidence, np.repeat(np.arange(n_clusters), size)


@pytest.mark.slow
def test_clustered_band_and_the_estimate_of_the_docstring():
    rng = np.random.default_rng(2)
    truth = np.clip(0.3 + rng.normal(0, 0.15, 10**6), 0, 1).mean()
    hits, by_mean, reps = 0, 0, 800
    for _ in range(reps):
        correct, confidence, groups = clustered(rng, 100)
        curve = risk_coverage_curve(correct, confidence, groups=groups, x="threshold", confidence_level=LEVEL)
        k = np.flatnonzero(curve.x >= 0.3)[-1]
        hits += curve.lower[k] <= truth <= curve.upper[k]
        accepted = confidence >= 0.3
        interval = estimate_mean(1 - correct[accepted], groups[accepted]).conf_int(LEVEL)
        assert interval.lower == pytest.approx(curve.lower[k], abs=1e-12)
        by_mean += interval.contains(truth)
        assert curve.y[k] == pytest.approx(error_at_confidence(correct, confidence, 0.3))
    # an asymptotic law: two points below the level are forgiven
    judge(hits, reps, at_least=LEVEL - 0.02)
    assert hits == by_mean


def test_tie_average_is_the_mean_over_random_orders():
    rng = np.random.default_rng(3)
    correct, confidence = draw(rng, 300, levels=5)
    draws = [aurc(correct, confidence + 1e-9 * rng.random(300)) for _ in range(2000)]
    error = np.std(draws) / np.sqrt(len(draws))
    assert abs(np.mean(draws) - aurc(correct, confidence)) < 4.5 * error
    assert aurc(correct, confidence, ties="best") <= min(draws)
    assert max(draws) <= aurc(correct, confidence, ties="worst")


@pytest.mark.slow
def test_area_and_error_of_few_rows_are_biased_as_they_say():
    """Of n rows the area is .15 (n + 3) / (n + 1) + .02 on average, for .17 of the population."""
    rng = np.random.default_rng(5)
    areas, errors, lowest, cuts = [], [], [], (0.0, 0.6, 0.7, 0.8)
    for _ in range(4000):
        correct, confidence = draw(rng, 9)
        areas.append(aurc(correct, confidence))
        found = [error_at_confidence(correct, confidence, cut, empty="nan") for cut in cuts]
        errors.append(found[-1])
        lowest.append(risk_above(cuts[int(np.nanargmin(found))]) - np.nanmin(found))
    errors = np.array(errors)[~np.isnan(errors)]
    assert 3000 < len(errors) < 4000  # sometimes nothing is accepted
    for values, truth in ((areas, 0.15 * 12 / 10 + 0.02), (errors, risk_above(0.8))):
        assert abs(np.mean(values) - truth) < 4.5 * np.std(values) / np.sqrt(len(values))
    assert np.mean(lowest) > 20 * np.std(lowest) / np.sqrt(len(lowest))  # picked by the rows, it is far too small


@pytest.mark.slow
def test_the_interval_of_the_area_covers():
    rng = np.random.default_rng(6)
    hits, reps = 0, 200
    for _ in range(reps):
        area = estimate_metric(aurc, *draw(rng, 200), n_resamples=299, rng=rng)
        hits += bool(area.conf_int(LEVEL).contains(0.17))
    judge(hits, reps, at_least=LEVEL - 0.02)


def test_honest_f1_is_what_fresh_rows_give():
    rng = np.random.default_rng(4)
    honest, train, fresh = [], [], []
    for i in range(150):
        y = (rng.random(1100) < 0.3).astype(float)
        scores = y + rng.normal(0, 1.2, 1100)
        fitted = ThresholdCalibration("f1", cv=10, random_state=i).fit(scores[:100], y[:100])
        decided = fitted.predict(scores[100:])
        honest.append(fitted.cv_score_)
        train.append(fitted.train_score_)
        fresh.append(2 * (decided * y[100:]).sum() / (decided.sum() + y[100:].sum()))
    error = np.std(np.subtract(honest, fresh)) / np.sqrt(150)
    assert abs(np.mean(honest) - np.mean(fresh)) < 4 * error + 0.01
    assert np.mean(train) - np.mean(fresh) > 0.03

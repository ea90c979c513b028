"""Multicalibration: by hand, against a slow twin, and on subgroups that a calibrated forecast wrongs."""

import numpy as np
import pytest
from contracts.calibrators import as_prob, draw, log_loss

from calibration import MulticalibrationBoosting, multicalibration_error
from uq import estimate_metric
from uq.exceptions import InputError


def slow_error(y, p, subgroups, n_bins, weights, scale):
    worst = 0.0
    for member in np.column_stack([np.ones(len(p), bool), subgroups]).T:
        total = 0.0
        for b in range(n_bins):
            low, high = b / n_bins, (b + 1) / n_bins
            rows = member & (p >= low) & ((p < high) | ((b == n_bins - 1) & (p == 1)))
            total += abs((weights * (p - y))[rows].sum())
        mass = weights[member].sum() if scale == "subgroup" else weights.sum()
        worst = max(worst, total / mass if mass else 0.0)
    return worst


@pytest.mark.parametrize("scale", ["share", "subgroup"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_error_equals_its_definition(rng, scale, weighted):
    p = rng.integers(0, 21, 200) / 20
    y = (rng.random(200) < p**2).astype(float)
    subgroups = rng.random((200, 3)) < [0.5, 0.1, 0.0]
    weights = rng.random(200) if weighted else np.ones(200)
    found = multicalibration_error(y, p, subgroups, n_bins=10, scale=scale, sample_weight=weights if weighted else None)
    assert found == pytest.approx(slow_error(y, p, subgroups, 10, weights, scale), rel=1e-12)


def test_the_error_of_classes_is_that_of_the_confidence(rng):
    z, y = draw(300, 3, rng)
    p, subgroups = as_prob(z), rng.random((300, 2)) < 0.5
    pair = (p.argmax(axis=1) == y).astype(float), p.max(axis=1)
    assert multicalibration_error(y, p, subgroups) == multicalibration_error(*pair, subgroups)
    names = np.array(["a", "b", "c"])
    assert multicalibration_error(names[y], p, subgroups, classes=names) == multicalibration_error(y, p, subgroups)


def test_the_error_of_few_rows_is_never_too_small_on_average(rng):
    """Two bins and three subgroups, one of which is wrong by .15 where half of all rows are; and a calibrated one."""
    for shift, truth in ((0.15, 0.075), (0.0, 0.0)):
        found = {n: [] for n in (20, 2000)}
        for n, errors in found.items():
            for _ in range(400):
                p, half = rng.uniform(0.2, 0.8, n), rng.random(n) < 0.5
                y = (rng.random(n) < p + shift * np.where(half, 1, -1)).astype(float)
                errors.append(multicalibration_error(y, p, np.column_stack([half, ~half]), n_bins=2))
        assert np.mean(found[20]) > truth + 0.02
        assert truth <= np.mean(found[2000]) < truth + 0.02


def test_the_error_has_an_interval(rng):
    p, y, subgroups = wronged(rng, 400)
    both = np.column_stack([p, subgroups])
    found = estimate_metric(
        lambda t, m: multicalibration_error(t, m[:, 0], m[:, 1:], n_bins=4), y, both, n_resamples=199, rng=0
    )
    assert found.estimate == multicalibration_error(y, p, subgroups, n_bins=4)
    assert found.conf_int().contains(found.estimate)


def wronged(rng, n):
    """Return forecasts that are calibrated among all rows, and wrong in opposite ways in two halves."""
    p = rng.uniform(0.2, 0.8, n)
    half = rng.random(n) < 0.5
    y = (rng.random(n) < p + np.where(half, 0.15, -0.15)).astype(float)
    return p, y, np.column_stack([half, ~half, rng.random(n) < 0.3])


def test_subgroups_are_calibrated_on_later_rows(rng):
    boosting = MulticalibrationBoosting().fit(*(drawn := wronged(rng, 20000))[:2], subgroups=drawn[2])
    p, y, subgroups = wronged(rng, 20000)
    better = boosting.predict_proba(p, subgroups)
    before = multicalibration_error(y, p, subgroups, scale="subgroup")
    after = multicalibration_error(y, better, subgroups, scale="subgroup")
    assert before > 0.14
    assert after < 0.04
    assert log_loss(y, better) < log_loss(y, p)
    assert boosting.n_subgroups_ == 3
    assert 2 <= boosting.n_rounds_[0] < 60


def test_every_cell_of_fit_ends_within_the_threshold(rng):
    p, y, subgroups = wronged(rng, 3000)
    boosting = MulticalibrationBoosting(n_bins=5, threshold=2.0, min_weight=10).fit(p, y, subgroups=subgroups)
    q = boosting.predict_proba(p, subgroups)
    index = np.minimum((q * 5).astype(int), 4)
    for member in np.column_stack([np.ones(3000, bool), subgroups]).T:
        for b in range(5):
            rows = member & (index == b)
            if rows.sum() >= 10:
                assert abs((y - q)[rows].sum()) <= 2.0 * np.sqrt((q * (1 - q))[rows].sum()) + 1e-9


def test_the_loss_falls_with_every_round(rng):
    p, y, subgroups = wronged(rng, 2000)
    losses = []
    for rounds in range(1, 8):
        boosting = MulticalibrationBoosting(max_rounds=rounds, threshold=1.0)
        with pytest.warns(UserWarning, match="corrections were not enough"):
            boosting.fit(p, y, subgroups=subgroups)
        losses.append(log_loss(y, boosting.predict_proba(p, subgroups)))
    assert (np.diff(losses) < 0).all()
    assert losses[0] < log_loss(y, p)


def test_a_calibrated_forecast_is_left_alone(rng):
    z, y = draw(5000, 1, rng)
    boosting = MulticalibrationBoosting(threshold=5.0).fit(as_prob(z), y, subgroups=rng.random((5000, 10)) < 0.3)
    assert boosting.n_rounds_[0] == 0


@pytest.mark.parametrize("columns", [2, 3])
def test_classes_with_subgroups(rng, columns):
    z, y = draw(3000, columns, rng, 3.0)
    p, subgroups = as_prob(z), rng.random((3000, 2)) < 0.5
    boosting = MulticalibrationBoosting().fit(p, y, subgroups, sample_weight=np.ones(3000))
    better = boosting.predict_proba(p, subgroups=subgroups)
    assert np.abs(better.sum(axis=1) - 1).max() < 1e-12
    assert log_loss(y, better) < log_loss(y, p)


@pytest.mark.parametrize("bad", [np.full((40, 2), 0.5), np.ones((39, 2)), np.ones(40), "all", np.full((40, 1), np.nan)])
def test_bad_subgroups_are_refused(bad):
    p, y = np.linspace(0.1, 0.9, 40), np.arange(40) % 2
    with pytest.raises(InputError, match="subgroups"):
        MulticalibrationBoosting().fit(p, y, subgroups=bad)
    with pytest.raises(InputError, match="subgroups"):
        multicalibration_error(y, p, bad)
    fitted = MulticalibrationBoosting().fit(p, y, subgroups=np.ones((40, 2)))
    with pytest.raises(InputError, match="subgroups"):
        fitted.predict_proba(p, bad)
    for other in (None, np.ones((40, 3))):
        with pytest.raises(InputError, match="subgroups must be those of fit"):
            fitted.predict_proba(p, other)


@pytest.mark.parametrize(
    "change",
    [
        {"n_bins": 0},
        {"n_bins": 10**400},
        {"scale": "worst"},
        {"subgroups": None},
        {"y_prob": [2.0, 0]},
        {"classes": [0, 1]},
        {"groups": [1, 1]},
    ],
)
def test_bad_input_of_the_error(change):
    with pytest.raises(InputError, match="multicalibration_error"):
        multicalibration_error(**{"y_true": [0, 1], "y_prob": [0.2, 0.7], "subgroups": [[True], [False]], **change})


@pytest.mark.parametrize(
    "change", [{"n_bins": 0}, {"threshold": 0}, {"max_rounds": 0}, {"max_rounds": 10**400}, {"min_weight": -1}]
)
def test_bad_parameters_of_boosting(change):
    with pytest.raises(InputError, match="MulticalibrationBoosting"):
        MulticalibrationBoosting(**change).fit([0.1, 0.9], [0, 1])

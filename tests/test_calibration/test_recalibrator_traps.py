"""Layouts, precisions and labels that once led recalibrators astray."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, softmax
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold

from calibration import (
    BetaCalibration,
    HistogramBinning,
    IsotonicCalibration,
    KnowledgeProbe,
    MulticalibrationBoosting,
    PlattScaling,
    TemperatureScaling,
    cross_val_calibrate,
    expected_calibration_error,
    multicalibration_error,
    vote_confidence,
)
from uq.exceptions import InputError


@pytest.mark.parametrize("calibrator", [BetaCalibration(), PlattScaling(smooth_targets=False), PlattScaling()])
@pytest.mark.parametrize("options", [2, 4, 16])
def test_rows_with_a_period_are_like_any_others(calibrator, options):
    """Questions flattened with the right option first: every 16th row is a right one."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(80_000 // options, options))
    z[:, 0] += 1.5
    p, y = softmax(2 * z, axis=1).ravel(), np.tile([1] + [0] * (options - 1), 80_000 // options)
    order = rng.permutation(len(p))
    here = calibrator.fit(p, y).predict_proba(p)
    there = calibrator.fit(p[order], y[order]).predict_proba(p)
    np.testing.assert_allclose(here, there, atol=1e-6)
    assert log_loss(y, here) <= log_loss(y, p) + 1e-3


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["logit", "prob"])
def test_temperature_leaves_its_input_alone(order, kind):
    rng = np.random.default_rng(0)
    logits = 2 * rng.normal(size=(257, 300))
    x = np.asarray(logits if kind == "logit" else softmax(logits, axis=1), order=order)
    y = logits.argmax(axis=1)
    y[:50] = 0
    before = x.copy()
    x.flags.writeable = False
    TemperatureScaling(input=kind).fit(x, y, classes=range(300)).predict_proba(x)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("kind", [int, float, bool])
@pytest.mark.parametrize("names", [[1, 0], ["1", "0"], ["1.0", "0.0"], ["True", "False"]])
def test_names_and_labels_of_one_number_are_one_label(kind, names):
    rng = np.random.default_rng(0)
    p = rng.random(300)
    y = (rng.random(300) < p).astype(int)
    frame = pd.DataFrame(np.c_[p, 1 - p], columns=names)
    plain = expected_calibration_error(y, np.c_[1 - p, p])
    assert expected_calibration_error(y.astype(kind), frame) == pytest.approx(plain)


def test_sorted_rows_do_no_harm_to_cross_validation():
    rng = np.random.default_rng(0)
    p = np.sort(rng.random(2000))
    y = (rng.random(2000) < p) * 1.0
    assert log_loss(y, cross_val_calibrate(IsotonicCalibration(), p, y)) < 0.53
    rare = np.r_[np.zeros(97), np.ones(3)]
    scores = np.clip(rare * 0.5 + 0.3 * rng.random(100), 0, 1)
    assert log_loss(rare, cross_val_calibrate(PlattScaling(), scores, rare)) < 0.15


def test_folds_that_leak_are_refused():
    p, y = np.linspace(0.1, 0.9, 40), np.tile([0, 1], 20)
    with pytest.raises(InputError, match="one side"):
        cross_val_calibrate(PlattScaling(), p, y, cv=[(np.arange(40), np.arange(40))])
    folds = KFold(4, shuffle=True, random_state=0).split(p)
    with pytest.raises(InputError, match="one side"):
        cross_val_calibrate(PlattScaling(), p, y, groups=np.arange(40) // 4, cv=list(folds))


def test_bins_in_single_precision():
    p = np.full(50, 0.7, dtype=np.float32)
    single = HistogramBinning(10, prior=0).fit(p, np.ones(50)).bin_values_
    double = HistogramBinning(10, prior=0).fit(p.astype(str).astype(float), np.ones(50)).bin_values_
    np.testing.assert_array_equal(single[0], double[0])
    p = np.array([0.7] * 10 + [0.65] * 10, dtype=np.float32)
    y, everyone = np.r_[np.ones(10), np.zeros(10)], np.ones((20, 1), dtype=bool)
    assert multicalibration_error(y, p, everyone, n_bins=10) == pytest.approx(
        expected_calibration_error(y, p, n_bins=10)
    )


def test_one_saturated_wrong_row_does_not_set_the_temperature():
    rng = np.random.default_rng(0)
    z = 2 * rng.normal(size=1000)
    y = (rng.random(1000) < expit(z)).astype(int)
    p = expit(z)
    p[0], y[0] = 0.0, 1
    one, two = TemperatureScaling().fit(p, y), TemperatureScaling().fit(np.c_[1 - p, p], y)
    assert one.temperature_ == pytest.approx(two.temperature_, rel=1e-6)
    assert two.temperature_ < 1.6


def test_boosting_never_answers_0_or_1():
    p = np.r_[np.full(3000, 0.91), np.full(5, 1 - 1e-16)]
    y = np.r_[np.ones(3000), np.zeros(5)]
    answer = MulticalibrationBoosting().fit(p, y).predict_proba(p)
    assert np.isfinite(log_loss(y, answer))
    assert ((answer > 0) & (answer < 1)).all()


def test_constant_scores_separate_nothing():
    for calibrator in (BetaCalibration(), PlattScaling(smooth_targets=False)):
        np.testing.assert_allclose(calibrator.fit([0.3] * 6, [0, 1, 0, 1, 1, 1]).predict_proba([0.3]), 4 / 6, rtol=1e-6)


def test_subgroups_come_third():
    rng = np.random.default_rng(0)
    p, members = rng.random(400), rng.random((400, 2)) < 0.5
    y = (rng.random(400) < np.where(members[:, 0], p**3, p)).astype(int)
    fitted = MulticalibrationBoosting().fit(p, y, members)
    np.testing.assert_array_equal(
        fitted.predict_proba(p, members),
        MulticalibrationBoosting().fit(p, y, subgroups=members).predict_proba(p, members),
    )


def test_shares_are_no_counts():
    with pytest.raises(InputError, match="multiplied by n_trials"):
        KnowledgeProbe().fit(np.eye(4), np.array([0.1, 0.5, 0.9, 1.0]), n_trials=30)


def test_texts_and_numbers_are_never_the_same_answer():
    votes = vote_confidence([["4", "4", "5"], ["5", "5", "5"]])
    with pytest.raises(InputError, match="kind of the answers"):
        votes.credit([4, 5])
    assert votes.credit(["4", "5"]).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("calibrator", [MulticalibrationBoosting(), HistogramBinning()])
def test_bins_are_those_of_fit(calibrator):
    rng = np.random.default_rng(0)
    p = rng.random(2000)
    fitted = calibrator.fit(p, (rng.random(2000) < p**3).astype(int))
    before = fitted.predict_proba(p)
    np.testing.assert_array_equal(fitted.set_params(n_bins=3).predict_proba(p), before)


def test_a_map_of_an_array_refuses_its_classes_in_another_order():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 1], 300)
    y = np.array(["a", "b", "c"])[(p.cumsum(axis=1) < rng.random((300, 1))).sum(axis=1)]
    fitted = PlattScaling().fit(p, y)
    here = fitted.predict_proba(p)
    np.testing.assert_array_equal(fitted.predict_proba(pd.DataFrame(p, columns=["a", "b", "c"])), here)
    np.testing.assert_array_equal(fitted.predict_proba(pd.DataFrame(p, columns=["u", "v", "w"])), here)
    np.testing.assert_array_equal(fitted.predict_proba(pd.DataFrame(p)), here)
    with pytest.raises(InputError, match="in their order"):
        fitted.predict_proba(pd.DataFrame(p, columns=["c", "b", "a"]))

"""The suite of recalibrators can fail: each fault fails the test meant to find it."""

import numpy as np
import pytest

from calibration import IsotonicCalibration, PlattScaling, TemperatureScaling
from contracts.calibrators import CalibratorContract
from contracts.mutation import names_of, run_test


class _OfOne(CalibratorContract):
    lowers_loss = 3.0


class _OfThree(CalibratorContract):
    n_columns = 3
    lowers_loss = 9.0


class _Exceeds(PlattScaling):
    def _predict(self, outputs):
        return super()._predict(outputs) * 2.0


class _ForgetsToNormalise(PlattScaling):
    def _predict(self, outputs):
        return super()._predict(outputs) * 0.9


class _TurnsAround(PlattScaling):
    def _predict(self, outputs):
        return 1 - super()._predict(outputs)


class _SwapsColumns(PlattScaling):
    def _predict(self, outputs):
        p = super()._predict(outputs)
        return p[:, ::-1] if p.ndim == 2 else p


class _Certain(PlattScaling):
    def _predict(self, outputs):
        return np.round(super()._predict(outputs), 1)


class _LooksAtTheBatch(PlattScaling):
    def _predict(self, outputs):
        p = super()._predict(outputs)
        return p - p.mean(axis=0) + 0.5 if len(p) > 1 else p


class _ShrinksToTheMean(PlattScaling):
    def _predict(self, outputs):
        return 0.5 * super()._predict(outputs) + 0.25


class _IgnoresItsInput(PlattScaling):
    def __init__(self, input="prob", smooth_targets=True, monotone=False):
        super().__init__(input, smooth_targets, monotone)

    def _scores(self, outputs):
        return [np.tanh(s) for s in super()._scores(outputs)] if self.input == "logit" else super()._scores(outputs)


class _KnowsNoNames(TemperatureScaling):
    def fit(self, y_prob, y, sample_weight=None, *, classes=None):
        return super().fit(y_prob, y, sample_weight, classes=None if classes is None else np.sort(classes))


class _CountsRowsOfWeight0(IsotonicCalibration):
    def fit(self, y_prob, y, sample_weight=None, *, classes=None):
        weights = None if sample_weight is None else np.asarray(sample_weight, dtype=float) + 0.01
        return super().fit(y_prob, y, weights, classes=classes)


class _RunsAway(PlattScaling):
    def _learn(self, outputs, y, weights, owner):
        learned, words = super()._learn(outputs, y, weights, owner)
        if len(np.unique(y)) == 1:
            learned["_maps"] = tuple((np.nan, *one[1:]) for one in learned["_maps"])
        return learned, words


FAULTS = [
    (_OfOne, _Exceeds, "test_answers_are_probabilities"),
    (_OfOne, _Exceeds, "test_the_ends_of_the_scale_are_answered"),
    (_OfThree, _ForgetsToNormalise, "test_answers_are_probabilities"),
    (_OfOne, _TurnsAround, "test_the_order_of_scores_is_kept"),
    (_OfOne, _Certain, "test_later_rows_have_a_finite_log_loss"),
    (_OfOne, _LooksAtTheBatch, "test_each_row_is_answered_by_itself"),
    (_OfOne, _ShrinksToTheMean, "test_the_log_loss_in_sample_does_not_rise[1.0]"),
    (_OfOne, _ShrinksToTheMean, "test_what_is_calibrated_stays_nearly_so"),
    (_OfOne, _TurnsAround, "test_overconfidence_is_mended"),
    (_OfOne, _IgnoresItsInput, "test_logits_equal_probabilities"),
    (_OfOne, _SwapsColumns, "test_two_columns_are_one_and_its_rest"),
    (_OfThree, _KnowsNoNames, "test_classes_name_the_columns_in_any_order"),
    (_OfOne, _CountsRowsOfWeight0, "test_rows_of_weight_0_do_not_take_part"),
    (_OfOne, _RunsAway, "test_degenerate_rows_give_a_valid_answer"),
]


def fixtures(suite, family):
    return {"estimator": family(), "data": CalibratorContract.data.__wrapped__(suite), "distort": 1.0}


@pytest.mark.parametrize(("suite", "family", "test"), FAULTS, ids=lambda x: getattr(x, "__name__", x))
def test_faults_are_found(suite, family, test):
    suite = suite()
    with pytest.raises((AssertionError, pytest.fail.Exception, ValueError)):
        run_test(suite, test, **fixtures(suite, family))


@pytest.mark.parametrize("suite", [_OfOne, _OfThree])
def test_a_sound_one_passes(suite):
    suite = suite()
    for name in names_of(suite):
        if name in {test.partition("[")[0] for _, _, test in FAULTS}:
            run_test(suite, name, **fixtures(suite, PlattScaling))

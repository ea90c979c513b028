"""The suite of estimators can fail: a sound one passes every test, each fault fails the test meant to find it."""

import numpy as np
import pytest

from contracts import OutputEstimatorContract
from contracts.mutation import names_of, run_test
from contracts.reference import ClassShift, MeanShift
from uq import Interval
from uq._base.validation import check_vector


class TestMeanShift(OutputEstimatorContract):
    @pytest.fixture
    def estimator(self):
        return MeanShift(shrinkage=0.5)


class TestClassShift(OutputEstimatorContract):
    columns = False

    @pytest.fixture
    def estimator(self):
        return ClassShift()

    @pytest.fixture
    def data(self):
        rng = np.random.default_rng(3)
        p = np.round(rng.random(77) * 64) / 64
        y = np.where(rng.random(60) < p[:60], "yes", "no")
        p = np.column_stack([1 - p, p])
        return p[:60], y, p[60:]


class _ReplacesParameter(MeanShift):
    def fit(self, outputs, y, sample_weight=None):
        super().fit(outputs, y, sample_weight)
        self.shrinkage = float(np.float64(self.shrinkage)) + 0.0 if self.shrinkage is None else self.shrinkage + 0.25
        return self


class _WorksInInit(MeanShift):
    def __init__(self, shrinkage=1.0):
        super().__init__(shrinkage)
        self.doubled = 2 * shrinkage


class _WritesToInput(MeanShift):
    def transform(self, outputs):
        shifted = super().transform(outputs)
        if isinstance(outputs, np.ndarray) and outputs.flags.writeable and outputs.ndim == 1:
            outputs += self.shift_
        return shifted


class _CountsQuestions(MeanShift):
    def transform(self, outputs):
        answer = super().transform(outputs)
        self.n_asked_ = getattr(self, "n_asked_", 0) + 1
        return answer


class _DriftsWithQuestions(MeanShift):
    def transform(self, outputs):
        answer = super().transform(outputs)
        self.shift_ += 1e-9
        return answer


class _IgnoresWeights(MeanShift):
    def fit(self, outputs, y, sample_weight=None):
        return super().fit(outputs, y)


class _NormalisesWeightsBadly(MeanShift):
    def fit(self, outputs, y, sample_weight=None):
        return super().fit(outputs, y, None if sample_weight is None else np.sqrt(sample_weight))


class _AcceptsNegativeWeights(MeanShift):
    def fit(self, outputs, y, sample_weight=None):
        return super().fit(outputs, y, None if sample_weight is None else np.abs(sample_weight))


class _RemembersLastFit(MeanShift):
    def fit(self, outputs, y, sample_weight=None):
        last = getattr(self, "shift_", None)
        super().fit(outputs, y, sample_weight)
        if last is not None:
            self.shift_ = (self.shift_ + last) / 2
        return self


class _AnswersBeforeFit(MeanShift):
    def transform(self, outputs):
        return check_vector(outputs, "mutant", "outputs") + getattr(self, "shift_", 0.0)

    def predict_interval(self, outputs, confidence_level=0.9):
        if not hasattr(self, "reach_"):
            raise AttributeError("reach_")
        return super().predict_interval(outputs, confidence_level)


class _KeepsInput(MeanShift):
    def fit(self, outputs, y, sample_weight=None):
        super().fit(outputs, y, sample_weight)
        self.errors_ = y
        return self

    def transform(self, outputs):
        return super().transform(outputs) + np.mean(np.asarray(self.errors_))


class _HandsOutItsMemory(MeanShift):
    def transform(self, outputs):
        super().transform(outputs)
        self.__dict__.setdefault("table_", np.zeros(3))
        return self.table_

    def fit(self, outputs, y, sample_weight=None):
        super().fit(outputs, y, sample_weight)
        self.table_ = np.arange(3.0)
        return self


class _DependsOnRowOrder(MeanShift):
    def fit(self, outputs, y, sample_weight=None):
        super().fit(outputs, y, sample_weight)
        self.shift_ += 0.01 * float(np.asarray(y).reshape(-1)[0])
        return self


class _NoUnderscore(MeanShift):
    def fit(self, outputs, y, sample_weight=None):
        super().fit(outputs, y, sample_weight)
        self.learned = True
        return self


class _ReturnsColumns(MeanShift):
    def transform(self, outputs):
        return super().transform(outputs)[:, None]

    def predict_interval(self, outputs, confidence_level=0.9):
        center = super().transform(outputs)
        return Interval(lower=center, upper=center, confidence_level=confidence_level)


class _RefusesColumns(MeanShift):
    def fit(self, outputs, y, sample_weight=None):
        if np.ndim(outputs) == 2:
            raise ValueError("one number per row, please")
        return super().fit(outputs, y, sample_weight)


class _HalfChangedByBadFit(MeanShift):
    def fit(self, outputs, y, sample_weight=None):
        self.reach_ = 0.0
        return super().fit(outputs, y, sample_weight)


class _LetsNaNThrough(MeanShift):
    def transform(self, outputs):
        super().transform(np.nan_to_num(np.asarray(outputs, dtype=float)))
        return np.asarray(outputs, dtype=float) + self.shift_


class _ForeignError(MeanShift):
    def fit(self, outputs, y, sample_weight=None):
        if outputs is None:
            raise KeyError("outputs")
        return super().fit(outputs, y, sample_weight)


class _NumpyOnly(MeanShift):
    def fit(self, outputs, y, sample_weight=None):
        return super().fit(outputs[..., None], y, sample_weight)


class _InFloat32(MeanShift):
    def transform(self, outputs):
        exact = super().transform(outputs)
        return (exact * (1 + 1e-6)) if getattr(outputs, "dtype", None) == np.float32 else exact


class _CannotPickle(MeanShift):
    def fit(self, outputs, y, sample_weight=None):
        super().fit(outputs, y, sample_weight)
        self.function_ = lambda x: x
        return self


MUTANTS = [
    (_ReplacesParameter, "test_fit_leaves_parameters_untouched_and_returns_self"),
    (_WorksInInit, "test_init_only_stores"),
    (_WritesToInput, "test_inputs_stay_as_they_are"),
    (_CountsQuestions, "test_answering_changes_nothing"),
    (_DriftsWithQuestions, "test_answering_changes_nothing"),
    (_IgnoresWeights, "test_weight_2_is_the_row_twice"),
    (_IgnoresWeights, "test_weights_matter_and_equal_ones_do_not"),
    (_NormalisesWeightsBadly, "test_weight_2_is_the_row_twice"),
    (_AcceptsNegativeWeights, "test_bad_weights_are_refused"),
    (_RemembersLastFit, "test_refit_equals_a_fresh_fit"),
    (_AnswersBeforeFit, "test_not_fitted"),
    (_AnswersBeforeFit, "test_clone_has_equal_parameters_and_no_memory"),
    (_KeepsInput, "test_fitted_attributes_are_not_views_of_the_input"),
    (_HandsOutItsMemory, "test_answers_are_the_callers_own"),
    (_DependsOnRowOrder, "test_row_order_in_fit_does_not_matter"),
    (_NoUnderscore, "test_fit_learns_attributes_that_end_in_an_underscore"),
    (_ReturnsColumns, "test_vector_in_vector_out"),
    (_RefusesColumns, "test_vector_in_vector_out"),
    (_HalfChangedByBadFit, "test_bad_fits_are_refused_and_change_nothing"),
    (_LetsNaNThrough, "test_bad_outputs_are_refused_and_change_nothing"),
    (_ForeignError, "test_bad_fits_are_refused_and_change_nothing"),
    (_CannotPickle, "test_pickling"),
    (_NumpyOnly, "test_containers[list]"),
    (_InFloat32, "test_containers[float32]"),
]


DATA = OutputEstimatorContract.__dict__["data"]


def _data():
    function = getattr(DATA, "__wrapped__", None) or DATA._get_wrapped_function()
    return function(OutputEstimatorContract())


@pytest.mark.parametrize(("mutant", "test"), MUTANTS, ids=lambda v: v if isinstance(v, str) else v.__name__)
def test_each_fault_of_an_estimator_is_found(mutant, test):
    suite = OutputEstimatorContract()
    run_test(suite, test, estimator=MeanShift(), data=_data())
    with pytest.raises(BaseException) as fault:
        run_test(suite, test, estimator=mutant(), data=_data())
    assert not isinstance(fault.value, (KeyboardInterrupt, SystemExit, pytest.skip.Exception))


def test_every_test_of_the_estimator_suite_finds_a_fault():
    found = {test.partition("[")[0] for _, test in MUTANTS}
    assert found == set(names_of(OutputEstimatorContract))

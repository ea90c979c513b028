"""What every estimator of outputs keeps: ``fit(outputs, y)``, then answers for other outputs, and nothing changes."""

import copy
import inspect
import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from uq import Interval

from .containers import CONTAINERS, in_container

# Answers for rows of outputs; those that an estimator has are asked in every test.
VERBS = ("predict", "predict_proba", "transform", "predict_interval", "predict_set", "select", "mean")


class OutputEstimatorContract:
    """Tests of an estimator of outputs.

    Give a fixture `estimator` (not fitted) and, unless outputs are one number per row and `y` is real, a fixture `data`
    that returns ``(outputs, y, new_outputs)``.

    Attributes
    ----------
    verbs : tuple of str
        Methods of a fitted estimator that take outputs; those it lacks are left out.
    rtol : float
        Relative error that is forgiven where two routes give the same numbers.
    columns : bool
        Whether (n, 1) is accepted as well as (n,); False for estimators of matrices.
    same_shape : tuple of str
        Verbs whose answer for (n,) has shape (n,).
    changes_under_weights : bool
        Whether weights can matter for the data of the suite (most estimators: yes).
    """

    verbs = VERBS
    rtol = 1e-10
    columns = True
    same_shape = ("predict", "transform")
    changes_under_weights = True

    # ---- hooks

    @pytest.fixture
    def data(self):
        """Return outputs, truth and other outputs; the values fit into every float type."""
        rng = np.random.default_rng(5)
        outputs = np.round(rng.normal(size=60) * 16) / 16
        y = np.round((outputs + 0.5 + 0.3 * rng.normal(size=60)) * 8) / 8
        return outputs, y, np.round(rng.normal(size=17) * 16) / 16

    def fit(self, estimator, outputs, y, **params):
        """Fit; override where `fit` needs more than this."""
        return estimator.fit(outputs, y, **params)

    def ask(self, fitted, outputs):
        """Return a dict from verb to the answer for `outputs`."""
        verbs = [verb for verb in self.verbs if hasattr(fitted, verb)]
        assert verbs, f"{type(fitted).__name__} has none of {self.verbs}"
        return {verb: getattr(fitted, verb)(outputs) for verb in verbs}

    def bad_fits(self, outputs, y):
        """Return a dict from a word to (outputs, y) that `fit` must refuse."""
        bad = outputs.astype(float).copy()
        bad[0] = np.nan
        infinite = outputs.astype(float).copy()
        infinite[-1] = np.inf
        return {
            "NaN outputs": (bad, y),
            "infinite outputs": (infinite, y),
            "no rows": (outputs[:0], y[:0]),
            "fewer y": (outputs, y[:-1]),
            "strings": (np.full(outputs.shape, "a"), y),
            "three axes": (np.zeros((len(y), 2, 2)), y),
            "None": (None, y),
        }

    def bad_outputs(self, outputs):
        """Return a dict from a word to outputs that a fitted estimator must refuse."""
        bad = outputs.astype(float).copy()
        bad[0] = np.nan
        return {
            "NaN": bad,
            "infinite": np.where(np.isnan(bad), np.inf, bad),
            "strings": np.full(outputs.shape, "a"),
            "three axes": np.zeros((3, 2, 2)),
            "None": None,
        }

    # ---- parameters

    def test_clone_has_equal_parameters_and_no_memory(self, estimator, data):
        outputs, y, new = data
        fitted = self.fit(clone(estimator), outputs, y)
        twin = clone(fitted)
        assert type(twin) is type(estimator)
        assert repr(twin.get_params()) == repr(estimator.get_params())
        with pytest.raises(NotFittedError):
            self.ask(twin, new)

    def test_init_only_stores(self, estimator):
        names = list(inspect.signature(type(estimator).__init__).parameters)[1:]
        assert set(names) == set(estimator.get_params(deep=False))
        assert set(vars(estimator)) == set(names), "attributes other than the parameters before fit"

    def test_fit_leaves_parameters_untouched_and_returns_self(self, estimator, data):
        outputs, y, _ = data
        before = dict(estimator.get_params())
        frozen = copy.deepcopy(before)
        assert self.fit(estimator, outputs, y) is estimator
        after = estimator.get_params()
        assert all(after[name] is before[name] for name in before), "a parameter was replaced"
        assert repr(after) == repr(frozen), "a parameter was changed in place"

    def test_fit_learns_attributes_that_end_in_an_underscore(self, estimator, data):
        outputs, y, _ = data
        before = set(vars(estimator))
        self.fit(estimator, outputs, y)
        learned = set(vars(estimator)) - before
        assert learned
        assert all(name.endswith("_") or name.startswith("_") for name in learned)

    # ---- before and after fit

    def test_not_fitted(self, estimator, data):
        new = data[2]
        for verb in self.verbs:
            if hasattr(estimator, verb):
                with pytest.raises(NotFittedError):
                    getattr(estimator, verb)(new)

    def test_inputs_stay_as_they_are(self, estimator, data):
        outputs, y, new = (np.array(a) for a in data)
        copies = [a.copy() for a in (outputs, y, new)]
        fitted = self.fit(estimator, outputs, y)
        self.ask(fitted, new)
        for now, then in zip((outputs, y, new), copies, strict=True):
            assert np.array_equal(now, then)

    def test_answering_changes_nothing(self, estimator, data):
        outputs, y, new = data
        fitted = self.fit(estimator, outputs, y)
        before, names = pickle.dumps(fitted), list(vars(fitted))
        first = self.ask(fitted, new)
        assert list(vars(fitted)) == names, "an attribute was added or removed"
        assert pickle.dumps(fitted) == before, "an attribute was changed"
        _assert_same(self.ask(fitted, new), first, 0.0)

    def test_answers_are_the_callers_own(self, estimator, data):
        outputs, y, new = data
        fitted = self.fit(estimator, outputs, y)
        before = pickle.dumps(fitted)
        for answer in self.ask(fitted, new).values():
            if isinstance(answer, np.ndarray) and answer.flags.writeable:
                answer[...] = 0
        assert pickle.dumps(fitted) == before, "an answer is a view of what was learned"

    def test_fitted_attributes_are_not_views_of_the_input(self, estimator, data):
        outputs, y, new = (np.array(a) for a in data)
        fitted = self.fit(estimator, outputs, y)
        first = self.ask(fitted, new)
        outputs[...] = outputs[0]
        y[...] = y[0]
        _assert_same(self.ask(fitted, new), first, 0.0)

    def test_pickling(self, estimator, data):
        outputs, y, new = data
        fitted = self.fit(estimator, outputs, y)
        _assert_same(self.ask(pickle.loads(pickle.dumps(fitted)), new), self.ask(fitted, new), 0.0)
        pickle.loads(pickle.dumps(clone(estimator)))

    def test_refit_equals_a_fresh_fit(self, estimator, data):
        outputs, y, new = data
        half = len(y) // 2
        again = self.fit(self.fit(clone(estimator), outputs[:half], y[:half]), outputs[half:], y[half:])
        fresh = self.fit(clone(estimator), outputs[half:], y[half:])
        assert set(vars(again)) == set(vars(fresh))
        _assert_same(self.ask(again, new), self.ask(fresh, new), 0.0)

    def test_row_order_in_fit_does_not_matter(self, estimator, data):
        outputs, y, new = data
        order = np.random.default_rng(0).permutation(len(y))
        here = self.ask(self.fit(clone(estimator), outputs, y), new)
        _assert_same(self.ask(self.fit(clone(estimator), outputs[order], y[order]), new), here, self.rtol)

    # ---- containers and shapes

    @pytest.mark.parametrize("kind", CONTAINERS)
    def test_containers(self, estimator, data, kind):
        outputs, y, new = data
        expected = self.ask(self.fit(clone(estimator), outputs, y), new)
        put = (lambda a: in_container(kind, a)) if np.asarray(y).dtype.kind in "biuf" else np.asarray
        fitted = self.fit(clone(estimator), in_container(kind, outputs), put(y))
        _assert_same(self.ask(fitted, in_container(kind, new)), expected, self.rtol)

    def test_vector_in_vector_out(self, estimator, data):
        outputs, y, new = data
        if not self.columns:
            return
        fitted = self.fit(clone(estimator), outputs, y)
        answers = self.ask(fitted, new)
        for verb in self.same_shape:
            if verb in answers:
                assert np.shape(answers[verb]) == (len(new),)
        column = self.fit(clone(estimator), outputs[:, None], y)
        for one in (self.ask(column, new), self.ask(fitted, new[:, None]), self.ask(column, new[:, None])):
            _assert_same(one, answers, self.rtol)

    # ---- weights

    def test_weight_2_is_the_row_twice(self, estimator, data):
        if "sample_weight" not in inspect.signature(estimator.fit).parameters:
            return
        outputs, y, new = data
        weights = np.where(np.arange(len(y)) % 3 == 0, 2, 1)
        twice = np.repeat(np.arange(len(y)), weights)
        weighted = self.ask(self.fit(clone(estimator), outputs, y, sample_weight=weights), new)
        repeated = self.ask(self.fit(clone(estimator), outputs[twice], y[twice]), new)
        _assert_same(weighted, repeated, self.rtol)

    def test_weights_matter_and_equal_ones_do_not(self, estimator, data):
        if "sample_weight" not in inspect.signature(estimator.fit).parameters:
            return
        outputs, y, new = data
        plain = self.ask(self.fit(clone(estimator), outputs, y), new)
        ones = self.ask(self.fit(clone(estimator), outputs, y, sample_weight=np.ones(len(y))), new)
        _assert_same(ones, plain, self.rtol)
        if self.changes_under_weights:
            uneven = np.where(np.argsort(np.argsort(y, kind="stable")) < len(y) // 2, 3, 1)
            weighted = self.ask(self.fit(clone(estimator), outputs, y, sample_weight=uneven), new)
            with pytest.raises(AssertionError):
                _assert_same(weighted, plain, self.rtol)

    def test_bad_weights_are_refused(self, estimator, data):
        if "sample_weight" not in inspect.signature(estimator.fit).parameters:
            return
        outputs, y, _ = data
        n = len(y)
        for weights in (-np.ones(n), np.zeros(n), np.ones(n - 1), np.full(n, np.nan)):
            with pytest.raises(ValueError):
                self.fit(clone(estimator), outputs, y, sample_weight=weights)

    # ---- bad input

    def test_bad_fits_are_refused_and_change_nothing(self, estimator, data):
        outputs, y, new = data
        fitted = self.fit(estimator, outputs, y)
        before, answers = pickle.dumps(fitted), self.ask(fitted, new)
        for what, (bad_outputs, bad_y) in self.bad_fits(outputs, y).items():
            _assert_refused(lambda o=bad_outputs, t=bad_y: self.fit(fitted, o, t), what)
            assert pickle.dumps(fitted) == before, f"a refused fit ({what}) changed the estimator"
        _assert_same(self.ask(fitted, new), answers, 0.0)

    def test_bad_outputs_are_refused_and_change_nothing(self, estimator, data):
        outputs, y, new = data
        fitted = self.fit(estimator, outputs, y)
        before = pickle.dumps(fitted)
        for verb in self.ask(fitted, new):
            for what, bad in self.bad_outputs(new).items():
                _assert_refused(lambda v=verb, b=bad: getattr(fitted, v)(b), f"{what} in {verb}")
                assert pickle.dumps(fitted) == before


def _assert_refused(call, what):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            call()
        except ValueError as error:  # InputError is one
            words = str(error)
        except Exception as error:
            pytest.fail(f"{what}: {type(error).__name__} instead of a ValueError: {error}")
        else:
            pytest.fail(f"{what}: accepted")
    assert words, f"{what}: an error without words"


def _assert_same(answers, expected, rtol):
    assert answers.keys() == expected.keys()
    for verb, there in expected.items():
        here = answers[verb]
        for a, b in zip(_numbers(here), _numbers(there), strict=True):
            assert a.shape == b.shape, f"{verb}: shape {a.shape} instead of {b.shape}"
            if b.dtype.kind == "f":
                assert np.allclose(a, b, rtol=rtol, atol=rtol, equal_nan=True), f"{verb}: other numbers"
            else:
                assert np.array_equal(a, b), f"{verb}: another answer"


def _numbers(answer):
    """Return what is compared of an answer, as a list of arrays."""
    if isinstance(answer, Interval):
        return [np.asarray(answer.lower), np.asarray(answer.upper)]
    if hasattr(answer, "estimate"):
        return [np.asarray(answer.estimate), np.asarray(answer.std_error)]
    if hasattr(answer, "to_dict"):
        # row labels are the caller's own
        parts = (np.asarray(v) for k, v in answer.to_dict().items() if k != "index")
        return [part for part in parts if part.dtype.kind in "biuf"]
    if isinstance(answer, (tuple, list)):
        return [np.asarray(v) for v in answer]
    return [np.asarray(answer)]

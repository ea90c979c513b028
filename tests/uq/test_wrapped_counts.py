"""WrappedModel around counts of responses and distributions of pairs."""

import numpy as np
import pytest
from contracts import require
from contracts.reference import PassThrough
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import KFold

from uq._wrapped import WrappedModel
from uq.epistemic import PairHeadClassifier, ScaledVariance, SecondOrderCalibration
from uq.exceptions import InputError


class Shares(BaseEstimator):
    """Shares of the classes among the counts of all rows; it remembers what it learnt from."""

    def fit(self, X, y):
        self.total_ = np.asarray(y, dtype=float).sum(axis=0)
        return self

    def predict_proba(self, X):
        return np.tile(self.total_ / self.total_.sum(), (len(X), 1))


def counts(n=30):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 2)), 2 * rng.multinomial(3, [0.5, 0.3, 0.2], n)  # no count is odd


@pytest.mark.parametrize("kind", ["array", "list", "pandas", "polars"])
def test_counts_of_responses_may_be_the_truth(kind):
    X, y = counts()
    given = {"array": y, "list": y.tolist()}.get(kind)
    if given is None:
        given = require(kind).DataFrame(y, **{"columns" if kind == "pandas" else "schema": ["a", "b", "c"]})
    folds = KFold(5)
    # scikit-learn would recode the columns of y, so that 0, 2, 4 become 0, 1, 2
    outputs = np.empty((30, 3))
    for train, test in folds.split(X):
        outputs[test] = y[train].sum(axis=0) / y[train].sum()
    wrapped = WrappedModel(Shares(), ScaledVariance(), cv=folds).fit(X, given)
    assert wrapped.wrapper_.scale_ == pytest.approx(ScaledVariance().fit(outputs, y).scale_, rel=1e-12)
    assert wrapped.model_.total_.tolist() == y.sum(axis=0).tolist()
    fitted = WrappedModel(Shares().fit(X, y), ScaledVariance()).fit(X, given)
    pairs = fitted.wrapper_.predict_pair(fitted.outputs(X))
    assert np.allclose(pairs.marginal, y.sum(axis=0) / y.sum())
    assert pairs.classes == (None if kind in ("array", "list") else ("a", "b", "c"))


def test_bad_counts_are_refused():
    X, y = counts()
    for model in (Shares(), Shares().fit(X, y)):
        bad = y.astype(float)
        bad[3, 1] = np.nan
        with pytest.raises(InputError, match="y must be finite"):
            WrappedModel(model, ScaledVariance()).fit(X, bad)
        with pytest.raises(InputError, match="y must hold real numbers"):
            WrappedModel(model, ScaledVariance()).fit(X, y.astype(str))


def test_pairs_are_a_verb():
    X, y = counts()
    assert not hasattr(WrappedModel(Shares(), PassThrough()), "predict_pair")
    for model in (Shares(), Shares().fit(X, y)):
        wrapped = WrappedModel(model, ScaledVariance()).fit(X, y)
        pairs = wrapped.predict_pair(X[:4])
        assert pairs.joint.tolist() == wrapped.wrapper_.predict_pair(wrapped.outputs(X[:4])).joint.tolist()
        assert pairs.guarantee == "none"


@pytest.mark.slow
@pytest.mark.parametrize("named", [False, True])
def test_pairs_of_a_model_may_be_what_a_wrapper_learns_from(named):
    require("torch")
    X, y = counts(300)
    y = require("pandas").DataFrame(y, columns=["a", "b", "c"]) if named else y
    rows = y.iloc if named else y
    model = PairHeadClassifier(hidden=(), max_epochs=2, device="cpu", random_state=0)
    factor = SecondOrderCalibration(floor=0.1)
    held = WrappedModel(model.fit(X[:150], rows[:150]), factor, method="predict_pair").fit(X[150:], rows[150:])
    alone = SecondOrderCalibration(floor=0.1).fit(model.predict_pair(X[150:]), rows[150:])
    assert held.predict_interval(X) == alone.predict_interval(model.predict_pair(X))
    assert held.predict_interval(X).guarantee == "finite-sample"
    folds = KFold(3)
    crossed = WrappedModel(clone(model), factor, cv=folds, method="predict_pair").fit(X, y)
    outputs = np.empty((300, 3, 3))
    for train, test in folds.split(X):
        outputs[test] = clone(model).fit(X[train], rows[train]).predict_pair(X[test]).joint
    assert crossed.wrapper_.factor_ == SecondOrderCalibration(floor=0.1).fit(outputs, y).factor_
    assert crossed.predict_interval(X).guarantee == "none"
    with pytest.raises(InputError, match="has no predict_pair"):
        WrappedModel(Shares(), factor, method="predict_pair").fit(X, y)


@pytest.mark.parametrize("y", [np.zeros((30, 2, 2)), np.zeros((30, 2, 2)).tolist(), np.zeros((30, 1, 1))])
def test_a_truth_of_three_axes_is_refused(y):
    with pytest.raises(InputError, match=r"y must be a vector, or a matrix .* got an array of shape \(30"):
        WrappedModel(Shares(), ScaledVariance()).fit(counts()[0], y)

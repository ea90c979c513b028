"""A model and a wrapper as one estimator: scikit-learn's own suite, honest outputs, a model never retrained."""

import pickle

import numpy as np
import pytest
from contracts import require
from contracts.reference import ClassShift, MeanShift, PassThrough
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.datasets import load_diabetes, load_digits
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, StratifiedKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from conformal import PredictionSet, Selection, SplitConformal
from uq import Interval, estimate_mean
from uq._wrapped import WrappedModel
from uq.exceptions import InputError, UQError


@parametrize_with_checks([WrappedModel(LinearRegression(), MeanShift())])
def test_scikit_learns_own_suite(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [
        WrappedModel(LinearRegression(), PassThrough()),
        WrappedModel(LogisticRegression(), ClassShift()),
        WrappedModel(LogisticRegression(), PassThrough(), method="predict"),
    ]
)
def test_scikit_learns_own_suite_on_classifiers_too(estimator, check):
    check(estimator)


class Spy(BaseEstimator):
    """Keeps what it was given."""

    def fit(self, outputs, y, sample_weight=None, groups=None):
        self.outputs_, self.y_, self.sample_weight_, self.groups_ = outputs, y, sample_weight, groups
        return self

    def predict_set(self, outputs, coverage=0.9):
        return outputs, coverage

    def select(self, outputs):
        return outputs

    def score(self, outputs, y):
        return 42.0


class Plain:
    """A model that is no scikit-learn estimator, although it has a fit."""

    n_fits = 0

    def fit(self, X, y):
        self.n_fits += 1

    def predict(self, X):
        return np.asarray(X)[:, 0] * 2


@pytest.fixture(scope="module")
def regression():
    X, y = load_diabetes(return_X_y=True)
    return X[:120, :4], y[:120]


@pytest.fixture(scope="module")
def classes():
    X, y = load_digits(n_class=3, return_X_y=True)
    return X[:150, 10:26] / 16, np.array(["zero", "one", "two"])[y[:150]]


# ---- a fitted model is used as it is


@pytest.mark.parametrize("freeze", [False, True])
def test_a_fitted_model_is_never_retrained(regression, freeze):
    X, y = regression
    fitted = LinearRegression().fit(X[:60], y[:60])
    before = pickle.dumps(fitted)
    model = FrozenEstimator(fitted) if freeze else fitted
    wrapped = WrappedModel(model, Spy())
    for estimator in (wrapped, clone(wrapped), clone(clone(wrapped)), pickle.loads(pickle.dumps(wrapped))):
        assert estimator.fit(X[60:], y[60:]) is estimator
        assert np.array_equal(estimator.wrapper_.outputs_, fitted.predict(X[60:]))
        assert np.array_equal(estimator.wrapper_.y_, y[60:])
    assert wrapped.model_ is model
    assert clone(wrapped).model is model
    assert pickle.dumps(fitted) == before


def test_a_model_of_another_kind_is_used_as_it_is(regression):
    X, y = regression
    model = Plain()
    wrapped = clone(WrappedModel(model, MeanShift())).fit(X, y)
    assert model.n_fits == 0
    assert wrapped.model_ is model
    assert np.allclose(wrapped.predict(X), 2 * X[:, 0] + np.mean(y - 2 * X[:, 0]))
    assert np.isfinite(wrapped.score(X, y))
    assert is_regressor(wrapped)
    with pytest.raises(AttributeError):
        _ = wrapped.n_features_in_


def test_nothing_inside_a_fitted_model_can_be_set(regression):
    X, y = regression
    model = Ridge().fit(X, y)
    wrapped = WrappedModel(model, MeanShift())
    assert not any(name.startswith("model__") for name in wrapped.get_params())
    with pytest.raises(InputError, match="model__alpha must not be set"):
        wrapped.set_params(model__alpha=3.0)
    assert model.alpha == 1.0
    wrapped.set_params(model=Ridge(), wrapper__shrinkage=0.5).set_params(model__alpha=3.0)
    assert (wrapped.model.alpha, wrapped.wrapper.shrinkage) == (3.0, 0.5)
    assert model.alpha == 1.0


def test_a_fitted_model_survives_a_grid_search(regression):
    X, y = regression
    model = LinearRegression().fit(X[:60], y[:60])
    coefficients = model.coef_.copy()
    search = GridSearchCV(WrappedModel(model, MeanShift()), {"wrapper__shrinkage": [0.0, 1.0]}, cv=3).fit(
        X[60:], y[60:]
    )
    assert search.best_estimator_.model_ is model
    assert np.array_equal(model.coef_, coefficients)
    assert search.best_params_["wrapper__shrinkage"] in (0.0, 1.0)


# ---- a model that is not fitted


def test_the_wrapper_learns_from_out_of_fold_outputs(regression):
    X, y = regression
    model = KNeighborsRegressor(1)  # in sample it is perfect, so only honest outputs have errors
    wrapped = WrappedModel(model, Spy(), cv=KFold(4)).fit(X, y)
    assert np.array_equal(wrapped.wrapper_.outputs_, cross_val_predict(model, X, y, cv=KFold(4)))
    assert np.abs(wrapped.wrapper_.outputs_ - y).mean() > 10
    assert np.array_equal(wrapped.outputs(X), y)
    assert not hasattr(model, "n_features_in_")


def test_out_of_fold_probabilities_of_a_classifier(classes):
    X, y = classes
    wrapped = WrappedModel(LogisticRegression(C=0.01), Spy(), cv=3).fit(X, y)
    expected = cross_val_predict(LogisticRegression(C=0.01), X, y, cv=StratifiedKFold(3), method="predict_proba")
    assert np.array_equal(wrapped.wrapper_.outputs_, expected)
    assert wrapped.classes_.tolist() == ["one", "two", "zero"]
    assert wrapped.n_features_in_ == X.shape[1]


def test_groups_stay_together(regression):
    X, y = regression
    groups = np.repeat(np.arange(24), 5)
    wrapped = WrappedModel(KNeighborsRegressor(1), Spy(), cv=4).fit(X, y, groups=groups)
    expected = cross_val_predict(KNeighborsRegressor(1), X, y, groups=groups, cv=GroupKFold(4))
    assert np.array_equal(wrapped.wrapper_.outputs_, expected)
    assert wrapped.wrapper_.groups_ is groups
    WrappedModel(KNeighborsRegressor(1), MeanShift(), cv=4).fit(X, y, groups=groups)  # the folds alone use them


def test_weights_reach_the_parts_that_take_them(regression):
    X, y = regression
    weights = np.random.default_rng(0).integers(1, 5, len(y)).astype(float)
    wrapped = WrappedModel(Ridge(), Spy(), cv=3).fit(X, y, sample_weight=weights)
    assert wrapped.wrapper_.sample_weight_ is weights
    expected = Ridge().fit(X, y, sample_weight=weights)
    assert np.allclose(wrapped.model_.coef_, expected.coef_)
    first = np.arange(len(y)) >= 40
    fold = Ridge().fit(X[first], y[first], sample_weight=weights[first])
    assert np.allclose(wrapped.wrapper_.outputs_[:40], fold.predict(X[:40]))
    assert (
        WrappedModel(KNeighborsRegressor(), Spy()).fit(X, y, sample_weight=weights).wrapper_.sample_weight_ is weights
    )
    assert WrappedModel(Ridge(), Spy()).fit(X, y, sample_weight=None).wrapper_.sample_weight_ is None


def test_a_fit_parameter_that_nobody_takes_is_refused(regression):
    X, y = regression
    for fit_params in ({"sample_weight": np.ones(len(y))}, {"groups": np.arange(len(y))}, {"nonsense": 1}):
        name = next(iter(fit_params))
        with pytest.raises(InputError, match=f"{name} must be a parameter of the wrapper's fit"):
            WrappedModel(LinearRegression().fit(X, y), PassThrough()).fit(X, y, **fit_params)


class Promises(BaseEstimator):
    """Gives a record of each kind that promises something."""

    def fit(self, outputs, y):
        self.fitted_ = True
        return self

    def predict_interval(self, outputs):
        known = {"confidence_level": 0.9, "attained_level": 0.91, "guarantee": "exact"}
        return Interval(lower=outputs - 1, upper=outputs + 1, **known)

    def predict_set(self, outputs):
        mask = np.ones((len(outputs), 2), bool)
        return PredictionSet(mask=mask, classes=[0, 1], confidence_level=0.9, attained_level=0.91, guarantee="exact")

    def select(self, outputs):
        known = {"confidence_level": 0.9, "attained_level": 0.91, "guarantee": "finite-sample"}
        return Selection(mask=outputs > 0, threshold=0.0, max_false=1, **known)

    def predict(self, outputs):
        return estimate_mean(outputs)


@pytest.mark.parametrize("verb", ["predict_interval", "predict_set", "select", "predict"])
def test_nothing_is_promised_for_a_model_that_fit_trained(regression, verb):
    X, y = regression
    trained = getattr(WrappedModel(LinearRegression(), Promises()).fit(X, y), verb)(X)
    ready = WrappedModel(LinearRegression().fit(X, y), Promises()).fit(X, y)
    kept = getattr(ready, verb)(X)
    assert trained.guarantee == "none"
    assert not trained.certified
    assert kept.guarantee == getattr(Promises(), verb)(ready.outputs(X)).guarantee != "none"
    if hasattr(kept, "attained_level"):
        assert trained.attained_level is None
        assert kept.attained_level == 0.91
    if verb == "predict":
        assert trained.conf_int().guarantee == "none"


def test_a_model_that_interpolates_has_no_certified_intervals():
    """Out of fold it errs little, fitted on all rows much: 31 % were covered where 90.16 % were "exact"."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 60)), rng.normal(size=60)
    wrapped = WrappedModel(LinearRegression(fit_intercept=False), SplitConformal()).fit(X, y)
    new, truth = rng.normal(size=(2000, 60)), rng.normal(size=2000)
    interval = pickle.loads(pickle.dumps(wrapped)).predict_interval(new)
    assert interval.contains(truth).mean() < 0.6
    assert (interval.guarantee, interval.attained_level) == ("none", None)


# ---- verbs


def test_verbs_are_the_wrappers_own(regression, classes):
    verbs = ("transform", "fit_transform", "predict_proba", "predict_interval", "predict_set", "select")
    has = {
        PassThrough(): (),
        MeanShift(): ("transform", "fit_transform", "predict_interval"),
        ClassShift(): ("predict_proba",),
        Spy(): ("predict_set", "select"),
    }
    for wrapper, own in has.items():
        wrapped = WrappedModel(LogisticRegression() if "predict_proba" in own else LinearRegression(), wrapper)
        X, y = classes if "predict_proba" in own else regression
        for estimator in (wrapped, clone(wrapped).fit(X, y)):
            assert {verb for verb in verbs if hasattr(estimator, verb)} == set(own)
            assert hasattr(estimator, "predict")
            assert hasattr(estimator, "score")


def test_answers_are_those_of_the_wrapper_on_the_outputs(regression):
    X, y = regression
    model = LinearRegression().fit(X[:60], y[:60])
    shift = MeanShift().fit(model.predict(X[60:]), y[60:])
    wrapped = WrappedModel(model, MeanShift()).fit(X[60:], y[60:])
    new = X[:7]
    assert np.array_equal(wrapped.transform(new), shift.transform(model.predict(new)))
    assert np.array_equal(wrapped.predict(new), wrapped.transform(new))
    interval = wrapped.predict_interval(new, confidence_level=0.8)
    assert isinstance(interval, Interval)
    assert interval == shift.predict_interval(model.predict(new), 0.8)
    assert wrapped.score(X, y) == r2_score(y, wrapped.predict(X))
    spy = WrappedModel(model, Spy()).fit(X, y)
    outputs, coverage = spy.predict_set(new, coverage=0.5)
    assert np.array_equal(outputs, model.predict(new))
    assert coverage == 0.5
    assert np.array_equal(spy.predict(new), model.predict(new))  # no predict and no transform: the model's
    assert spy.score(X, y) == 42.0
    assert np.array_equal(wrapped.fit_transform(X, y), wrapped.transform(X))


def test_predict_follows_recalibrated_probabilities(classes):
    X, y = classes
    model = LogisticRegression(max_iter=200).fit(X[:75], y[:75])
    wrapped = WrappedModel(model, ClassShift(weight=0.4)).fit(X[75:], y[75:])
    assert is_classifier(wrapped)
    p = wrapped.predict_proba(X)
    assert p.shape == (150, 3)
    assert np.allclose(p.sum(axis=1), 1)
    assert (wrapped.predict(X) == model.classes_[p.argmax(axis=1)]).all()
    assert wrapped.score(X, y) == accuracy_score(y, wrapped.predict(X))


class OneColumn(BaseEstimator):
    """Gives P(y=1) alone."""

    def fit(self, outputs, y):
        self.fitted_ = True
        return self

    def predict_proba(self, outputs):
        return outputs[:, 1] ** 2


def test_one_probability_becomes_two_columns(classes):
    X, y = classes
    y = y == "one"
    wrapped = WrappedModel(LogisticRegression(C=0.01), OneColumn()).fit(X, y)
    p = wrapped.predict_proba(X)
    assert p.shape == (150, 2)
    assert np.array_equal(p[:, 1], wrapped.outputs(X)[:, 1] ** 2)
    assert np.array_equal(wrapped.predict(X), p[:, 1] > 0.5)


def test_outputs_are_what_method_says(classes):
    X, y = classes
    y = (y == "one").astype(int)
    scores = WrappedModel(LinearSVC(C=1e-3), IsotonicRegression(out_of_bounds="clip")).fit(X, y)
    assert np.array_equal(scores.outputs(X), scores.model_.decision_function(X))
    labels = WrappedModel(KNeighborsClassifier(), Spy(), method="predict").fit(X, y)
    assert set(labels.wrapper_.outputs_) == {0, 1}
    with pytest.raises(InputError, match="LinearRegression has no predict_proba"):
        WrappedModel(LinearRegression(), Spy(), method="predict_proba").fit(X, y)


# ---- inside scikit-learn


def test_grid_search_over_both_parts_in_a_pipeline(regression):
    X, y = regression
    grid = {"wrappedmodel__model__alpha": [1e-3, 1e3], "wrappedmodel__wrapper__shrinkage": [0.0, 1.0]}
    pipeline = make_pipeline(StandardScaler(), WrappedModel(Ridge(), MeanShift(), cv=3))
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, y)
    assert len(search.cv_results_["params"]) == 4
    assert search.best_estimator_[-1].model_.alpha == search.best_params_["wrappedmodel__model__alpha"] == 1e-3
    assert search.predict(X).shape == y.shape
    assert isinstance(search.best_estimator_[:-1].transform(X), np.ndarray)
    assert isinstance(search.best_estimator_[-1].predict_interval(X), Interval)


def test_a_pipeline_may_be_the_model(classes):
    X, y = classes
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01))
    wrapped = WrappedModel(model, ClassShift(), cv=3).fit(X, y)
    assert wrapped.classes_.tolist() == ["one", "two", "zero"]
    assert wrapped.score(X, y) > 0.8
    assert not hasattr(model[-1], "coef_")
    ready = clone(model).fit(X, y)
    assert clone(WrappedModel(ready, ClassShift())).fit(X, y).model_ is ready


def test_feature_names_come_from_the_model(regression):
    pd = require("pandas")
    X, y = regression
    frame = pd.DataFrame(X, columns=list("abcd"))
    wrapped = WrappedModel(LinearRegression(), MeanShift()).fit(frame, pd.Series(y))
    assert wrapped.feature_names_in_.tolist() == list("abcd")
    assert not hasattr(WrappedModel(LinearRegression(), MeanShift()).fit(X, y), "feature_names_in_")


# ---- bad input


@pytest.mark.parametrize("verb", ["predict", "transform", "predict_interval", "outputs", "score"])
def test_not_fitted(regression, verb):
    X, y = regression
    fitted_model = WrappedModel(LinearRegression().fit(X, y), MeanShift())
    for wrapped in (WrappedModel(LinearRegression(), MeanShift()), fitted_model, clone(clone(fitted_model).fit(X, y))):
        with pytest.raises(NotFittedError):
            getattr(wrapped, verb)(X, *([y] if verb == "score" else []))


@pytest.mark.parametrize(
    ("parameters", "name"),
    [({"method": "proba"}, "method"), ({"cv": "five"}, "cv"), ({"cv": -2}, "cv"), ({"wrapper": object()}, "wrapper"),
     ({"wrapper": None}, "wrapper"), ({"model": 3}, "model"), ({"model": None}, "model")],
)  # fmt: skip
def test_bad_parameters_are_named(regression, parameters, name):
    wrapped = WrappedModel(**{"model": LinearRegression(), "wrapper": MeanShift(), **parameters})
    with pytest.raises(UQError, match=f"'{name}' parameter of WrappedModel"):
        wrapped.fit(*regression)


def test_bad_data_are_refused_and_a_fitted_estimator_stays(regression):
    X, y = regression
    bad_y = y.copy()
    bad_y[3] = np.nan
    for model in (LinearRegression(), LinearRegression().fit(X, y)):
        wrapped = WrappedModel(model, MeanShift()).fit(X, y)
        before = pickle.dumps(wrapped)
        for bad_X, t in ((X, bad_y), (X, None), (X[:-1], y), (X[:0], y[:0]), (np.full_like(X, np.nan), y), (X, X)):
            with pytest.raises(ValueError, match=r"\w"):
                wrapped.fit(bad_X, t)
            assert pickle.dumps(wrapped) == before
    with pytest.raises(InputError, match="n_samples=1"):
        WrappedModel(LinearRegression(), MeanShift()).fit(X[:1], y[:1])


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((LinearRegression(), MeanShift), r"wrapper must be an object; got the class MeanShift itself.*MeanShift\("),
        ((LinearRegression, MeanShift()), r"model must be an object; got the class LinearRegression"),
    ],
)
def test_a_class_in_place_of_an_object_is_named(regression, parts, message):
    wrapped = WrappedModel(*parts)
    assert not hasattr(wrapped, "nonsense")
    assert "WrappedModel" in repr(wrapped)
    with pytest.raises(InputError, match=message):
        wrapped.fit(*regression)


def test_unknown_attributes_are_named():
    with pytest.raises(AttributeError, match="nonsense"):
        _ = WrappedModel(LinearRegression(), MeanShift()).nonsense
    with pytest.raises(AttributeError, match="classes_"):
        _ = WrappedModel(LogisticRegression(), ClassShift()).classes_

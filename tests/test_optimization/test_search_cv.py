"""BayesSearchCV: scikit-learn's own suite, folds, failures, logs, and what is recommended in the end."""

import pickle
import warnings

import numpy as np
import pytest
from scipy.stats import chi2, multivariate_normal
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_regressor
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from bayes import BayesianOptimizer, BayesSearchCV, Categorical, GaussianProcess, Integer, Real
from bayes.optimization._search_folds import SPREADS, effects_among_settings, effects_beside_model, noise_of_means
from uq.exceptions import InfiniteBoundWarning, InputError, LogError

X, Y = load_iris(return_X_y=True)
SPACE = {"C": Real(1e-3, 1e3, log=True), "gamma": Real(1e-4, 10, log=True)}
ALPHA = {"alpha": Real(0.1, 1.0)}


# as scikit-learn has it for its own searches: their fits warn of y with two columns, and not the search
def expected_failures(made):
    return {"check_supervised_y_2d": "DataConversionWarning not caught"} if is_regressor(made) else {}


def search(estimator=None, space=None, **parameters):
    given = {"n_iter": 6, "folds": "all", "cv": 3, "random_state": 0, **parameters}
    return BayesSearchCV(SVC() if estimator is None else estimator, SPACE if space is None else space, **given)


def small(estimator, name, **parameters):
    return BayesSearchCV(
        estimator, {name: Real(0.1, 1.0)}, n_iter=2, cv=2, error_score="raise", random_state=0, **parameters
    )


class Moody(ClassifierMixin, BaseEstimator):
    """Fails above a limit, or always, and counts its fits."""

    fits = 0

    def __init__(self, x=0.0, limit=0.5, word="too large"):
        self.x = x
        self.limit = limit
        self.word = word

    def fit(self, X, y):
        type(self).fits += 1
        if self.x > self.limit:
            raise RuntimeError(f"x is {self.word}")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[np.zeros(len(X), dtype=int)]

    def score(self, X, y):
        return -((self.x - 0.4) ** 2)


# ---- scikit-learn's own suite


@parametrize_with_checks([small(Lasso(), "alpha")], expected_failed_checks=expected_failures)
def test_scikit_learns_own_suite(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [
        small(LogisticRegression(), "C"),
        small(Pipeline([("pca", PCA()), ("ridge", Ridge())]), "ridge__alpha"),
        small(Pipeline([("pca", PCA()), ("logisticregression", LogisticRegression())]), "logisticregression__C"),
        small(Lasso(), "alpha", folds="all"),
        small(LogisticRegression(), "C", folds="all"),
    ],
    expected_failed_checks=expected_failures,
)
def test_scikit_learns_own_suite_on_classifiers_and_pipelines(estimator, check):
    check(estimator)


# ---- what a fit leaves


@pytest.mark.parametrize("folds", ["all", "one"])
def test_the_table_and_the_best_agree(folds):
    made = search(folds=folds, return_train_score=True).fit(X, Y)
    table, best = made.cv_results_, made.best_index_
    assert made.best_params_ == table["params"][best] == made.optimizer_.best_params_
    assert made.best_score_ == table["mean_test_score"][best]
    whole = table["n_evaluated_splits"] == 3  # every setting under "all"
    assert whole[best]
    assert whole.all() == (folds == "all")
    assert table["posterior_mean_test_score"][whole].max() == table["posterior_mean_test_score"][best]
    assert table["posterior_mean_test_score"][best] == pytest.approx(made.optimizer_.best_value_)
    assert made.best_estimator_.get_params()["C"] == made.best_params_["C"]
    assert table["n_evaluated_splits"].sum() == 6 * 3
    scores = np.stack([table[f"split{k}_test_score"] for k in range(3)])
    np.testing.assert_array_equal((~np.isnan(scores)).sum(axis=0), table["n_evaluated_splits"])
    np.testing.assert_allclose(table["mean_test_score"], np.nanmean(scores, axis=0))
    np.testing.assert_allclose(table["std_test_score"], np.nanstd(scores, axis=0))
    assert np.isfinite(table["mean_fit_time"]).all()
    assert {"mean_train_score", "split2_train_score", "param_C", "rank_test_score"} <= set(table)
    for params, score, k in zip(table["params"], scores[0], np.arange(99), strict=False):
        if not np.isnan(score):
            train, test = next(iter(StratifiedKFold(3).split(X, Y)))
            assert SVC(**params).fit(X[train], Y[train]).score(X[test], Y[test]) == score, k


def test_all_folds_begins_as_the_optimizer_with_cross_validation_as_its_function():
    made = search(n_iter=8).fit(X, Y)
    by_hand = BayesianOptimizer(SPACE, random_state=0)
    for params, score in zip(made.cv_results_["params"][:5], made.cv_results_["mean_test_score"], strict=False):
        assert by_hand.ask().params == params
        assert cross_val_score(SVC(**params), X, Y, cv=3).mean() == pytest.approx(score)
    model = made.optimizer_._models(made.optimizer_._campaign).objective
    scores = np.stack([made.cv_results_[f"split{k}_test_score"] for k in range(3)], axis=1)
    np.testing.assert_allclose(model._data[2], noise_of_means(scores))
    assert model.noise_variance_ == 0


@pytest.mark.parametrize("folds", ["all", "one"])
@pytest.mark.slow
def test_seeds_repeat_and_workers_change_nothing(folds):
    one = search(folds=folds, n_parallel=2).fit(X, Y)
    for other in (clone(one).fit(X, Y), search(folds=folds, n_parallel=2, n_jobs=2).fit(X, Y)):
        assert other.cv_results_["params"] == one.cv_results_["params"]
        np.testing.assert_array_equal(other.cv_results_["mean_test_score"], one.cv_results_["mean_test_score"])
    assert search(folds=folds, random_state=1).fit(X, Y).cv_results_["params"] != one.cv_results_["params"]


def test_pipelines_numbers_of_several_kinds_and_pickles():
    pipe = make_pipeline(PCA(random_state=0), SVC())
    space = {"pca__n_components": Integer(1, 4), "svc__kernel": Categorical(["rbf", "linear"]), "svc__C": Real(0.1, 10)}
    made = pickle.loads(pickle.dumps(search(pipe, space, n_iter=8).fit(X, Y)))
    assert made.score(X, Y) > 0.9
    assert made.predict_proba is not None if hasattr(made, "predict_proba") else True
    assert set(made.best_params_) == set(space)
    assert made.optimizer_.trials_[0].params == made.cv_results_["params"][0]


def test_nested_cross_validation_judges_the_search():
    scores = cross_val_score(search(n_iter=3), X, Y, cv=3)
    assert scores.mean() > 0.9


def test_groups_and_weights_reach_the_splitter_and_the_fit():
    groups = np.arange(150) % 5
    made = search(cv=GroupKFold(5)).fit(X, Y, groups=groups)
    assert made.n_splits_ == 5
    weighted = search(GaussianNB(), {"var_smoothing": Real(1e-9, 1e-3)}, n_iter=2).fit(X, Y, sample_weight=np.ones(150))
    assert weighted.best_score_ > 0.9
    with pytest.raises(InputError, match="cv must be able to split"):
        search(cv=GroupKFold(5)).fit(X, Y)


def test_shuffled_folds_are_the_same_for_all_settings():
    made = search(GaussianNB(), {"var_smoothing": Real(1e-12, 1e-11)}, cv=KFold(3, shuffle=True)).fit(X, Y)
    assert len(set(made.cv_results_["mean_test_score"])) == 1


@pytest.mark.slow
@pytest.mark.parametrize("scoring", [["accuracy", "f1_macro"], {"a": "accuracy", "f1_macro": "f1_macro"}])
@pytest.mark.parametrize("folds", ["all", "one"])
def test_several_scores_need_the_name_of_one(scoring, folds):
    made = search(scoring=scoring, refit="f1_macro", folds=folds).fit(X, Y)
    assert made.multimetric_
    assert made.best_score_ == made.cv_results_["mean_test_f1_macro"][made.best_index_]
    for refit in (True, False, "recall", len):
        with pytest.raises(InputError, match="refit must name the score"):
            search(scoring=scoring, refit=refit).fit(X, Y)


def test_a_function_may_return_several_scores():
    def scoring(estimator, X, y):
        return {"a": estimator.score(X, y), "b": 0.0}

    assert search(scoring=scoring, refit="a").fit(X, Y).best_score_ > 0.9
    with pytest.raises(InputError, match="refit must name"):
        search(scoring=scoring).fit(X, Y)


def test_refit_may_be_left_out_or_choose():
    made = search(refit=False).fit(X, Y)
    assert made.best_score_ > 0.9
    assert not hasattr(made, "best_estimator_")
    assert search(refit=lambda table: 1).fit(X, Y).best_index_ == 1


def test_interval_of_the_best():
    made = search(n_iter=12).fit(X, Y)
    interval = made.best_interval(0.5)
    assert interval.lower < made.best_score_ < interval.upper
    assert interval.guarantee == "none"
    with pytest.warns(InfiniteBoundWarning, match="too few"):
        assert search().fit(X, Y).best_interval(0.9).upper == np.inf
    with pytest.raises(NotFittedError):
        search().best_interval()


def test_a_finite_space_is_tried_once_each():
    space = {"C": Categorical([0.01, 0.1, 1.0, 10.0])}
    with pytest.warns(UserWarning, match="exhausted after 4 settings"):
        made = search(space=space, n_iter=9).fit(X, Y)
    assert sorted(p["C"] for p in made.cv_results_["params"]) == [0.01, 0.1, 1.0, 10.0]
    with pytest.warns(UserWarning, match="exhausted"):
        made = search(space=space, n_iter=9, folds="one", n_parallel=2).fit(X, Y)
    assert (made.cv_results_["n_evaluated_splits"] == 3).all()
    assert not np.isnan(made.cv_results_["split2_test_score"]).any()


def test_an_estimator_without_y():
    from sklearn.mixture import GaussianMixture

    made = search(GaussianMixture(random_state=0), {"n_components": Integer(1, 4)}, n_iter=3, cv=KFold(3)).fit(X)
    assert np.isfinite(made.score(X))


# ---- failures


@pytest.mark.slow
@pytest.mark.parametrize("folds", ["all", "one"])
@pytest.mark.parametrize("n_parallel", [1, 3])
def test_failing_settings_do_not_end_a_search(folds, n_parallel):
    with pytest.warns(FitFailedWarning, match=r"with \d+ of \d+ settings.*x is too large") as caught:
        made = search(Moody(), {"x": Real(0, 1)}, n_iter=12, folds=folds, n_parallel=n_parallel).fit(X, Y)
    assert len(caught) == 1
    assert made.best_params_["x"] == pytest.approx(0.4, abs=0.1)
    table = made.cv_results_
    failed = np.array([p["x"] > 0.5 for p in table["params"]])
    assert failed.any()
    np.testing.assert_array_equal(np.isnan(table["mean_test_score"]), failed)
    assert table["rank_test_score"][failed].min() > table["rank_test_score"][~failed].max()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning", "ignore:Scoring failed:UserWarning")
@pytest.mark.parametrize("folds", ["all", "one"])
def test_a_best_setting_that_all_rows_break_is_told(folds):
    """Half of the folds fit, as the row with NaN is not among theirs; the search is as it was before."""
    rows = np.linspace(0, 1, 20).reshape(10, 2).copy()
    rows[0, 0] = np.nan
    options = {"n_iter": 3, "cv": 2, "error_score": -1.0, "folds": folds, "random_state": 0}
    made = BayesSearchCV(Ridge(), {"alpha": Real(0.1, 1.0)}, **options)
    before = dict(made.__dict__)
    with pytest.raises(InputError, match=r"all rows with the best setting, .*alpha.*NaN.*refit=False"):
        made.fit(rows, rows[:, 1])
    assert made.__dict__ == before


def test_error_scores():
    with pytest.raises(RuntimeError, match="too large"):
        search(Moody(limit=-1), {"x": Real(0, 1)}, error_score="raise").fit(X, Y)
    with pytest.warns(FitFailedWarning):
        made = search(Moody(), {"x": Real(0, 1)}, error_score=-2.0).fit(X, Y)
    assert (made.cv_results_["mean_test_score"][[p["x"] > 0.5 for p in made.cv_results_["params"]]] == -2).all()
    with pytest.warns(FitFailedWarning):  # what failed is never the best, whatever its score
        made = search(Moody(), {"x": Real(0, 1)}, error_score=9.0).fit(X, Y)
    assert made.best_params_["x"] <= 0.5
    assert made.best_params_ == made.cv_results_["params"][made.best_index_]
    for error_score in (np.nan, 0.0):
        made = search(Moody(limit=-1), {"x": Real(0, 1)}, error_score=error_score)
        with pytest.raises(InputError, match=r"no setting of 6 a score.*RuntimeError: x is too"):
            made.fit(X, Y)
        assert "cv_results_" not in vars(made)


# ---- logs


@pytest.mark.slow
@pytest.mark.parametrize("folds", ["all", "one"])
def test_an_interrupted_search_goes_on(tmp_path, folds):
    class Count(Moody):
        fits = 0

    path = tmp_path / "search.jsonl"
    kept = {"folds": folds, "n_iter": 8, "error_score": np.nan}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitFailedWarning)
        whole = search(Count(), {"x": Real(0, 1)}, **kept).fit(X, Y)
        interrupted = search(Count(), {"x": Real(0, 1)}, storage=path, **kept).fit(X, Y)
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:5]) + b'{"torn')
        Count.fits = 0
        resumed = search(Count(), {"x": Real(0, 1)}, storage=path, **kept).fit(X, Y)
        n_fits = Count.fits
        Count.fits = 0
        search(Count(), {"x": Real(0, 1)}, storage=path, **kept).fit(X, Y)
    for made in (interrupted, resumed):
        assert made.cv_results_["params"] == whole.cv_results_["params"]
        np.testing.assert_array_equal(made.cv_results_["mean_test_score"], whole.cv_results_["mean_test_score"])
        assert made.best_params_ == whole.best_params_
    known = 4 * (3 if folds == "all" else 1)
    assert n_fits == 8 * 3 - known + 1  # and the refit
    assert Count.fits <= 2  # one that shows the kind of scores, and the refit


def test_logs_of_other_searches_are_refused(tmp_path):
    path = tmp_path / "search.jsonl"
    search(storage=path, n_iter=2).fit(X, Y)
    for other, rows, word in (
        (search(storage=path, random_state=1), X, "random_state"),
        (search(storage=path, cv=4), X, "cv"),
        (search(storage=path, folds="one"), X, "folds"),
        (search(SVC(kernel="poly"), storage=path), X, "estimator"),
        (search(storage=path), X + 1, "X, y"),
    ):
        before = path.read_bytes()
        with pytest.raises(LogError, match=f"another search: its {word}"):
            other.fit(rows, Y)
        assert path.read_bytes() == before
    assert len(search(storage=path, n_iter=4).fit(X, Y).cv_results_["params"]) == 4  # prolonged
    with pytest.raises(InputError, match="cv must split the same each time"):
        search(storage=tmp_path / "b", cv=KFold(3, shuffle=True)).fit(X, Y)


def test_a_search_without_a_seed_finds_it_in_its_log(tmp_path):
    path = tmp_path / "search.jsonl"
    first, again = (search(storage=path, n_iter=3, random_state=None).fit(X, Y) for _ in range(2))
    assert first.cv_results_["params"] == again.cv_results_["params"]


# ---- what is refused


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"space": {}}, "BayesSearchCV: space must be a dict"),
        ({"space": {"C": [1, 2]}}, "must be Real"),
        ({"estimator": SVC}, "estimator must be an object, SVC"),
        ({"space": {"c": Real(0, 1)}}, "names in space must be parameters of estimator"),
        ({"n_iter": 0}, "n_iter"),
        ({"n_iter": 1.5}, "n_iter"),
        ({"folds": "two"}, "folds"),
        ({"n_parallel": 0}, "n_parallel"),
        ({"cv": 1}, "cv"),
        ({"cv": 500}, "cv must be able to split"),
        ({"cv": []}, "cv must give one split"),
        ({"cv": [([], [])]}, "cv must give pairs of the rows"),
        ({"cv": [([0, 1], [10**6])]}, "cv must give pairs of the rows"),
        ({"cv": [([0, 1], ["a"])]}, "cv must give pairs of the rows"),
        ({"n_iter": 10**400}, "n_iter"),
        ({"acquisition": "x"}, "BayesSearchCV: acquisition"),
        ({"surrogate": 1}, "BayesSearchCV: surrogate"),
        ({"n_initial": -1}, "BayesSearchCV: n_initial"),
        ({"random_state": -1}, "BayesSearchCV: random_state"),
        ({"scoring": "x"}, "scoring"),
        ({"scoring": ["accuracy", "x"], "refit": "accuracy"}, "scoring must be one that scikit-learn knows"),
        ({"scoring": ["accuracy", "accuracy"], "refit": "accuracy"}, "scoring must be one that scikit-learn knows"),
        ({"storage": 5}, "storage"),
        ({"estimator": 3}, "estimator"),
    ],
    ids=str,
)
def test_bad_parameters(wrong, message):
    made = search().set_params(**wrong)
    with pytest.raises(InputError, match=message):
        made.fit(X, Y)
    assert not [name for name in vars(made) if name.endswith("_") or name == "_search"]


def test_bad_rows():
    for rows, y in (
        (X, np.where(Y, np.inf, 1.0)),
        (X, np.where(Y, np.nan, 1.0)),
        (X, Y[:-1]),
        (None, Y),
        ("abc", Y),
        (5, Y),
        ([], []),
    ):
        with pytest.raises(InputError):
            search().fit(rows, y)
    with pytest.raises(InputError, match="gave no setting"):
        search().fit(np.full_like(X, np.nan), Y)


def test_other_surrogates_and_acquisitions():
    made = search(
        acquisition="upper_confidence_bound", surrogate=GaussianProcess("gaussian", noise_variance=1e-4), n_initial=2
    ).fit(X, Y)
    assert made.best_score_ > 0.9


# ---- effects of folds


def test_fold_effects_against_least_squares():
    rng = np.random.default_rng(0)
    settings, folds = rng.integers(0, 8, 60), rng.integers(0, 4, 60)
    y = rng.normal(size=60)
    design = np.hstack([settings[:, None] == np.arange(8), folds[:, None] == np.arange(4)]).astype(float)
    ridge = np.diag([0.0] * 8 + [1.0] * 4)
    expected = np.linalg.solve(design.T @ design + ridge, design.T @ y)[8:]
    np.testing.assert_allclose(effects_among_settings(y, settings, folds, 4), expected, atol=1e-12)
    assert expected.sum() == pytest.approx(0)


def test_fold_effects_are_found_and_unknown_ones_are_0():
    settings, folds = np.repeat(np.arange(40), 3), np.tile(np.arange(3), 40)
    truth = np.array([0.3, 0.0, -0.3])
    found = effects_among_settings(settings * 0.1 + truth[folds], settings, folds, 3)
    np.testing.assert_allclose(found, truth, atol=0.01)
    np.testing.assert_array_equal(effects_among_settings(np.arange(3.0), np.arange(3), np.arange(3), 3), 0)


@pytest.mark.parametrize("size", [0.0, 0.5, 30.0])
def test_fold_effects_beside_a_model_against_the_joint_law(size):
    rng = np.random.default_rng(1)
    rows, folds = rng.random((30, 2)), rng.integers(0, 4, 30)
    y = rng.normal(3, 2, 30) + size * np.array([1.0, -1.0, 0.5, 0.0])[folds]
    posterior = GaussianProcess("gaussian", mean=2.0).fit(rows, y).posteriors_[0]
    design = (folds[:, None] == np.arange(4)).astype(float)
    alone = posterior.kernel(rows, rows) + np.eye(30) * (posterior.noise_variance + posterior.jitter)
    residual = (y - 2.0) / posterior.scale
    laws = [multivariate_normal(np.zeros(30), alone + spread * design @ design.T) for spread in SPREADS]
    best = np.argmax([law.logpdf(residual) for law in laws])
    effects = SPREADS[best] * design.T @ np.linalg.solve(laws[best].cov, residual)
    found = effects_beside_model(posterior, folds, 4)
    np.testing.assert_allclose(found, posterior.scale * (effects - effects.mean()), rtol=1e-6, atol=1e-9)


def test_unequal_folds_do_not_mislead():
    class Uneven(Moody):
        def fit(self, X, y):
            self.fold_ = int(X[0, 0])
            return super().fit(X, y)

        def score(self, X, y):
            return super().score(X, y) + 5.0 * int(X[0, 0])

    rows = np.repeat(np.arange(4.0), 5)[:, None]
    cv = [(np.flatnonzero(rows[:, 0] != k), np.flatnonzero(rows[:, 0] == k)) for k in range(4)]
    made = search(Uneven(limit=2), {"x": Real(0, 1)}, cv=cv, n_iter=6, folds="one").fit(rows, np.arange(20) % 2)
    assert made.best_params_["x"] == pytest.approx(0.4, abs=0.05)
    assert made.best_score_ == pytest.approx(7.5, abs=0.01)  # the best setting met all folds


def test_noise_of_means_is_the_interaction_alone():
    rng = np.random.default_rng(0)
    levels, hard = rng.normal(size=(4000, 1)), 5 * rng.normal(size=6)
    scores = levels + hard + 0.3 * rng.normal(size=(4000, 6))
    assert noise_of_means(scores) == pytest.approx(0.3**2 / 6 * chi2(5).median() / 5, rel=0.05)
    assert noise_of_means(levels + hard) == pytest.approx(0, abs=1e-20)
    assert noise_of_means(scores[:1]) == noise_of_means(scores[:, :1]) == 0
    two = noise_of_means(scores[:2])  # both settings have the same rest
    assert two == pytest.approx(np.var(scores[0] - scores[1], ddof=1) / 2 / 6)

"""BayesSearchCV: the best of fits that are chosen one by one, what a log tells from another search, and its end."""

import functools
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import FunctionTransformer

from bayes import BayesSearchCV, Real
from bayes.optimization._search_log import fingerprint
from uq.exceptions import InputError, LogError

ROWS = np.arange(5.0)[:, None]
CV = [(np.flatnonzero(ROWS[:, 0] != k), np.array([k])) for k in range(5)]  # X is the number of the fold


class Noisy(BaseEstimator):
    """Best at x = .4, on folds of unequal hardness under noise; above `limit` it fails on the first fold alone."""

    def __init__(self, x=0.0, seed=0, limit=1.0, penalty=0.0):
        self.x = x
        self.seed = seed
        self.limit = limit
        self.penalty = penalty

    def fit(self, X, y=None):
        if self.x > self.limit and 0 not in X:
            raise RuntimeError("too large")
        return self

    def score(self, X, y=None):
        fold = int(X[0, 0])
        noise = np.random.default_rng([self.seed, fold, int(self.x * 1e9)]).normal()
        value = -((self.x - 0.4) ** 2) + 0.1 * fold + 0.05 * noise
        return value - self.penalty if self.x > 0.9 else value


def search(estimator, n_iter, **parameters):
    given = {"cv": CV, "random_state": 0, "refit": False, **parameters}
    return BayesSearchCV(estimator, {"x": Real(0, 1)}, n_iter=n_iter, **given).fit(ROWS)


@pytest.mark.slow
@pytest.mark.parametrize("n_parallel", [1, 4, 100])
@pytest.mark.parametrize("n_iter", [1, 2, 5])
@pytest.mark.parametrize("seed", range(3))
def test_the_best_of_fits_one_by_one_was_tried_on_all_folds(seed, n_iter, n_parallel):
    made = search(Noisy(seed=seed), n_iter, n_parallel=n_parallel, random_state=seed)
    table, best = made.cv_results_, made.best_index_
    n_evaluated = table["n_evaluated_splits"]
    assert n_evaluated[best] == 5
    assert n_evaluated.sum() == 5 * n_iter
    assert made.best_params_ == made.optimizer_.best_params_
    assert made.best_score_ == pytest.approx(np.mean([table[f"split{k}_test_score"][best] for k in range(5)]))
    assert table["posterior_mean_test_score"][best] == pytest.approx(made.optimizer_.best_value_)
    whole = n_evaluated == 5
    assert table["posterior_mean_test_score"][best] == table["posterior_mean_test_score"][whole].max()


def test_what_failed_on_one_fold_is_not_the_best():
    with pytest.warns(FitFailedWarning, match="too large"):
        made = search(Noisy(limit=0.2), 5)
    table, best = made.cv_results_, made.best_index_
    scores = np.array([table[f"split{k}_test_score"] for k in range(5)])
    failed = np.isfinite(scores).sum(axis=0) < table["n_evaluated_splits"]
    assert failed[table["n_evaluated_splits"].argmax()]  # the one that had been the best
    assert not failed[best]
    assert made.best_params_ == made.optimizer_.best_params_


def test_where_all_settings_fail_on_a_fold_one_of_them_is_the_best():
    with pytest.warns(FitFailedWarning, match="too large"):
        made = search(Noisy(limit=-1.0), 3)
    assert np.isfinite(made.best_score_)


def test_a_search_that_has_ended_takes_no_more_results():
    made = search(Noisy(), 2)
    trial = made.optimizer_.ask()
    with pytest.raises(InputError, match="search has ended"):
        made.optimizer_.tell(trial, 1.0)
    with pytest.raises(InputError, match="search has ended"):
        made.optimizer_.tell({"x": 0.3}, 1.0)
    assert np.isfinite(made.optimizer_.best_value_)


@pytest.mark.slow
@pytest.mark.parametrize("folds", ["one", "all"])
def test_a_score_that_hides_all_others_is_told_of(folds):
    with pytest.warns(UserWarning, match="BayesSearchCV: the value -1e.* Narrow the space") as caught:
        search(Noisy(penalty=1e6), 12, folds=folds)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search(Noisy(), 12, folds=folds)


# ---- what is another search


def scorer(power):
    return lambda estimator, X, y=None: estimator.score(X) ** power


def recursive():
    def score(estimator, X, y=None):
        return 0.0 if X is None else score(estimator, None)

    return score


def test_functions_that_look_alike_are_told_by_their_code():
    first, second = (lambda e, X, y=None: 1.0), (lambda e, X, y=None: 2.0)
    alike = lambda e, X, y=None: 1.0  # noqa: E731
    for one, other, same in (
        (first, second, alike),
        (make_scorer(first), make_scorer(second), make_scorer(alike)),
        ({"a": first}, {"a": second}, {"a": alike}),
        (functools.partial(scorer, power=2), functools.partial(scorer, power=3), functools.partial(scorer, power=2)),
        (scorer(2), scorer(3), scorer(2)),
        (scorer(first), scorer(second), scorer(alike)),
        (recursive(), first, recursive()),
    ):
        assert fingerprint(one, "scoring") == fingerprint(same, "scoring")
        assert fingerprint(one, "scoring") != fingerprint(other, "scoring")
    assert fingerprint("accuracy", "scoring") == "'accuracy'"
    assert fingerprint(make_scorer(accuracy_score), "scoring") == fingerprint(make_scorer(accuracy_score), "scoring")


def test_estimators_are_told_by_what_their_text_leaves_out():
    long = np.zeros(2000)
    other = long.copy()
    other[1000] = 1.0
    for one, another in (
        (Noisy(x=long), Noisy(x=other)),
        (FunctionTransformer(lambda X: X + 1), FunctionTransformer(lambda X: X + 2)),
        (
            VotingClassifier([("a", GaussianNB(priors=long))]),
            VotingClassifier([("a", GaussianNB(priors=other))]),
        ),
    ):
        assert fingerprint(one, "estimator") != fingerprint(another, "estimator")


def test_functions_of_no_module_and_entries_that_no_file_holds():
    made = eval("lambda e, X, y=None: 1.0", {})
    assert fingerprint(made, "scoring").startswith("<function <lambda>")
    with pytest.raises(InputError, match="estimator cannot be told from another"):
        fingerprint(Noisy(x=np.array([lambda: 1], dtype=object)), "estimator")


def test_a_log_of_another_scoring_is_refused(tmp_path):
    path = tmp_path / "search.jsonl"
    search(Noisy(), 1, scoring=scorer(1), storage=path)
    search(Noisy(), 1, scoring=scorer(1), storage=path)
    with pytest.raises(LogError, match="its scoring differs"):
        search(Noisy(), 1, scoring=scorer(3), storage=path)

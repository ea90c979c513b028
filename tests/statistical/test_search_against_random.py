"""BayesSearchCV against RandomizedSearchCV at as many fits: an SVM on digits, judged on rows neither has seen."""

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.model_selection import RandomizedSearchCV, StratifiedKFold
from sklearn.svm import SVC

from bayes import BayesSearchCV, Real

RANGES = {"C": (1e-3, 1e3), "gamma": (1e-7, 1e1)}
N_ROWS, N_ITER, N_FOLDS, N_SEEDS = 300, 20, 5, 8
X, Y = load_digits(return_X_y=True)


def accuracies(seed, folds):
    """Return the accuracy on new rows after a search by the model, and after one at random."""
    order = np.random.default_rng(seed).permutation(len(Y))
    known, new = order[:N_ROWS], order[N_ROWS:]
    cv = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
    at_random = RandomizedSearchCV(
        SVC(), {name: loguniform(*ends) for name, ends in RANGES.items()}, n_iter=N_ITER, cv=cv, random_state=seed
    )
    by_model = BayesSearchCV(
        SVC(),
        {name: Real(*ends, log=True) for name, ends in RANGES.items()},
        n_iter=N_ITER,
        cv=cv,
        folds=folds,
        random_state=seed,
    )
    found = [made.fit(X[known], Y[known]).score(X[new], Y[new]) for made in (by_model, at_random)]
    n_fits = [made.cv_results_.get("n_evaluated_splits", N_FOLDS * np.ones(N_ITER)) for made in (by_model, at_random)]
    assert n_fits[0].sum() == n_fits[1].sum() == N_ITER * N_FOLDS
    return found


@pytest.mark.slow
@pytest.mark.parametrize("folds", ["all", "one"])
def test_the_model_finds_better_settings_than_chance(folds):
    found = np.array([accuracies(seed, folds) for seed in range(N_SEEDS)])
    gain = found[:, 0] - found[:, 1]
    print(folds, np.round(found, 4).tolist(), np.round(gain.mean(), 4))
    assert (gain >= 0).sum() > N_SEEDS / 2
    assert gain.mean() > 0

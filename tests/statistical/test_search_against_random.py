"""BayesSearchCV against RandomizedSearchCV at as many fits: an SVM on digits, judged on rows neither has seen."""

import csv

import numpy as np
import pytest
from contracts.containers import require_data
from scipy.stats import loguniform
from sklearn.base import BaseEstimator
from sklearn.datasets import load_digits
from sklearn.model_selection import RandomizedSearchCV, StratifiedKFold
from sklearn.svm import SVC

from bayes import BayesSearchCV, Categorical, Integer, Real

RANGES = {"C": (1e-3, 1e3), "gamma": (1e-7, 1e1)}
N_ROWS, N_ITER, N_FOLDS, N_SEEDS = 300, 20, 5, 48
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
    assert gain.mean() > 0
    assert (gain > 0).sum() > (gain < 0).sum()


# ---- a measured table: no fits


class Looked(BaseEstimator):
    """Its score on the fold whose number stands in X is that of the table."""

    def __init__(self, kernel="rbf", pca_dim=8, log10_C=0.0, log10_gamma=0.0):
        self.kernel = kernel
        self.pca_dim = pca_dim
        self.log10_C = log10_C
        self.log10_gamma = log10_gamma

    def fit(self, X, y=None):
        return self

    def score(self, X, y=None):
        key = (self.kernel, *(LEVELS[i][getattr(self, name)] for i, name in enumerate(NUMBERS)))
        return TABLE[key][int(X[0, 0])]


NUMBERS, N_SPLITS = ("pca_dim", "log10_C", "log10_gamma"), 6
TABLE: dict = {}
LEVELS: list = []


def _load():
    with open(require_data("bo/digits_svm_table.csv"), encoding="utf-8") as file:
        for row in csv.DictReader(file):
            key = (row["kernel"], *(float(row[name]) for name in NUMBERS))
            TABLE[key] = [float(row[f"s{k}"]) for k in range(N_SPLITS)]
    LEVELS[:] = [sorted({key[i + 1] for key in TABLE}) for i in range(3)]


def regrets(seed, n_iter):
    """Return by how many points of accuracy searches with as many fits missed the best setting of the table."""
    _load()
    rows = np.arange(N_SPLITS, dtype=float)[:, None]
    cv = [(np.flatnonzero(rows[:, 0] != k), np.array([k])) for k in range(N_SPLITS)]
    kernels = sorted({key[0] for key in TABLE})
    space = {"kernel": Categorical(kernels)} | {name: Integer(0, len(LEVELS[i]) - 1) for i, name in enumerate(NUMBERS)}
    chance = {"kernel": kernels} | {name: range(len(LEVELS[i])) for i, name in enumerate(NUMBERS)}
    searches = {
        "random": RandomizedSearchCV(Looked(), chance, n_iter=n_iter, cv=cv, random_state=seed, refit=False),
        **{
            folds: BayesSearchCV(Looked(), space, n_iter=n_iter, cv=cv, random_state=seed, refit=False, folds=folds)
            for folds in ("all", "one")
        },
    }
    best, found = max(np.mean(scores) for scores in TABLE.values()), {}
    for name, made in searches.items():
        params = made.fit(rows).best_params_
        key = (params["kernel"], *(LEVELS[i][params[which]] for i, which in enumerate(NUMBERS)))
        found[name] = 100 * (best - np.mean(TABLE[key]))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("n_iter", [10, 20, 50])
def test_folds_one_by_one_find_more_with_few_fits(n_iter):
    found = [regrets(seed, n_iter) for seed in range(10)]
    by_method = {name: np.array([f[name] for f in found]) for name in found[0]}
    for name, values in by_method.items():
        print(n_iter, name, np.round(values, 2).tolist(), f"mean {values.mean():.2f} median {np.median(values):.2f}")
    assert (by_method["one"] <= by_method["random"]).sum() >= 8
    assert by_method["one"].mean() < 0.5
    if n_iter > 10:  # eight of ten settings are spread over the space, whatever their scores
        assert (by_method["all"] <= by_method["random"]).sum() >= 7
        assert by_method["all"].mean() < by_method["random"].mean()

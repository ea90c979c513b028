"""How the search of hyperparameters is driven: rows, folds, scores, and an estimator that may fail."""

import warnings

import numpy as np
from hypothesis import strategies as st
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import Ridge
from strategies import (
    HOSTILE_LEVELS,
    HOSTILE_NUMBERS,
    HOSTILE_WORDS,
    LEVELS,
    NAN,
    Target,
    arguments,
    hostile_arrays,
    methods,
    mostly,
    scores,
)

from bayes import Categorical, Integer, Real

KINDS = ("unit", "ones", "zeros", "ties", "normal", "binary", "huge", "tiny")
SPACES = [
    {"alpha": Real(1e-3, 1e3, log=True)},
    {"alpha": Real(-1, 1)},  # fails below 0
    {"alpha": Categorical([1.0]), "fit_intercept": Categorical([True, False])},
    {"alpha": Integer(0, 3), "tol": Real(1e-6, 1e-2, log=True)},
]


def _strange(estimator, X, y):
    return {"a": 1.0, "b": NAN}


def _infinite(estimator, X, y):
    return np.inf


def _rows(n):
    return arguments(
        {
            "X": mostly(scores(n, 2, kinds=KINDS), hostile_arrays(n, 2)),
            "y": mostly(scores(n, kinds=KINDS), hostile_arrays(n)),
            "space": mostly(st.sampled_from(SPACES), HOSTILE_WORDS | st.sampled_from([{}, {"x": Real(0, 1)}])),
        },
        {
            "n_iter": mostly(st.sampled_from([1, 2, 6]), HOSTILE_NUMBERS),
            "folds": methods("all", "one"),
            "cv": mostly(st.sampled_from([2, 3]), HOSTILE_NUMBERS | st.sampled_from([[], [([0], [1])], [([], [])]])),
            "scoring": mostly(
                st.sampled_from([None, "neg_mean_squared_error", ["r2", "max_error"], _strange, _infinite]),
                HOSTILE_WORDS,
            ),
            "refit": mostly(st.sampled_from([True, False, "r2", "a", "b"]), HOSTILE_WORDS),
            "error_score": mostly(st.sampled_from([NAN, -1.0]), HOSTILE_NUMBERS),
            "n_initial": mostly(st.sampled_from(["auto", 0, 2]), HOSTILE_NUMBERS),
            "n_parallel": mostly(st.sampled_from([1, 2]), HOSTILE_NUMBERS),
            "acquisition": methods("auto", "upper_confidence_bound", "thompson_sample"),
            "random_state": mostly(st.sampled_from([0, 2**40]), HOSTILE_NUMBERS),
            "level": mostly(LEVELS, HOSTILE_LEVELS),
        },
    )


def _search(function, X, y, level=0.5, **parameters):
    made = function(Ridge(), **{"n_iter": 2, **parameters})
    with warnings.catch_warnings():
        # scikit-learn's own words about scores, and NumPy's about rows of 1e300, are not ours
        warnings.simplefilter("ignore", FitFailedWarning)
        for category in (RuntimeWarning, UserWarning):
            warnings.simplefilter("ignore", category)
        made.fit(X, y)
    assert np.isfinite(made.cv_results_["posterior_mean_test_score"]).all()
    return made.best_index_, made.best_interval(level)


TARGETS = {"bayes.BayesSearchCV": Target(st.sampled_from([4, 10, 31]).flatmap(_rows), _search)}

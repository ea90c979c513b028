"""How the Gaussian process is driven."""

import numpy as np
from hypothesis import strategies as st
from strategies import (
    HOSTILE_LEVELS,
    HOSTILE_NUMBERS,
    HOSTILE_WORDS,
    LEVELS,
    SEEDS,
    Target,
    arguments,
    hostile_arrays,
    methods,
    mostly,
    scores,
)

from uq._base.containers import dimensions

D = 2


def _rows(n):
    noise = scores(n, kinds=("unit", "ones", "zeros", "tiny", "huge", "ties", "normal"))
    return arguments(
        {"X": mostly(scores(n, D), hostile_arrays(n, D)), "y": mostly(scores(n), hostile_arrays(n))},
        {
            "y_var": mostly(st.none() | st.just(0.1) | noise, hostile_arrays(n) | HOSTILE_NUMBERS),
            "new": mostly(scores(5, D), hostile_arrays(5, D)),
            "kernel": methods("matern12", "matern32", "matern52", "gaussian"),
            "length_scale": mostly(st.sampled_from([None, 1.0, [0.3, 2.0], 1e-100]), HOSTILE_NUMBERS),
            "signal_variance": mostly(st.sampled_from([None, None, 1.0, 1e-8]), HOSTILE_NUMBERS),
            "noise_variance": mostly(st.sampled_from([None, None, 0, 0.1, 1e-300]), HOSTILE_NUMBERS),
            "mean": mostly(
                st.sampled_from(["constant", "constant", 0, 3.5, np.ravel, _first, _both]),
                HOSTILE_NUMBERS | st.sampled_from(["linear", np.sum, len]),
            ),
            "hyperparameters": methods("map", "map", "mle", "fixed", "slice"),
            "normalize_y": mostly(st.booleans(), HOSTILE_WORDS),
            "random_state": SEEDS,
            "confidence_level": mostly(LEVELS, HOSTILE_LEVELS),
            "method": methods("refit", "model"),
            "n_samples": mostly(st.just(2), HOSTILE_NUMBERS),
            "theta": mostly(st.none() | st.just([0.0, 0.0, 0.0, -2.0]), hostile_arrays(4)),
        },
    )


def _first(X):
    return X[:, 0]


def _both(X):
    return X


def _regress(
    function, X, y, y_var=None, new=None, confidence_level=0.9, method="refit", n_samples=2, theta=None, **parameters
):
    shapes = dimensions(X), dimensions(y), dimensions(y_var)
    if str(parameters.get("hyperparameters")) == "slice" and shapes[:2] == (2, 1) and shapes[2] != 1:
        X, y, method = X[:3], y[:3], "model"  # a second each, and another for every fold
    gp = function(**parameters).fit(X, y, y_var)
    new = X if new is None else new
    mean, std = gp.predict(new, return_std=True)
    draws = gp.sample_y(new, n_samples, random_state=0)
    value, slopes = gp.log_marginal_likelihood(theta, eval_gradient=True)
    loo = gp.leave_one_out()
    for array in (mean, std, draws, value, slopes, loo.mean, loo.std, loo.z, gp.length_scale_, gp.signal_variance_):
        assert not np.isnan(np.asarray(array)).any()
    assert (std >= 0).all()
    interval = gp.predict_interval(new, confidence_level, method=method)
    gp.update(X, y, y_var)
    assert not np.isnan(gp.predict(new)).any()
    return interval, loo


TARGETS = {
    "bayes.GaussianProcess": Target(st.sampled_from([1, 2, 3, 5, 10, 20]).flatmap(_rows), _regress),
}

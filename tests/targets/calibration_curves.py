"""How the smooth error, the decomposition and the reliability curve of `calibration` are driven."""

import numpy as np
from hypothesis import strategies as st
from strategies import (
    HOSTILE_LEVELS,
    HOSTILE_NUMBERS,
    HOSTILE_WORDS,
    LEVELS,
    RESAMPLES,
    SEEDS,
    Target,
    arguments,
    column,
    groups,
    hostile_arrays,
    methods,
    mostly,
    per_size,
    scores,
)

CHANCES = ("unit", "ties", "binary", "zeros", "ones", "subnormal", "tiny")


def _simplex(n, seed):
    return np.random.default_rng(seed).dirichlet([1, 1, 0.01], size=n)


def _rows(n):
    """Return outcomes and probabilities, of one event mostly, of three classes now and then."""
    one = {
        "y_true": mostly(scores(n, kinds=("binary", "binary", "ones", "zeros", "unit")), hostile_arrays(n)),
        "y_prob": mostly(scores(n, kinds=CHANCES), hostile_arrays(n)),
    }
    three = {
        "y_true": mostly(st.builds(lambda s: np.random.default_rng(s).integers(0, 3, n), st.integers(0, 9)), column(n)),
        "y_prob": mostly(st.builds(_simplex, st.just(n), st.integers(0, 9)), hostile_arrays(n, 3)),
    }
    return one, three


def _target(required=None, optional=None):
    def make(n):
        every = {"sample_weight": st.none() | mostly(scores(n, kinds=CHANCES), hostile_arrays(n)), "groups": groups(n)}
        return st.one_of(*(arguments({**rows, **(required or {})}, {**every, **(optional or {})}) for rows in _rows(n)))

    return Target(per_size(make))


TARGETS = {
    "calibration.smooth_calibration_error": _target(
        optional={"sigma": mostly(st.sampled_from([None, 0.1, 1e-4, 1e9, 1e-12]), HOSTILE_NUMBERS)}
    ),
    "calibration.score_decomposition": _target(optional={"score": methods("brier", "log")}),
    "calibration.reliability_curve": _target(
        required={"n_resamples": RESAMPLES},
        optional={
            "method": methods("isotonic", "kernel", "bins"),
            "band": mostly(st.sampled_from([None, "consistency", "honest", "bootstrap"]), HOSTILE_WORDS),
            "confidence_level": mostly(LEVELS, HOSTILE_LEVELS),
            "n_bins": mostly(st.sampled_from([1, 3, 15, 10**6]), HOSTILE_NUMBERS),
            "rng": SEEDS,
        },
    ),
}

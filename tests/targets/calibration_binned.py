"""How the binned errors of `calibration` and what stands beside them are driven."""

import math

import numpy as np
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss
from strategies import (
    ALTERNATIVES,
    HOSTILE_LEVELS,
    HOSTILE_NUMBERS,
    HOSTILE_WORDS,
    INF,
    LEVELS,
    NAN,
    RESAMPLES,
    SEEDS,
    Target,
    arguments,
    groups,
    hostile_arrays,
    methods,
    mostly,
    per_size,
    scores,
)

NORMS = mostly(st.sampled_from([1, 2, math.inf]), st.sampled_from([0, 3, NAN, -INF, "1", None, True, [1], np.ones(2)]))
BINS = mostly(st.sampled_from([1, 2, 10, 15, 5000]), HOSTILE_NUMBERS)
DEBIAS = mostly(st.sampled_from([False, True, "residual", "outcome"]), HOSTILE_WORDS)


def _forecasts(n):
    """Return a strategy of (y, p): binary, certain, of verbal steps, of classes; in several dresses."""
    rng = np.random.default_rng(n)
    unit, rows = rng.random(n), rng.dirichlet(np.ones(3), n)
    binary = [unit, unit.astype(np.float32), unit.tolist(), np.round(unit, 1), np.round(unit), np.full(n, 5e-324)]
    classes = [rows, rows.astype(np.float32), np.eye(3)[np.arange(n) % 3], np.asfortranarray(rows), rows.tolist()]
    return st.one_of(
        st.tuples(
            mostly(scores(n, kinds=("binary", "ones", "zeros")), hostile_arrays(n) | scores(n)),
            mostly(st.sampled_from(binary), hostile_arrays(n) | scores(n)),
        ),
        st.tuples(
            mostly(
                st.sampled_from([np.arange(n) % 3, np.zeros(n, int), ["abc"[i % 3] for i in range(n)]]),
                hostile_arrays(n),
            ),
            mostly(st.sampled_from(classes), hostile_arrays(n, 3) | st.just(rows * 2)),
        ),
    )


def _metric(function, rows, **options):
    return function(*rows, **options)


def _accumulate(function, rows, n_bins, ask, norm, debias, classes=None):
    y, p = rows
    first = function(n_bins).partial_fit(p, y, classes)
    total = first.merge(function(n_bins)).merge(first)
    return total.error(norm, debias), total.curve(), total.interval(**ask)


TARGETS = {
    "calibration.expected_calibration_error": Target(
        per_size(
            lambda n: arguments(
                {"rows": _forecasts(n)},
                {
                    "n_bins": BINS,
                    "strategy": methods("uniform", "quantile", "auto"),
                    "norm": NORMS,
                    "reduction": methods("confidence", "top_label", "classwise"),
                    "debias": DEBIAS,
                    "squared": st.booleans(),
                    "sample_weight": st.none()
                    | scores(n, kinds=("unit", "ones", "tiny", "subnormal", "both ends", "binary")),
                    "groups": groups(n),
                },
            )
        ),
        _metric,
    ),
    "calibration.BinnedCalibrationError": Target(
        per_size(
            lambda n: arguments(
                {
                    "rows": _forecasts(n),
                    "n_bins": BINS,
                    "norm": NORMS,
                    "debias": DEBIAS,
                    "ask": arguments(
                        {"n_resamples": RESAMPLES, "rng": SEEDS},
                        {
                            "confidence_level": mostly(LEVELS, HOSTILE_LEVELS),
                            "alternative": mostly(ALTERNATIVES, HOSTILE_WORDS),
                            "norm": mostly(st.sampled_from([1, 2]), NORMS),
                            "squared": st.booleans(),
                        },
                    ),
                },
                {"classes": mostly(st.sampled_from([None, [0, 1, 2], list("abc")]), hostile_arrays(3))},
            )
        ),
        _accumulate,
    ),
    "calibration.calibration_test": Target(
        per_size(
            lambda n: arguments(
                {"rows": _forecasts(n), "n_resamples": RESAMPLES, "rng": SEEDS},
                {
                    "metric": mostly(st.sampled_from([brier_score_loss, lambda y, p: 0.5]), HOSTILE_WORDS),
                    "groups": groups(n),
                },
            )
        ),
        _metric,
    ),
    "calibration.latent_brier_score": Target(
        per_size(
            lambda n: arguments(
                {
                    "n_correct": mostly(
                        st.integers(0, 99).map(lambda s: np.arange(n) * s % 6), hostile_arrays(n) | scores(n)
                    ),
                    "n_trials": mostly(
                        st.sampled_from([5, 10**6, np.full(n, 9), [7] * n]), HOSTILE_NUMBERS | hostile_arrays(n)
                    ),
                    "y_prob": mostly(scores(n, kinds=("unit", "ones", "ties")), hostile_arrays(n) | scores(n)),
                },
                {"sample_weight": st.none() | scores(n), "groups": groups(n)},
            )
        )
    ),
}
